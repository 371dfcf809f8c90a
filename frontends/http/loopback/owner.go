package loopback

import (
	"errors"
	"log/slog"
	"net"
	"sync"

	"github.com/tokentoss/tokentoss/core/peercred"
)

// An ownListener takes connections of this user, and of root. Others are closed.
type ownListener struct {
	net.Listener
	log *slog.Logger
}

// Accept implements [net.Listener]. Whose a connection is, its own goroutine finds out:
// nobody waits here for another.
func (l *ownListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &ownConn{TCPConn: c.(*net.TCPConn), log: l.log}, nil
}

// An ownConn gives nothing of what another user sends.
type ownConn struct {
	*net.TCPConn
	log     *slog.Logger
	once    sync.Once
	refused error
}

// Read implements [io.Reader].
func (c *ownConn) Read(b []byte) (int, error) {
	if c.once.Do(c.check); c.refused != nil {
		return 0, c.refused
	}
	return c.TCPConn.Read(b)
}

func (c *ownConn) check() {
	if c.refused = peercred.Check(c.TCPConn); c.refused == nil {
		return
	}
	var other *peercred.UserError
	switch {
	case errors.As(c.refused, &other):
		c.log.Warn("a connection of another user was closed", "uid", other.UID)
	case errors.Is(c.refused, peercred.ErrClosed): // as many tools do that look for a server
		c.log.Debug("a connection was closed before its owner was known")
	default:
		c.log.Warn("a connection was closed", "error", c.refused)
	}
	_ = c.Close()
}
