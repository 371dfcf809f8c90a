package loopback

import (
	"errors"
	"syscall"
)

// Of winsock2.h.
const (
	wsaeacces          = syscall.Errno(10013)
	wsaeafnosupport    = syscall.Errno(10047)
	wsaeaddrinuse      = syscall.Errno(10048)
	wsaeaddrnotavail   = syscall.Errno(10049)
	wsaeprotonosupport = syscall.Errno(10043)
)

func isInUse(err error) bool { return errors.Is(err, wsaeaddrinuse) }

func isDenied(err error) bool { return errors.Is(err, wsaeacces) }

// isAbsent tells whether this machine lacks an address.
func isAbsent(err error) bool {
	return errors.Is(err, wsaeaddrnotavail) || errors.Is(err, wsaeafnosupport) || errors.Is(err, wsaeprotonosupport)
}

// isForbiddenFamily tells whether this process may have no socket of a family.
func isForbiddenFamily(error) bool { return false }
