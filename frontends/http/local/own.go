package local

import (
	"log/slog"
	"net"
	"os"
	"strconv"
)

// OnlyOwner returns a listener that takes connections of this user from l, and of
// root, who could be this user at any time. Others are closed. It is for a server
// that wants no key, where [KnowsOwners].
func OnlyOwner(l net.Listener, log *slog.Logger) net.Listener { return &ownListener{l, log} }

type ownListener struct {
	net.Listener
	log *slog.Logger
}

// Accept implements [net.Listener].
func (l *ownListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		uid, ok := owner(c)
		if ok && (uid == "0" || uid == strconv.Itoa(os.Geteuid())) {
			return c, nil
		}
		l.log.Warn("a connection of another user was closed", "uid", uid)
		_ = c.Close()
	}
}
