package authcode

import (
	"context"
	"errors"
	"net"
	"net/http"
	"runtime"

	"github.com/tokentoss/tokentoss/core/peercred"
)

// Every user of a machine can reach a loopback address, and whoever learns state and
// nonce could sign the victim in as somebody else. So the redirect is taken from this
// user alone, or from root.

// A peer is whose a request is.
type peer int

const (
	ownPeer     peer = iota // this user's, or root's
	otherPeer               // another user's; or nobody's, who closed the connection
	unknownPeer             // from elsewhere: a relay, such as WSL's or a container's
)

type connKey struct{}

// withConn lets a request know its connection, as [http.Server.ConnContext].
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// peerOf tells whose r is, as far as check, which is [peercred.Check], can tell.
func peerOf(r *http.Request, check func(net.Conn) error) peer {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	switch err := check(c); {
	case err == nil:
		return ownPeer
	case errors.Is(err, peercred.ErrNotFound):
		return unknownPeer
	case errors.Is(err, peercred.ErrUnsupported):
		if runtime.GOOS == "linux" { // where it is known as a rule, but in a sandbox
			return unknownPeer
		}
		return ownPeer
	}
	return otherPeer
}
