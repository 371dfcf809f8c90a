//go:build !linux

package agent

import "net"

// checkPeer trusts the directory of the socket, which other users cannot enter.
func checkPeer(*net.UnixConn) error { return nil }
