package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// A role is a process that plays one.
type role struct {
	name    string
	address string // host:port
	header  string // what its requests must show
	request string // of its clients, but for the path
	cmd     *exec.Cmd
	end     func()
}

// roleEnv tells this executable to play a role.
const roleEnv = "TOKENTOSS_BENCH_ROLE"

// startRole starts this executable in a role. Its first line is its address, and what
// its requests must show.
func startRole(name string, args ...string) (*role, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, args...)
	cmd.Env = append(os.Environ(), roleEnv+"="+name)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	address, header, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	if err != nil || address == "" {
		return nil, fmt.Errorf("%s does not begin: %w", name, errors.Join(err, cmd.Process.Kill(), cmd.Wait()))
	}
	shown := header
	if header != "" {
		header += "\r\n"
	}
	return &role{
		name: name, address: address, header: shown, cmd: cmd,
		request: " HTTP/1.1\r\nHost: " + address + "\r\nUser-Agent: bench\r\nAccept: */*\r\n" + header + "\r\n",
		end:     func() { _ = in.Close() }, // which it waits for
	}, nil
}

func (r *role) stop() {
	r.end()
	_ = r.cmd.Wait()
}

// memory reads a line of what the system knows of the process, in KiB.
func (r *role) memory(what string) (float64, error) {
	return memoryOf(strconv.Itoa(r.cmd.Process.Pid), what)
}

// memoryOf is that of a process, in KiB.
func memoryOf(pid, what string) (float64, error) {
	text, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, what+":"); ok {
			return strconv.ParseFloat(strings.Fields(rest)[0], 64)
		}
	}
	return 0, fmt.Errorf("the system does not say %s", what)
}
