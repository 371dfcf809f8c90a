//go:build !linux

package peercred

import (
	"net"
	"net/netip"
)

func owner(near, far netip.AddrPort) (uid int, err error) { return 0, ErrUnsupported }

func connected(net.Conn) bool { return true }
