package mcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"
)

const (
	// answerLinger is how long a stream stays after what it is for was answered.
	answerLinger = time.Second

	// cancelLinger is how long it stays after the client cancelled that.
	cancelLinger = 5 * time.Second

	// retryDelay is how long to wait before a stream is taken up again, where the server
	// does not say. In vain, it doubles up to maxRetryDelay.
	retryDelay    = time.Second
	maxRetryDelay = 30 * time.Second

	// maxTries is how often an answer is asked for again in vain: for about a minute.
	maxTries = 6
)

const (
	jsonType  = "application/json"
	eventType = "text/event-stream"
)

// post sends a message, and delivers what comes in answer to it until that has ended.
// c is what waits for answers, nil for nothing.
func (b *bridge) post(ctx context.Context, s *session, m *message, c *call) error {
	res, err := b.send(ctx, http.MethodPost, s, m, "")
	if err != nil {
		return err
	}
	defer func() { res.Body.Close() }()
	if m.only().method == methodInitialize && s.endpoint == nil {
		s.id = res.Header.Get(sessionHeader)
	}
	if err := b.check(res, s, m); err != nil {
		return err
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	switch {
	case s.endpoint != nil, c == nil && kind != eventType:
		_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxErrorBody)) // for the connection to be used again
		return nil
	case kind == eventType:
		return b.receive(ctx, s, res, c)
	case kind != jsonType:
		return newContentError(res, kind)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxMessage+1))
	switch {
	case err != nil:
		return &brokenError{b.url.Host, err}
	case len(text) > maxMessage:
		return errTooLarge
	}
	if err := b.deliver(text, c); err != nil {
		return err
	}
	if !c.done() {
		return fmt.Errorf("%s answered something else", b.url.Host)
	}
	return nil
}

// receive delivers the messages of a stream. Where it closes before c is answered, it is
// taken up again.
func (b *bridge) receive(ctx context.Context, s *session, res *http.Response, c *call) error {
	var at place
	for {
		err := b.stream(res.Body, c, &at)
		res.Body.Close()
		switch {
		case c == nil || c.done():
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case at.id == "" || c.modern || errors.Is(err, errTooLarge):
			return &brokenError{b.url.Host, err}
		}
		if res, err = b.resume(ctx, s, &at, maxTries); err != nil {
			return err
		}
	}
}

// listen delivers what the server says by itself, until the session ends. A server need
// not offer that.
func (b *bridge) listen(s *session) {
	at := place{fresh: true}
	for s.ctx.Err() == nil {
		res, err := b.resume(s.ctx, s, &at, -1)
		if err != nil {
			if errors.Is(err, errGone) && !at.fresh { // it was there before
				b.restart(s, errGone)
			}
			b.log.Debug("no stream of what the server says by itself", "error", err)
			return
		}
		at.fresh = false
		err = b.stream(res.Body, nil, &at)
		res.Body.Close()
		b.log.Debug("the stream of what the server says by itself has ended", "error", err)
	}
}

// stream delivers the messages of a response until it ends. Its error is never nil.
func (b *bridge) stream(body io.Reader, c *call, at *place) error {
	at.vain++
	events := newEventReader(body)
	for {
		e, err := events.next()
		if events.retry != nil {
			at.retry = events.retry
		}
		if err != nil {
			return err
		}
		at.vain = 0
		if len(e.data) > 0 && (e.name == "" || e.name == "message") {
			if err := b.deliver(e.data, c); err != nil {
				b.log.Warn(err.Error())
			}
		}
		if e.id != nil {
			at.id = *e.id
		}
		if c != nil && c.isAnswered() {
			c.linger(answerLinger)
		}
	}
}

// A place is where a stream goes on.
type place struct {
	fresh bool   // it has not begun
	id    string // of the last event that had one
	retry *time.Duration
	vain  int // how often nothing came
}

// wait returns when it is time to go on.
func (at *place) wait(ctx context.Context) error {
	delay := retryDelay
	if at.retry != nil {
		delay = *at.retry
	}
	switch {
	case at.fresh && at.vain == 0:
		return nil
	case at.vain > 1: // the server's word is the least
		delay = max(delay, min(retryDelay<<min(at.vain-1, 10), maxRetryDelay))
	}
	t := time.NewTimer(delay)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// resume gets the stream of which at is the place, and tries again what is temporary, for
// as often as is said; -1 is for ever.
func (b *bridge) resume(ctx context.Context, s *session, at *place, tries int) (*http.Response, error) {
	for n := 0; ; n++ {
		if err := at.wait(ctx); err != nil {
			return nil, err
		}
		res, err := b.get(ctx, s, at.id)
		switch {
		case err == nil:
			return res, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case n+1 == tries || !isTemporary(err):
			return nil, err
		}
		at.vain++
	}
}

// get opens a stream of the session.
func (b *bridge) get(ctx context.Context, s *session, last string) (*http.Response, error) {
	res, err := b.send(ctx, http.MethodGet, s, nil, last)
	if err != nil {
		return nil, err
	}
	err = b.check(res, s, nil)
	if err == nil {
		if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind != eventType {
			err = newContentError(res, kind)
		}
	}
	if err != nil {
		res.Body.Close()
		return nil, err
	}
	return res, nil
}

// deliver passes on what the server says, in answer to c or by itself. A response is
// passed on once, to whom it is for.
func (b *bridge) deliver(text []byte, c *call) error {
	m, err := parse(text)
	if err != nil {
		return fmt.Errorf("of what %s sent, something is left out: %w", b.url.Host, err)
	}
	pass := false
	var answered []func()
	for _, p := range m.parts {
		switch {
		case !p.isResponse():
			pass = true
		case p.hasID():
			of := b.calls.claim(keyOf(p.id))
			if of == nil {
				b.log.Debug("a response that nobody waits for is left out")
				continue
			}
			pass = pass || !of.replay
			answered = append(answered, func() { of.answer(keyOf(p.id), p) })
		case c != nil && c.lone() != nil: // an error that does not say of what
			b.answerLone(c, p)
		default:
			pass = true
		}
	}
	if pass {
		b.tools.learn(m, c)
		b.out.write(m.text)
	}
	for _, done := range answered {
		done()
	}
	return nil
}

// answerLone takes a response without an ID for that to the one request of c.
func (b *bridge) answerLone(c *call, p part) {
	id := c.lone()
	if ids := b.calls.take(c); !c.replay {
		b.fail(ids, &statusError{rpc: p.err})
	}
	c.answer(keyOf(id), p)
}
