package peercred

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
)

// A connection is let in of a process and of those that descend from it, and of no other.
func TestCheckProcess(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	defer l.Close()
	// A shell, whose child is the one that connects.
	cmd := exec.Command("sh", "-c", `python3 -c 'import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1]))); s.recv(1)' "$0"; true`, portOf(l))
	stdin, err := cmd.StdinPipe()
	must(err)
	must(cmd.Start())
	defer func() { _ = stdin.Close(); _ = cmd.Wait() }()
	c, err := l.Accept()
	must(err)
	defer c.Close()
	for process, want := range map[int]error{cmd.Process.Pid: nil, os.Getpid(): nil, 1 << 30: ErrOtherProcess} {
		if err := CheckProcess(c, process); !errors.Is(err, want) {
			t.Errorf("process %d: %v, not %v", process, err, want)
		}
	}
	other := exec.Command("cat")
	in, err := other.StdinPipe()
	must(err)
	must(other.Start())
	defer func() { _ = in.Close(); _ = other.Wait() }()
	if err := CheckProcess(c, other.Process.Pid); !errors.Is(err, ErrOtherProcess) {
		t.Errorf("a process beside it: %v", err)
	}
	_, _ = io.WriteString(c, "x")
}

func portOf(l net.Listener) string {
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(err)
	return port
}
