package local

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// What a slow client can hold.
const (
	headerTimeout = 5 * time.Second
	bodyTimeout   = 15 * time.Second
	idleTimeout   = 60 * time.Second
	maxHeader     = 16 << 10
)

// A Server serves until it is stopped.
type Server struct {
	http   *http.Server
	served sync.WaitGroup // the goroutine of Serve
	conns  sync.WaitGroup // the goroutines of connections

	mu      sync.Mutex
	active  map[net.Conn]bool // those with a request that is being answered
	resting chan struct{}     // made by Stop, closed when none is active
}

// Serve starts to serve h on l. A slow or idle client cannot hold it, and nothing
// is logged: what net/http would log are the bytes of requests that it cannot read.
// The caller stops the server.
func Serve(l net.Listener, h http.Handler) *Server {
	s := &Server{active: make(map[net.Conn]bool), http: &http.Server{
		Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ErrorLog: log.New(io.Discard, "", 0),
	}}
	s.http.ConnState = s.track
	s.served.Go(func() { _ = s.http.Serve(l) })
	return s
}

func (s *Server) track(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1) // in Serve's goroutine, so never after it returned
	case http.StateClosed, http.StateHijacked:
		s.conns.Done()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateActive {
		s.active[c] = true
		return
	}
	delete(s.active, c)
	s.rest()
}

// rest tells Stop that nothing is being answered. The caller has s.mu.
func (s *Server) rest() {
	if s.resting != nil && len(s.active) == 0 {
		close(s.resting)
		s.resting = nil
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
	_ = s.http.Close()
	cancel()
	down.Wait()
	s.served.Wait()
	s.conns.Wait()
}
