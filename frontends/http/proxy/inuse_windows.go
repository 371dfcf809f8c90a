package proxy

import (
	"errors"
	"syscall"
)

// Winsock's error codes, which package syscall does not name.
const (
	wsaEACCES     = syscall.Errno(10013)
	wsaEADDRINUSE = syscall.Errno(10048)
)

func addressInUse(err error) bool {
	return errors.Is(err, wsaEADDRINUSE) || errors.Is(err, wsaEACCES)
}
