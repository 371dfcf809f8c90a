package mcp

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// connectTimeout is how long a server may take to say where to send messages.
const connectTimeout = 15 * time.Second

// errNoEvents is that a server does not speak HTTP with SSE.
var errNoEvents = errors.New("it does not speak HTTP with SSE")

// connect opens the stream of HTTP with SSE on which all that the server says comes, and
// learns where to send messages.
func (b *bridge) connect(ctx context.Context, s *session) error {
	late := time.AfterFunc(connectTimeout, func() { s.end(errNoEvents) })
	defer late.Stop()
	defer context.AfterFunc(ctx, func() { s.end(context.Cause(ctx)) })()
	res, err := b.get(s.ctx, s, "")
	if err != nil {
		var refused *statusError
		if errors.As(err, &refused) || errors.Is(err, errNoEvents) {
			return fmt.Errorf("%w: %w", errNoEvents, err)
		}
		return err
	}
	events := newEventReader(res.Body)
	e, err := events.next()
	if err != nil || e.name != "endpoint" {
		res.Body.Close()
		return errNoEvents
	}
	if s.endpoint, err = b.endpoint(string(e.data)); err != nil {
		res.Body.Close()
		return err
	}
	b.tasks.Go(func() {
		defer res.Body.Close()
		err := b.events(events)
		if s.ctx.Err() == nil {
			b.reconnect(s, err)
		}
	})
	return nil
}

// endpoint reads where messages are sent to, which is at the origin of the stream.
func (b *bridge) endpoint(text string) (*url.URL, error) {
	to, err := b.url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("the endpoint that %s names is no URL", b.url.Host)
	}
	if !sameOrigin(to, b.url) || to.User != nil {
		return nil, fmt.Errorf("the endpoint that %s names is elsewhere, where no message is sent", b.url.Host)
	}
	return to, nil
}

// events delivers what comes until the stream ends. Its error is never nil.
func (b *bridge) events(events *eventReader) error {
	for {
		e, err := events.next()
		if err != nil {
			return err
		}
		if len(e.data) > 0 && (e.name == "" || e.name == "message") {
			if err := b.deliver(e.data, nil); err != nil {
				b.log.Warn(err.Error())
			}
		}
	}
}

// reconnect begins another session: one ends with its stream, and what is open with it.
func (b *bridge) reconnect(s *session, err error) {
	err = &brokenError{b.url.Host, err}
	s.end(err)
	var at place
	if at.wait(b.ctx) == nil {
		b.restart(s, err)
	}
}
