//go:build !windows

package loopback

import (
	"errors"
	"syscall"
)

// checkListening tells whether a descriptor is a stream socket that listens; wide is one
// of IPv6 that takes connections of IPv4, too.
func checkListening(fd int) (wide bool, err error) {
	kind, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TYPE)
	switch {
	case err != nil:
		return false, errors.New("is not a socket")
	case kind != syscall.SOCK_STREAM:
		return false, errors.New("is not a stream socket")
	}
	if listens, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN); err != nil || listens == 0 {
		return false, errors.New("does not listen")
	}
	at, err := syscall.Getsockname(fd)
	if err != nil {
		return false, errors.New("is of a network that is not known")
	}
	if six, ok := at.(*syscall.SockaddrInet6); ok && six.Addr == [16]byte{} {
		only, err := syscall.GetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY)
		return err == nil && only == 0, err
	}
	return false, nil
}
