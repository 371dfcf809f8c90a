package mcp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptrace"
	"net/url"
	"sync"
	"time"
)

// maxMessage is how large a message may be, in bytes.
const maxMessage = 256 << 20

// orderWait is how long the messages behind a notification or a response wait for the
// server to take that.
const orderWait = 10 * time.Second

// endTimeout is how long the end of a session may take.
const endTimeout = 3 * time.Second

// Options say which server, and how to reach it.
type Options struct {
	// URL is the MCP endpoint of the server, or its SSE endpoint.
	URL string

	// Client sends the requests. It is the one that adds the token, and refuses to send it
	// elsewhere. Its Jar and CheckRedirect are not used: cookies are kept for the bridge's
	// time, and a redirect is followed within the endpoint's origin only.
	Client *http.Client

	// Header is sent with every request, too.
	Header http.Header

	// SignIn has a person sign in. It is called where an initialize request fails for
	// want of a session ([fault.SignInNeeded]), at most once at a time, and its context
	// ends with the bridge. Without it there is nobody to ask.
	SignIn func(ctx context.Context) error

	// Explain says what went wrong and what to do next, which may be empty. Without it
	// that is the error's text.
	Explain func(error) (text, hint string)

	// Logger learns what no answer can say. nil is silent.
	Logger *slog.Logger
}

// A bridge is between one client and one server.
type bridge struct {
	opts   Options
	url    *url.URL
	client *http.Client
	out    *lineWriter
	log    *slog.Logger

	ctx   context.Context // of everything but the end of the session
	tasks sync.WaitGroup  // all goroutines
	asks  sync.WaitGroup  // those of what the client said
	calls *calls
	tools tools

	mu      sync.Mutex // of the session, while it is being begun, too
	session *session
	signing chan error // of a sign-in that goes on
}

// Serve is a server on in and out: the one at o.URL. It returns nil at the end of in, when
// all requests are answered, or else when ctx ends; a session at the server is ended. The
// error is of the options, or of in or out. A read of in ends with in: who gives one that
// lasts longer than Serve leaves a goroutine behind.
func Serve(ctx context.Context, in io.Reader, out io.Writer, o Options) error {
	b, err := newBridge(o)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	b.ctx, b.out = ctx, &lineWriter{w: out, broken: cancel}
	b.session = newSession(ctx, nil)

	err = b.read(in)
	if err == nil {
		b.wait()
	}
	if cause := context.Cause(ctx); errors.Is(cause, errOutput) {
		err = cause
	}
	cancel(context.Canceled)
	b.mu.Lock()
	b.finish(b.session)
	b.mu.Unlock()
	b.asks.Wait()
	b.tasks.Wait()
	return err
}

func newBridge(o Options) (*bridge, error) {
	if o.Client == nil {
		return nil, errors.New("mcp: no client")
	}
	u, err := url.Parse(o.URL)
	if err != nil || u.Host == "" {
		return nil, errors.New("mcp: the server is no URL")
	}
	u.Fragment = ""
	if o.Explain == nil {
		o.Explain = func(err error) (string, string) { return err.Error(), "" }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	client := *o.Client
	client.CheckRedirect = stayAtOrigin
	client.Timeout = 0                 // a stream has no end
	client.Jar, _ = cookiejar.New(nil) // load balancers find the instance of a session by it; it never fails
	return &bridge{opts: o, url: u, client: &client, log: o.Logger, calls: &calls{open: make(map[string]*call)}}, nil
}

// read handles the client's messages until there are no more, or ctx ends.
func (b *bridge) read(in io.Reader) error {
	type input struct {
		line []byte
		err  error
	}
	inputs := make(chan input)
	go func() { // ends with in
		r := &lineReader{r: bufio.NewReaderSize(in, 64<<10)}
		for {
			line, err := r.next()
			select {
			case inputs <- input{line, err}:
			case <-b.ctx.Done():
				return
			}
			if err != nil && !errors.Is(err, errTooLarge) {
				return
			}
		}
	}()
	for {
		select {
		case <-b.ctx.Done():
			return nil
		case i := <-inputs:
			switch {
			case errors.Is(i.err, errTooLarge):
				b.refuse(codeInvalid, i.err)
			case errors.Is(i.err, io.EOF):
				return nil
			case i.err != nil:
				return fmt.Errorf("the input: %w", i.err)
			default:
				b.handle(i.line)
			}
		}
	}
}

// handle does with a message of the client what is to be done, and returns when the next
// one may follow it.
func (b *bridge) handle(line []byte) {
	m, err := parse(line)
	switch {
	case errors.Is(err, errParse):
		b.refuse(codeParse, err)
		return
	case err != nil:
		b.refuse(codeInvalid, err)
		return
	}
	switch p := m.only(); {
	case p.method == methodInitialize && p.isRequest():
		b.begin(m)
	case p.method == methodCancelled:
		b.cancel(m, p)
	case len(m.requests()) > 0:
		b.ask(m)
	default:
		b.tell(m)
	}
}

// refuse answers what is no message.
func (b *bridge) refuse(code int, err error) {
	var invalid *invalidError
	e := responseError{Code: code, Message: prefix + err.Error()}
	if errors.As(err, &invalid) {
		b.out.write(failure(invalid.id, e))
		return
	}
	b.out.write(failure(nil, e))
}

// ask posts requests. It returns when they are on their way; the answer comes later.
func (b *bridge) ask(m *message) {
	s, err := b.current()
	if err != nil {
		b.fail(m.requests(), err)
		return
	}
	if s.endpoint != nil && m.only().modern() != "" {
		b.out.write(failure(m.only().id, responseError{Code: codeNoMethod, Message: prefix + "the server speaks version 2024-11-05 of the protocol"}))
		return
	}
	c := newCall(s, m.requests())
	c.modern = m.only().modern() != ""
	b.calls.add(c)
	b.asks.Go(func() {
		defer c.stop()
		ctx := httptrace.WithClientTrace(c.ctx, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { c.posted() }})
		err := b.post(ctx, s, m, c)
		c.posted()
		if err == nil && !c.done() { // the answer comes on another stream
			select {
			case <-c.answered:
				return
			case <-c.ctx.Done():
				err = context.Cause(c.ctx)
			}
		}
		b.settle(c, err)
	})
	select {
	case <-c.sent:
	case <-b.ctx.Done():
	}
}

// settle answers what is left of a call that failed.
func (b *bridge) settle(c *call, err error) {
	if errors.Is(err, errGone) {
		b.restart(c.session, errGone)
	}
	if b.ctx.Err() == nil {
		b.fail(b.calls.take(c), err)
	}
}

// tell posts what has no answer: notifications, and responses to the server. It returns
// when the server took it, as what follows may depend on that.
func (b *bridge) tell(m *message) {
	s, err := b.current()
	if err != nil {
		b.lost(err)
		return
	}
	if m.only().method == methodInitialized {
		b.mu.Lock()
		s.initialized = m // also where the session is lost meanwhile
		b.mu.Unlock()
	}
	taken := make(chan struct{})
	b.asks.Go(func() {
		defer close(taken)
		switch err := b.post(s.ctx, s, m, nil); {
		case err != nil && s.ctx.Err() != nil: // another session has begun
		case errors.Is(err, errGone):
			b.restart(s, errGone)
		case err != nil:
			b.lost(err)
		case m.only().method == methodInitialized:
			b.follow(s)
		}
	})
	late := time.NewTimer(orderWait)
	defer late.Stop()
	select {
	case <-taken:
	case <-late.C:
	case <-b.ctx.Done():
	}
}

// lost says that a message did not arrive, of which the client is not told.
func (b *bridge) lost(err error) {
	text, _ := b.opts.Explain(err)
	b.log.Warn("a message did not reach the server: " + text)
}

// cancel passes a cancellation on. Since version 2026-07-28 the end of the exchange is
// one; before that, it is a message.
func (b *bridge) cancel(m *message, p part) {
	c := b.calls.of(p.cancelled())
	if c == nil {
		b.tell(m)
		return
	}
	c.cancel()
	if c.modern {
		c.stop()
		return
	}
	b.tell(m)
	if c.session.endpoint != nil {
		c.stop()
	} else {
		c.linger(cancelLinger)
	}
}

// wait returns when all is answered, or ctx ends.
func (b *bridge) wait() {
	b.calls.stopCancelled()
	answered := make(chan struct{})
	b.tasks.Go(func() {
		b.asks.Wait()
		close(answered)
	})
	select {
	case <-answered:
	case <-b.ctx.Done():
	}
}
