package etcd_test

import (
	"bytes"
	"net"
	"net/url"
	"sync"
	"testing"
)

// The states of a link.
type state int

const (
	whole  state = iota
	cut          // connections are reset, and new ones are too
	silent       // connections stand, and nothing comes through
	deaf         // what is asked goes through, and no answer comes back
)

// A link is the network between one machine and the members of a cluster.
type link struct {
	endpoints []string      // of the members, through the link
	swallowed chan struct{} // gets one when a request has not come through
	wg        sync.WaitGroup

	mu    sync.Mutex
	state state
	conns map[net.Conn]bool
	mark  []byte // what, in a request, makes the link deaf; empty for none
}

// newLink returns a link that ends with t.
func newLink(t testing.TB, endpoints ...string) *link {
	t.Helper()
	l := &link{conns: map[net.Conn]bool{}, swallowed: make(chan struct{}, 1)}
	var listeners []net.Listener
	for _, endpoint := range endpoints {
		u, err := url.Parse(endpoint)
		must(t, err)
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		listeners = append(listeners, listener)
		l.endpoints = append(l.endpoints, u.Scheme+"://"+listener.Addr().String())
		l.wg.Go(func() { l.accept(listener, u.Host) })
	}
	t.Cleanup(func() {
		for _, listener := range listeners {
			_ = listener.Close()
		}
		l.set(cut)
		l.wg.Wait()
	})
	return l
}

// set changes the state. Bytes that a link swallowed are missing in its
// connections, so that none of them survives its repair.
func (l *link) set(s state) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	if s == whole || s == cut {
		for conn := range l.conns {
			reset(conn)
		}
	}
}

// deafAt makes the link deaf once a request has text in it.
func (l *link) deafAt(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mark = []byte(text)
}

func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func (l *link) accept(listener net.Listener, to string) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		member, err := net.Dial("tcp", to)
		if err != nil {
			reset(conn)
			continue
		}
		if !l.add(conn, member) {
			continue
		}
		l.wg.Go(func() { l.carry(member, conn, false) })
		l.wg.Go(func() { l.carry(conn, member, true) })
	}
}

// add keeps the connections, or resets them.
func (l *link) add(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range conns {
		if l.state == cut {
			reset(conn)
			continue
		}
		l.conns[conn] = true
	}
	return l.state != cut
}

// carry copies from one side to the other, until either ends.
func (l *link) carry(to, from net.Conn, answers bool) {
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, conn := range []net.Conn{to, from} {
			reset(conn)
			delete(l.conns, conn)
		}
	}()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && l.passes(buf[:n], answers) {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (l *link) passes(data []byte, answers bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !answers && len(l.mark) > 0 && bytes.Contains(data, l.mark) {
		l.state, l.mark = deaf, nil
	}
	if l.state == whole || l.state == deaf && !answers {
		return true
	}
	if !answers {
		select {
		case l.swallowed <- struct{}{}:
		default:
		}
	}
	return false
}
