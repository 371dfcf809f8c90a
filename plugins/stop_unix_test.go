//go:build unix

package plugins_test

import (
	"os"
	"syscall"
)

// stopProcess stops this process, which then reads nothing that it is sent.
func stopProcess() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) }

// alive tells whether a process is there.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }
