package tunnel

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// maxUnconfirmed bounds what is kept until the relay confirms it, and maxUnread
	// what is kept until the program reads it, in bytes.
	maxUnconfirmed = 1 << 20
	maxUnread      = 512 << 10

	// ackAfter is how much may be received before it is acknowledged, and ackIdle how
	// long a smaller amount waits. Both are gcloud's.
	ackAfter = 2 * maxData
	ackIdle  = 2 * time.Second

	// lingerTimeout is how long Close waits for what was written to be sent.
	lingerTimeout = 10 * time.Second
)

// A Conn is a TCP connection through the relay. Its methods may be called by many
// goroutines at once.
type Conn struct {
	target  *target
	session string

	ctx    context.Context // of its goroutines
	cancel context.CancelFunc
	over   chan struct{} // closed when they have ended

	readDeadline, writeDeadline deadline

	mu      sync.Mutex
	changed chan struct{} // closed at the next change, nil where nobody waits

	in       ring   // received, and not read
	received uint64 // bytes, since the connection began
	acked    uint64 // how many of them the relay was told of

	out       ring   // written, and not confirmed
	confirmed uint64 // bytes, since the connection began
	next      uint64 // the first byte that this link has not sent
	sent      uint64 // how many were ever sent

	writeClosed bool
	closing     bool  // by Close
	err         error // why there is nothing more: io.EOF where the other side closed
}

var _ net.Conn = (*Conn)(nil)

// dial connects, and starts what carries the connection.
func dial(ctx context.Context, t *target) (*Conn, error) {
	l, err := t.open(ctx, t.connect)
	if err != nil {
		return nil, err
	}
	f, err := l.first(ctx, tagConnected)
	if err != nil {
		_ = l.ws.CloseNow()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, t.linkError(err)
	}
	for _, b := range f.data {
		if b < 0x21 || b > 0x7e {
			_ = l.ws.CloseNow()
			return nil, protocolError("a session ID that is not printable")
		}
	}
	c := &Conn{target: t, session: string(f.data), over: make(chan struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	go c.run(l)
	return c, nil
}

// wait waits for a change, and returns with the lock held again. It returns an error
// when the deadline passes first.
func (c *Conn) wait(d *deadline) error {
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	changed := c.changed
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-d.done():
		return os.ErrDeadlineExceeded
	}
}

// notify wakes all who wait. The caller has the lock.
func (c *Conn) notify() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// Read reads what the other side sent. It returns [io.EOF] when that closed the
// connection.
func (c *Conn) Read(p []byte) (int, error) {
	if c.readDeadline.passed() {
		return 0, c.opError("read", os.ErrDeadlineExceeded)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		switch {
		case c.closing:
			return 0, c.opError("read", net.ErrClosed)
		case len(p) == 0:
			return 0, nil
		case c.in.len() > 0:
			n := c.in.peek(p, 0)
			c.in.drop(n)
			c.notify()
			return n, nil
		case errors.Is(c.err, io.EOF):
			return 0, io.EOF
		case c.err != nil:
			return 0, c.opError("read", c.err)
		}
		if err := c.wait(&c.readDeadline); err != nil {
			return 0, c.opError("read", err)
		}
	}
}

// Write sends p. It returns when all of p is kept to be sent, and waits while much of
// what was written before is not confirmed.
func (c *Conn) Write(p []byte) (int, error) {
	if c.writeDeadline.passed() {
		return 0, c.opError("write", os.ErrDeadlineExceeded)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	written := 0
	for {
		switch {
		case c.closing || c.writeClosed:
			return written, c.opError("write", net.ErrClosed)
		case errors.Is(c.err, io.EOF):
			return written, c.opError("write", io.ErrClosedPipe)
		case c.err != nil:
			return written, c.opError("write", c.err)
		}
		if n := c.out.write(p[written:], maxUnconfirmed); n > 0 {
			written += n
			c.notify()
		}
		if written == len(p) {
			return written, nil
		}
		if err := c.wait(&c.writeDeadline); err != nil {
			return written, c.opError("write", err)
		}
	}
}

// CloseWrite ends writing. What was written is still sent. The relay protocol cannot
// tell the other side, so that a program there that waits for the end of its input
// goes on waiting; what it sends is still received.
func (c *Conn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeClosed = true
	c.notify()
	return nil
}

// Close ends the connection when what was written is sent, or after 10 seconds.
func (c *Conn) Close() error {
	c.mu.Lock()
	already := c.closing
	c.closing = true
	c.notify()
	c.mu.Unlock()
	if already {
		<-c.over
		return c.opError("close", net.ErrClosed)
	}
	timer := time.NewTimer(lingerTimeout)
	defer timer.Stop()
	select {
	case <-c.over:
	case <-timer.C:
	}
	c.cancel()
	<-c.over
	return nil
}

// SetDeadline implements [net.Conn].
func (c *Conn) SetDeadline(t time.Time) error {
	c.readDeadline.set(t)
	c.writeDeadline.set(t)
	return nil
}

// SetReadDeadline implements [net.Conn].
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.readDeadline.set(t)
	return nil
}

// SetWriteDeadline implements [net.Conn].
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.writeDeadline.set(t)
	return nil
}

// LocalAddr returns an address that stands for this side.
func (c *Conn) LocalAddr() net.Addr { return addr("iap-tunnel") }

// RemoteAddr returns NAME:PORT of the other side.
func (c *Conn) RemoteAddr() net.Addr {
	return addr(net.JoinHostPort(c.target.host, c.target.port))
}

type addr string

func (addr) Network() string  { return "tcp" }
func (a addr) String() string { return string(a) }

func (c *Conn) opError(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: c.RemoteAddr(), Err: err}
}
