package mcp

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
)

// replayTimeout is how long a server may take to begin another session.
const replayTimeout = time.Minute

// signInWait is how long initialize waits for a person: clients give a server about
// half a minute to answer it.
const signInWait = 25 * time.Second

// A session is what an initialize request began. What comes before one, and all of
// version 2026-07-28, is in a session without an ID.
type session struct {
	ctx context.Context // of its streams
	end context.CancelCauseFunc

	initialize  *message // to begin another one with; nil where none was
	initialized *message // that it was followed by

	id       string   // MCP-Session-Id; empty for none
	version  string   // of the protocol, once it was agreed on
	endpoint *url.URL // of messages, with HTTP and SSE; nil with streamable HTTP

	gone bool // it ended, and no other could be begun yet
}

func newSession(ctx context.Context, initialize *message) *session {
	s := &session{initialize: initialize}
	s.ctx, s.end = context.WithCancelCause(ctx)
	return s
}

// errGone is that the server no longer knows a session.
var errGone = errors.New("the server ended the session")

// begin answers the client's initialize request.
func (b *bridge) begin(m *message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.finish(b.session)
	ids := m.requests()
	next, err := b.open(b.ctx, m, false, ids)
	if b.opts.SignIn != nil && errors.Is(err, fault.SignInNeeded) {
		if err = b.signIn(err); err == nil {
			next, err = b.open(b.ctx, m, false, ids)
		}
	}
	if err != nil {
		b.session = newSession(b.ctx, nil)
		b.fail(ids, err)
		return
	}
	b.session = next
}

// open begins a session, with streamable HTTP, or else with HTTP and SSE. The answer goes
// to the client, unless it is a replay.
func (b *bridge) open(ctx context.Context, m *message, replay bool, ids []json.RawMessage) (*session, error) {
	s, err := b.openBy(ctx, m, replay, ids, nil)
	var refused *statusError
	if !errors.As(err, &refused) || !refused.isOfOlder() {
		return s, err
	}
	if older, oerr := b.openBy(ctx, m, replay, ids, b.connect); oerr == nil {
		return older, nil
	} else if !errors.Is(oerr, errNoEvents) {
		err = oerr
	}
	return nil, err
}

func (b *bridge) openBy(ctx context.Context, m *message, replay bool, ids []json.RawMessage, connect func(context.Context, *session) error) (*session, error) {
	s := newSession(b.ctx, m)
	c := newCall(s, ids)
	c.replay = replay
	err := func() error {
		if connect != nil {
			if err := connect(ctx, s); err != nil {
				return err
			}
		}
		b.calls.add(c)
		return b.exchange(ctx, m, c)
	}()
	if err == nil && c.result == nil && replay {
		err = errors.New("it refused to begin another")
	}
	if err != nil {
		b.calls.take(c)
		b.finish(s)
		return nil, err
	}
	var result struct {
		Version string `json:"protocolVersion"`
	}
	_ = json.Unmarshal(c.result, &result) // what is no version is none
	s.version = result.Version
	return s, nil
}

// exchange posts an initialize request and waits for its answer.
func (b *bridge) exchange(ctx context.Context, m *message, c *call) error {
	posted := make(chan error, 1)
	b.tasks.Go(func() {
		defer c.stop()
		posted <- b.post(c.ctx, c.session, m, c)
	})
	select {
	case <-c.answered:
		return nil
	case err := <-posted:
		if c.done() {
			return nil
		}
		if err != nil {
			return err
		}
		select { // the answer comes on another stream
		case <-c.answered:
			return nil
		case <-c.session.ctx.Done():
		case <-ctx.Done():
		}
	case <-ctx.Done():
		c.stop()
		return cmp.Or(context.Cause(c.session.ctx), context.Cause(ctx), <-posted) // which ends, too
	}
	return cmp.Or(context.Cause(c.session.ctx), context.Cause(ctx))
}

// follow is called when the initialized notification was taken: what the server says by
// itself can come from now on.
func (b *bridge) follow(s *session) {
	if s.endpoint == nil {
		b.tasks.Go(func() { b.listen(s) })
	}
}

// current returns the session that messages are of. One that is gone is begun anew.
func (b *bridge) current() (*session, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.session
	if s.initialize == nil || !s.gone && s.ctx.Err() == nil {
		return s, nil
	}
	next, err := b.again(s)
	if err != nil {
		return nil, err
	}
	b.session = next
	return next, nil
}

// again begins a session in place of one that is gone.
func (b *bridge) again(s *session) (*session, error) {
	ctx, cancel := context.WithTimeoutCause(b.ctx, replayTimeout, errors.New("it did not begin another in time"))
	defer cancel()
	next, err := b.open(ctx, s.initialize, true, s.initialize.requests())
	if err != nil {
		return nil, fmt.Errorf("%w, and could not begin another: %w", errGone, err)
	}
	if s.initialized != nil {
		if err := b.post(ctx, next, s.initialized, nil); err != nil {
			next.end(err)
			return nil, fmt.Errorf("%w, and could not begin another: %w", errGone, err)
		}
		next.initialized = s.initialized
		b.follow(next)
	}
	b.log.Debug("the server ended the session; another one has begun")
	return next, nil
}

// restart begins another session in place of s, once for all who noticed. The requests
// that are open are answered with an error: whether the server did what they ask for is
// not known.
func (b *bridge) restart(s *session, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.session != s || b.ctx.Err() != nil || s.initialize == nil {
		return
	}
	var lost []json.RawMessage
	for _, c := range b.calls.ofSession(s) {
		lost = append(lost, b.calls.take(c)...)
	}
	s.end(why)
	next, err := b.again(s)
	if err != nil {
		s.gone = true
	} else {
		b.session = next
		err = fmt.Errorf("%w; a new session has begun, and this request was not repeated", why)
	}
	b.fail(lost, err)
}

// finish ends a session, and tells the server, which may not care.
func (b *bridge) finish(s *session) {
	s.end(errGone)
	if s.id == "" || s.gone || s.endpoint != nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(b.ctx), endTimeout)
	defer cancel()
	res, err := b.send(ctx, http.MethodDelete, s, nil, "")
	if err != nil {
		b.log.Debug("the session was not ended", "error", err)
		return
	}
	res.Body.Close()
}

// signIn has the person sign in, who may take longer than the client waits: then the
// sign-in goes on, and serves what is called later.
func (b *bridge) signIn(needed error) error {
	if b.signing == nil {
		done := make(chan error, 1)
		b.signing = done
		b.tasks.Go(func() { done <- b.opts.SignIn(b.ctx) })
	}
	wait := time.NewTimer(signInWait)
	defer wait.Stop()
	select {
	case err := <-b.signing:
		b.signing = nil
		if err != nil {
			b.log.Debug("nobody signed in", "error", err)
			return needed
		}
		return nil
	case <-wait.C:
		return fmt.Errorf("%w; the browser is waiting for it", needed)
	case <-b.ctx.Done():
		return context.Cause(b.ctx)
	}
}
