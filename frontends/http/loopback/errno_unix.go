//go:build !windows

package loopback

import (
	"errors"
	"os"
	"syscall"
)

func isInUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

func isDenied(err error) bool { return errors.Is(err, syscall.EACCES) || errors.Is(err, syscall.EPERM) }

// isAbsent tells whether this machine lacks an address.
func isAbsent(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EPROTONOSUPPORT)
}

// isForbiddenFamily tells whether this process may have no socket of a family.
func isForbiddenFamily(err error) bool {
	var call *os.SyscallError
	return isDenied(err) && errors.As(err, &call) && call.Syscall == "socket"
}
