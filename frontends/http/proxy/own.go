package proxy

import (
	"log/slog"
	"net"
	"os"
	"strconv"
)

// An ownListener takes connections of this user, and of root, who could be this user
// at any time. It is for a proxy without a secret.
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
