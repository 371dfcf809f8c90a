//go:build !linux && !windows

package agent

import "net"

// checkPeer trusts the directory of the socket, which other users cannot enter.
func checkPeer(net.Conn) error { return nil }
