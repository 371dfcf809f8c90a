package forwardproxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"

	"github.com/tokentoss/tokentoss/core/peercred"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

var errOtherName = errors.New("the name in TLS is not the one of CONNECT")

// accept takes over the connection of a CONNECT request and says that it goes on.
func accept(w http.ResponseWriter) (net.Conn, error) {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	if _, err = conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		conn.Close()
		return nil, err
	}
	return unread(conn, buf.Reader), nil // a client may not have waited
}

// unread is the connection with what r has read of it already.
func unread(conn net.Conn, r *bufio.Reader) net.Conn {
	if r.Buffered() == 0 {
		return conn
	}
	return &readAhead{conn, r}
}

// readAhead is a connection of which the beginning was read.
type readAhead struct {
	net.Conn
	r *bufio.Reader
}

func (c *readAhead) Read(b []byte) (int, error) {
	if c.r.Buffered() > 0 {
		return c.r.Read(b)
	}
	return c.Conn.Read(b)
}

// An openedConn is a connection that a client means to have to a target.
type openedConn struct {
	net.Conn
	target *target
	allow  func(context.Context, *http.Request) error // of each request; nil is all
	once   sync.Once
	done   chan struct{} // closed when the connection is
}

// Close implements [net.Conn].
func (c *openedConn) Close() error {
	c.once.Do(func() { close(c.done) })
	return c.Conn.Close()
}

type targetKey struct{}

type allowKey struct{}

// withTarget is for the requests of a connection.
func withTarget(ctx context.Context, c net.Conn) context.Context {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	opened := c.(*openedConn)
	if opened.allow != nil {
		ctx = context.WithValue(ctx, allowKey{}, opened.allow)
	}
	return context.WithValue(ctx, targetKey{}, opened.target)
}

// Has tells whether an authority, HOST:PORT, is a target's.
func (p *Proxy) Has(authority string) bool { return p.find(authority, "") != nil }

// ServeConn serves a connection to a target that came by another door, of which it is
// known who may use it, and returns when it ends. It has HTTP/1.1, or HTTP/2 by prior
// knowledge, without TLS. Each request is made if allow, which is not nil, lets it. Errors
// are for package github.com/tokentoss/tokentoss/core/forward, which explains them on its
// side. The proxy is to be started before.
func (p *Proxy) ServeConn(ctx context.Context, conn net.Conn, authority string, allow func(context.Context, *http.Request) error) {
	defer conn.Close()
	t := p.find(authority, "")
	if t == nil {
		return
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	in := &openedConn{Conn: conn, target: t, allow: allow, done: make(chan struct{})}
	if p.opened.give(in) {
		<-in.done
	}
}

// allowed asks whether a request may be made, where it came by a door that has it asked.
func allowed(r *http.Request) error {
	if allow, ok := r.Context().Value(allowKey{}).(func(context.Context, *http.Request) error); ok {
		return proxy.TokenError(allow(r.Context(), r))
	}
	return nil
}

// A handoff is a listener of connections that come from within the program.
type handoff struct {
	conns chan net.Conn
	once  sync.Once
	ended chan struct{}
}

func newHandoff() *handoff { return &handoff{conns: make(chan net.Conn), ended: make(chan struct{})} }

// give hands a connection over, unless the listener has ended.
func (h *handoff) give(c net.Conn) bool {
	select {
	case h.conns <- c:
		return true
	case <-h.ended:
		return false
	}
}

// Accept implements [net.Listener].
func (h *handoff) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.ended:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (h *handoff) Close() error {
	h.once.Do(func() { close(h.ended) })
	return nil
}

// Addr implements [net.Listener].
func (h *handoff) Addr() net.Addr { return &net.TCPAddr{} }

// checkProcess finds out whether a request is of a process or of one that descends from it.
func checkProcess(r *http.Request, process int) error {
	near, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	far, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || near == nil {
		return peercred.ErrUnsupported
	}
	return peercred.CheckProcess(addressed{near: near, far: net.TCPAddrFromAddrPort(far)}, process)
}

// addressed is a connection of which no more is known than the addresses.
type addressed struct {
	net.Conn
	near, far net.Addr
}

func (a addressed) LocalAddr() net.Addr  { return a.near }
func (a addressed) RemoteAddr() net.Addr { return a.far }
