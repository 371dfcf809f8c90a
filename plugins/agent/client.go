package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// callTimeout is how long the agent may take for a call, beside the time in which
// a person answers. The store's own time runs out before.
const callTimeout = 2 * time.Minute

// ErrNoAgent: there is no agent, and none can be had.
var ErrNoAgent = errors.New("there is no agent")

// A Client opens stores by the agent of a configuration directory.
type Client struct {
	// Dir is the configuration directory.
	Dir string

	// Start starts an agent; see [Client.Open]. Nil: only one that runs is used.
	Start func(socket string) error

	// Ask asks the person for what must not be seen. Nil: there is nobody.
	Ask func(context.Context, string) (core.Secret, error)

	// Environ is what the store may see of this process's environment. A store is
	// opened for one environment; see [environment.Same].
	Environ []string

	// Log gets what the store logs during calls. Nil discards.
	Log *slog.Logger
}

// Open opens a store that the agent has, or can open. The error wraps
// [ErrNoAgent] when there is no agent and it cannot be started, and
// [ErrUnknownStore] when there is no store of that name.
//
// The document of key, which the caller is about to load, comes with the answer
// and is what the first Load gives: commands are short, and each way to the agent
// and back counts. An empty key is none.
func (c *Client) Open(ctx context.Context, name, key string) (core.TokenStore, error) {
	s := &store{client: c, name: name}
	opened, err := s.call(ctx, request{Op: opOpen, Key: key})
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	s.protection = opened.Protection
	s.capabilities = core.Capabilities{Locking: opened.Locking, Listing: opened.Listing}
	if opened.Revision != "" {
		s.ahead = &loaded{key, core.Record{Data: opened.Data, Revision: opened.Revision}}
	}
	return s, nil
}

// Stop ends the agent, if there is one.
func (c *Client) Stop(ctx context.Context) error {
	quiet := *c
	quiet.Start = nil
	s := &store{client: &quiet}
	defer s.Close()
	_, err := s.call(ctx, request{Op: opStop})
	if errors.Is(err, ErrNoAgent) {
		return nil
	}
	return err
}

// A store is one that the agent has open.
type store struct {
	client     *Client
	name       string
	protection string

	capabilities core.Capabilities // of the store that the agent has open

	mu    sync.Mutex
	free  *conn   // between calls
	ahead *loaded // until the first call
}

// loaded is a document that came with the opening.
type loaded struct {
	key    string
	record core.Record
}

// loadedAhead returns the document of key if this is the first call and it came
// with the opening.
func (s *store) loadedAhead(key string) (core.Record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.ahead
	s.ahead = nil
	if l == nil || l.key != key {
		return core.Record{}, false
	}
	return l.record, true
}

// take returns a connection for one call: the one that is free, or a new one.
func (s *store) take(ctx context.Context) (*conn, error) {
	s.mu.Lock()
	c := s.free
	s.free, s.ahead = nil, nil
	s.mu.Unlock()
	if c != nil {
		return c, nil
	}
	return s.client.dial(ctx)
}

// give gives a connection back after a call.
func (s *store) give(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free != nil {
		_ = c.Close()
		return
	}
	s.free = c
}

// goneTries is how often an agent that makes way is replaced before it is given up.
const goneTries = 3

// errGone: the agent has ended without a response. It does not do so in the middle
// of a call.
var errGone = errors.New("the agent has ended")

// call makes a call. An agent that makes way has not done it, so that it is made
// again.
func (s *store) call(ctx context.Context, m request) (*response, error) {
	for range goneTries {
		c, err := s.take(ctx)
		if err != nil {
			return nil, err
		}
		r, err := s.exchange(ctx, c, m)
		if err == nil && r.Gone {
			err = errGone
		}
		if err != nil {
			_ = c.Close()
			if errors.Is(err, errGone) {
				continue
			}
			return nil, err
		}
		s.give(c)
		return r, r.Error.Err()
	}
	return nil, fmt.Errorf("%w: it ends as soon as it begins", ErrNoAgent)
}

// exchange sends a request and returns the response, answering questions between.
func (s *store) exchange(ctx context.Context, c *conn, m request) (*response, error) {
	m.Version, m.Store, m.CanAsk, m.Verbose = protocolVersion, s.name, s.client.Ask != nil, s.client.Log != nil
	if !c.introduced {
		m.Environ, c.introduced = s.client.Environ, true
	}
	ended := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer ended()
	limit := func() {
		if ctx.Err() == nil {
			_ = c.SetDeadline(time.Now().Add(callTimeout))
		}
	}
	limit()
	if err := c.send(m); err != nil {
		return nil, s.broken(ctx, m, err)
	}
	for {
		var r response
		if err := c.receive(&r); err != nil {
			return nil, s.broken(ctx, m, err)
		}
		if r.Log != nil {
			if s.client.Log != nil {
				r.Log.to(ctx, s.client.Log)
			}
			continue
		}
		if r.Question == "" {
			if r.ID != "" && s.client.Log != nil {
				s.client.Log.Debug("a call of the agent failed", "op", m.Op, "id", r.ID)
			}
			return &r, nil
		}
		secret, err := s.client.ask(ctx, r.Question)
		limit()
		if err := c.send(answer{Text: secret.Reveal(), Error: fault.ToRemote(err)}); err != nil {
			return nil, s.broken(ctx, m, err)
		}
	}
}

func (c *Client) ask(ctx context.Context, question string) (core.Secret, error) {
	if c.Ask == nil {
		return "", fmt.Errorf("%w: there is nobody to ask", core.ErrSealed)
	}
	return c.Ask(ctx, question)
}

// broken is the error of a call that has no response.
func (s *store) broken(ctx context.Context, m request, err error) error {
	if cause := ctx.Err(); cause != nil {
		if m.Op == opLock {
			return fmt.Errorf("store %s: %w: %w", s.name, core.ErrLocked, cause)
		}
		return fmt.Errorf("store %s: %s: %w", s.name, m.Op, cause)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) {
		return errGone
	}
	return &fault.Error{
		Op: m.Op, Subject: "store " + s.name, Kind: fault.Unavailable, Problem: "the agent gave no answer", Remedy: fault.Retry.On(""), Err: err,
	}
}

// Load implements [core.TokenStore].
func (s *store) Load(ctx context.Context, key string) (core.Record, error) {
	if r, ok := s.loadedAhead(key); ok {
		return r, nil
	}
	r, err := s.call(ctx, request{Op: opLoad, Key: key})
	if err != nil {
		return core.Record{}, err
	}
	return core.Record{Data: r.Data, Revision: r.Revision}, nil
}

// Save implements [core.TokenStore].
func (s *store) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	saved, err := s.call(ctx, request{Op: opSave, Key: key, Data: r.Data, Revision: r.Revision})
	if err != nil {
		return core.Record{}, err
	}
	return core.Record{Data: r.Data, Revision: saved.Revision}, nil
}

// Delete implements [core.TokenStore].
func (s *store) Delete(ctx context.Context, key string) error {
	_, err := s.call(ctx, request{Op: opDelete, Key: key})
	return err
}

// Check implements [core.Checker].
func (s *store) Check(ctx context.Context, key string) error {
	_, err := s.call(ctx, request{Op: opCheck, Key: key})
	return err
}

// Quarantine implements [core.Quarantiner].
func (s *store) Quarantine(ctx context.Context, key string) (string, error) {
	r, err := s.call(ctx, request{Op: opSetAside, Key: key})
	if err != nil {
		return "", err
	}
	return r.Text, nil
}

// Path implements [core.Locator].
func (s *store) Path(key string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	r, err := s.call(ctx, request{Op: opLocate, Key: key})
	if err != nil {
		return ""
	}
	return r.Text
}

// Describe implements [core.Describer].
func (s *store) Describe() string { return s.protection }

// Close ends the connection. The agent keeps the store open.
func (s *store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.free == nil {
		return nil
	}
	err := s.free.Close()
	s.free = nil
	return err
}

// Capabilities implements [core.Wrapper].
func (s *store) Capabilities() core.Capabilities { return s.capabilities }

// List implements [core.Lister].
func (s *store) List(ctx context.Context) ([]string, error) {
	r, err := s.call(ctx, request{Op: opList})
	if err != nil {
		return nil, err
	}
	return r.Keys, nil
}
