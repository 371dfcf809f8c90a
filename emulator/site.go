package emulator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// site is one HTTP server with an end: when close returns, no connection, handler or goroutine of it is left.
type site struct {
	url      string
	host     string // the name it was asked to listen on
	listener net.Listener
	tls      *tls.Config // nil for plain HTTP
	server   *http.Server
	cancel   context.CancelFunc
	served   chan struct{}
	conns    sync.WaitGroup // connections that the server still owns

	mu       sync.Mutex
	closed   bool
	handlers sync.WaitGroup // handlers outlive their connection once they hijack it, and in HTTP/2
}

func listen(ctx context.Context, address string, config *tls.Config) (*site, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("emulator: listen address %q is not host:port", address)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("emulator: listen on %s: %w", address, err)
	}
	bound := l.Addr().(*net.TCPAddr)
	shown := host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		shown = "127.0.0.1" // where this machine reaches a server that listens everywhere
	}
	scheme := "http"
	if config != nil {
		scheme = "https"
	}
	return &site{
		url:      scheme + "://" + net.JoinHostPort(shown, fmt.Sprint(bound.Port)),
		host:     host,
		listener: l,
		tls:      config,
		served:   make(chan struct{}),
	}, nil
}

func (s *site) serve(h http.Handler, log *slog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	protocols.SetUnencryptedHTTP2(true)
	s.server = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if s.begin() {
				defer s.handlers.Done()
				h.ServeHTTP(w, r)
			}
		}),
		TLSConfig:         s.tls,
		Protocols:         protocols,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         s.track,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(s.served)
		serve := s.server.Serve
		if s.tls != nil {
			serve = func(l net.Listener) error { return s.server.ServeTLS(l, "", "") }
		}
		if err := serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("emulator stopped serving", "url", s.url, "err", err)
		}
	}()
}

// begin counts a handler, unless the site is closed already.
func (s *site) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.handlers.Add(1)
	}
	return !s.closed
}

func (s *site) track(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1) // in Serve's goroutine, so never after served is closed
	case http.StateClosed, http.StateHijacked:
		s.conns.Done()
	}
}

func (s *site) close() error {
	err := s.server.Close() // before cancel: a stream must be cut, not come to a good end
	s.cancel()
	<-s.served
	s.conns.Wait()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.handlers.Wait()
	return err
}
