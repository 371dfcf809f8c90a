package forward

import (
	"bufio"
	"context"
	"net"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

const (
	// maxConnections is how many are served at once; more wait.
	maxConnections = 512

	// requestTimeout is how long a connection may stand without a request.
	requestTimeout = time.Minute
)

// Options say what is lent, and to whom.
type Options struct {
	Hello Hello

	// Allow decides about each request; nil allows all. Its error is the answer.
	// It is called by one goroutine at a time.
	Allow func(ctx context.Context, r Request) error

	// Open, where it is not nil, has the requests of the other side made here, and no
	// token is given. It returns what serves a connection with HTTP for r.Target, which
	// is to call allow before each request.
	Open func(r Request, allow Allow) (serve func(context.Context, net.Conn), err error)

	// Used is called after each token that was given, by many goroutines at once.
	Used func(r Request)
}

// Allow decides about a request, of which line is the method and the URL.
type Allow func(ctx context.Context, line string) error

// Serve answers those who connect to l until ctx ends, and closes l. It returns when
// nothing of it is left. Who may connect is for l to say: a socket in a private
// directory.
func Serve(ctx context.Context, l net.Listener, app core.App, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	o.Hello.Version, o.Hello.Requests = Version, o.Open != nil
	s := &server{app: app, o: o, asking: make(chan struct{}, 1)}
	var serving sync.WaitGroup
	defer serving.Wait()
	slots := make(chan struct{}, maxConnections)
	for {
		slots <- struct{}{}
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				err = nil
			}
			cancel()
			_ = l.Close()
			return err
		}
		serving.Go(func() {
			defer func() { <-slots }()
			defer c.Close()
			defer context.AfterFunc(ctx, func() { _ = c.Close() })()
			s.serve(ctx, c)
		})
	}
}

type server struct {
	app    core.App
	o      Options
	asking chan struct{} // holds one while o.Allow is called
}

// serve answers one connection.
func (s *server) serve(ctx context.Context, c net.Conn) {
	_ = c.SetDeadline(time.Now().Add(requestTimeout))
	if writeMessage(c, s.o.Hello) != nil {
		return
	}
	r := bufio.NewReader(c)
	for {
		_ = c.SetReadDeadline(time.Now().Add(requestTimeout))
		var req Request
		if readMessage(r, &req) != nil {
			return
		}
		req.Program, req.Host, req.Target = clean(req.Program), clean(req.Host), clean(req.Target)
		a, serve := s.answer(ctx, req)
		_ = c.SetWriteDeadline(time.Now().Add(requestTimeout))
		if writeMessage(c, a) != nil {
			return
		}
		if serve != nil {
			_ = c.SetDeadline(time.Time{})
			serve(ctx, &connection{c, r})
			return
		}
	}
}

// answer is what a request is answered with, and what serves the rest of its
// connection, if HTTP follows.
func (s *server) answer(ctx context.Context, r Request) (a answer, serve func(context.Context, net.Conn)) {
	var err error
	switch {
	case s.o.Open != nil && r.Target == "":
		return answerOf("", errNoToken(s.o.Hello.Host)), nil
	case s.o.Open != nil:
		serve, err = s.o.Open(r, func(ctx context.Context, line string) error {
			r := r
			r.Line = clean(line)
			return s.allow(ctx, r)
		})
		if err != nil {
			return answerOf("", err), nil
		}
		return answer{Open: true}, serve
	case r.Target != "":
		return answerOf("", &fault.Error{Kind: fault.Unsupported, Problem: "no requests are made here; tokens are given"}), nil
	}
	if err = s.allow(ctx, r); err != nil {
		return answerOf("", err), nil
	}
	token, err := s.app.IDToken(ctx)
	if err == nil && s.o.Used != nil {
		s.o.Used(r)
	}
	return answerOf(token.Value, err), nil
}

// allow asks whether a request is to be answered.
func (s *server) allow(ctx context.Context, r Request) error {
	if s.o.Allow == nil {
		return nil
	}
	select {
	case s.asking <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.asking }()
	return s.o.Allow(ctx, r)
}
