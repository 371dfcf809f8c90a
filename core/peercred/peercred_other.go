//go:build !linux

package peercred

import (
	"net"
	"net/netip"
)

func owner(near, far netip.AddrPort) (uid int, inode uint64, err error) { return 0, 0, ErrUnsupported }

func connected(net.Conn) bool { return true }

func inTree(int, uint64) bool { return false }

func standsForOthers(int) bool { return false }
