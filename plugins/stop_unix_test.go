//go:build unix

package plugins_test

import (
	"os"
	"syscall"
)

// stopProcess stops this process, which then reads nothing that it is sent.
func stopProcess() { _ = syscall.Kill(os.Getpid(), syscall.SIGSTOP) }
