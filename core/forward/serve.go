package forward

import (
	"bufio"
	"context"
	"net"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

const (
	// maxConnections is how many are served at once; more wait.
	maxConnections = 64

	// requestTimeout is how long a connection may stand without a request.
	requestTimeout = time.Minute
)

// Options say what is lent, and to whom.
type Options struct {
	Hello Hello

	// Allow decides about each request; nil allows all. Its error is the answer.
	// It is called by one goroutine at a time.
	Allow func(ctx context.Context, r Request) error

	// Used is called after each token that was given, by many goroutines at once.
	Used func(r Request)
}

// Serve answers those who connect to l until ctx ends, and closes l. It returns when
// nothing of it is left. Who may connect is for l to say: a socket in a private
// directory.
func Serve(ctx context.Context, l net.Listener, app core.App, o Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	o.Hello.Version = Version
	s := &server{app: app, o: o}
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
	app   core.App
	o     Options
	allow sync.Mutex // of o.Allow
}

// serve answers one connection.
func (s *server) serve(ctx context.Context, c net.Conn) {
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
		req.Program, req.Host = clean(req.Program), clean(req.Host)
		if writeMessage(c, s.answer(ctx, req)) != nil {
			return
		}
	}
}

func (s *server) answer(ctx context.Context, r Request) answer {
	if s.o.Allow != nil {
		s.allow.Lock()
		err := s.o.Allow(ctx, r)
		s.allow.Unlock()
		if err != nil {
			return answerOf("", err)
		}
	}
	token, err := s.app.IDToken(ctx)
	if err == nil && s.o.Used != nil {
		s.o.Used(r)
	}
	return answerOf(token.Value, err)
}
