package loopback

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Options are how servers differ.
type Options struct {
	HeaderTimeout  time.Duration // for the headers of a request; 5 s when zero
	BodyTimeout    time.Duration // for a whole request; none when zero
	IdleTimeout    time.Duration // of a connection between requests; 60 s when zero
	MaxHeader      int           // bytes of a request's headers; 16 KiB when zero
	MaxConnections int           // 1024 when zero

	// UnencryptedHTTP2 serves HTTP/2 beside HTTP/1.1, to clients that begin with it (RFC
	// 9113 section 3.3), as those of gRPC do.
	UnencryptedHTTP2 bool

	// OwnerOnly closes the connections of other users, but for root's, where
	// package peercred tells whose they are.
	OwnerOnly bool

	// Log learns whose connections were closed. nil is silent.
	Log *slog.Logger
}

// A Server serves until it is stopped. A slow or idle client cannot hold it: where there
// are too many connections, the oldest one goes of which the client is not known, see
// [Know].
type Server struct {
	opts   Options
	http   *http.Server
	ctx    context.Context // of requests
	cancel context.CancelFunc
	served sync.WaitGroup // the goroutines of Serve
	failed chan error
	work   sync.WaitGroup // the goroutines of connections, and handlers

	mu      sync.Mutex
	stopped bool // no handler begins any more
	conns   map[net.Conn]*conn
	unknown *list.List    // of *conn, oldest first
	active  int           // those with a request that is being answered
	resting chan struct{} // made by Stop, closed when none is active
}

// NewServer makes a server of which the requests' contexts have the values of ctx. The
// caller stops it.
func NewServer(ctx context.Context, o Options) *Server {
	s := &Server{opts: o, conns: make(map[net.Conn]*conn), unknown: list.New(), failed: make(chan error, 1)}
	s.opts.MaxConnections = cmp.Or(o.MaxConnections, 1024)
	if s.opts.Log == nil {
		s.opts.Log = slog.New(slog.DiscardHandler)
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.http = &http.Server{
		ReadHeaderTimeout: cmp.Or(o.HeaderTimeout, 5*time.Second), ReadTimeout: o.BodyTimeout,
		IdleTimeout: cmp.Or(o.IdleTimeout, time.Minute), MaxHeaderBytes: cmp.Or(o.MaxHeader, 16<<10),
		ErrorLog:                     log.New(io.Discard, "", 0), // it would have the bytes of requests that cannot be read
		DisableGeneralOptionsHandler: true,                       // which answers before the Host is looked at
		BaseContext:                  func(net.Listener) context.Context { return s.ctx },
		ConnContext:                  s.connect,
		ConnState:                    s.track,
		Protocols:                    new(http.Protocols),
	}
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetUnencryptedHTTP2(o.UnencryptedHTTP2)
	return s
}

// Context ends when the server is stopped and requests had the time to end.
func (s *Server) Context() context.Context { return s.ctx }

// Serve starts to serve h on listeners, which the server closes.
func (s *Server) Serve(ls *Listeners, h http.Handler) {
	s.http.Handler = s.handler(h)
	for _, l := range ls.all {
		if s.opts.OwnerOnly && ls.Socket == "" {
			l = &ownListener{l, s.opts.Log}
		}
		s.served.Go(func() {
			if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				select {
				case s.failed <- err:
				default:
				}
			}
		})
	}
}

// Wait waits until ctx ends, which is nil, or the server cannot go on.
func (s *Server) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// Stop frees the address at once, lets requests that are being answered end within
// grace, and ends all connections. No handler is running when it returns. Unlike
// Shutdown of net/http it does not wait for connections on which nothing was asked,
// which browsers keep ready.
func (s *Server) Stop(grace time.Duration) {
	resting := make(chan struct{})
	s.mu.Lock()
	s.resting = resting
	s.rest()
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	var down sync.WaitGroup
	down.Go(func() { _ = s.http.Shutdown(ctx) })
	select {
	case <-resting:
	case <-ctx.Done():
	}
	s.cancel()
	_ = s.http.Close()
	cancel()
	down.Wait()
	s.served.Wait()
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	s.work.Wait()
}

// A conn is what is known of a connection.
type conn struct {
	server  *Server
	element *list.Element // in server.unknown, or nil
	known   atomic.Bool
	active  bool
	raw     net.Conn
}

type connKey struct{}

// Know keeps the connection of a request, whose client has shown that it may use the
// server, from being closed for the sake of others.
func Know(r *http.Request) {
	c, ok := r.Context().Value(connKey{}).(*conn)
	if !ok || c.known.Swap(true) {
		return
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.server.forget(c)
}

// forget takes c from those that may be closed. The caller has s.mu.
func (s *Server) forget(c *conn) {
	if c.element != nil {
		s.unknown.Remove(c.element)
		c.element = nil
	}
}

// connect registers a connection, in Serve's goroutine.
func (s *Server) connect(ctx context.Context, raw net.Conn) context.Context {
	c := &conn{server: s, raw: raw}
	s.work.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[raw] = c
	c.element = s.unknown.PushBack(c)
	if len(s.conns) > s.opts.MaxConnections {
		oldest := s.unknown.Front().Value.(*conn) // c itself where all others are known
		s.forget(oldest)
		_ = oldest.raw.Close() // its goroutine notices
	}
	return context.WithValue(ctx, connKey{}, c)
}

// track follows what becomes of a connection.
func (s *Server) track(raw net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conns[raw]
	if active := state == http.StateActive; active != c.active {
		if c.active = active; active {
			s.active++
		} else {
			s.active--
			s.rest()
		}
	}
	switch state {
	case http.StateClosed, http.StateHijacked:
		delete(s.conns, raw)
		s.forget(c)
		s.work.Done()
	}
}

// rest tells Stop that nothing is being answered. The caller has s.mu.
func (s *Server) rest() {
	if s.resting != nil && s.active == 0 {
		close(s.resting)
		s.resting = nil
	}
}

// handler counts the handlers: they go on with a connection that they took over, and
// those of HTTP/2 beside the goroutine of theirs.
func (s *Server) handler(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.begin() {
			panic(http.ErrAbortHandler)
		}
		defer s.work.Done()
		h.ServeHTTP(w, r)
	})
}

// begin counts a handler, unless the server was stopped before it began.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.work.Add(1)
	}
	return !s.stopped
}

// EndWith ends the requests of h with ctx.
func EndWith(ctx context.Context, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limited, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		h.ServeHTTP(w, r.WithContext(limited))
	})
}
