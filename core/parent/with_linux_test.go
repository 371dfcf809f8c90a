package parent

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestAskForParent: where the system does not tell, it is asked.
func TestAskForParent(t *testing.T) {
	orphan, cancel := context.WithCancel(t.Context())
	defer cancel()
	ask(orphan, cancel, func() bool { return false })
	child, cancelChild := context.WithCancel(t.Context())
	defer cancelChild()
	ask(child, cancelChild, func() bool { return runs(os.Getppid()) })
	select {
	case <-orphan.Done():
	case <-time.After(20 * time.Second):
		t.Error("that the parent is gone is not noticed")
	}
	if child.Err() != nil {
		t.Error("a parent that is there is taken for gone")
	}
}

// TestPidfd: the end of another process is noticed at once, and the watch of one that
// goes on can be given up.
func TestPidfd(t *testing.T) {
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fd, err := unix.PidfdOpen(cmd.Process.Pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		_ = cmd.Process.Kill()
		t.Skip("this system has no descriptors of processes: ", err)
	}
	gone := make(chan error, 1)
	process := os.NewFile(uintptr(fd), "process")
	defer process.Close()
	go func() { gone <- waitFor(process) }()
	again, err := unix.PidfdOpen(cmd.Process.Pid, unix.PIDFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	other := os.NewFile(uintptr(again), "process")
	givenUp := make(chan error, 1)
	go func() { givenUp <- waitFor(other) }()
	other.Close()
	if err := <-givenUp; err == nil {
		t.Error("a watch that was given up says that the process has ended")
	}
	select {
	case err := <-gone:
		t.Errorf("a process that runs is taken for gone: %v", err)
	default:
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-gone; err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
}
