package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// Lock implements [core.Locker]. It has a connection of its own.
func (s *store) Lock(ctx context.Context, key string) (core.Lease, error) {
	c, err := s.client.dial(ctx)
	if cause := ctx.Err(); cause != nil && err != nil {
		return nil, fmt.Errorf("store %s: %w: %w", s.name, core.ErrLocked, cause)
	}
	if err != nil {
		return nil, err
	}
	r, err := s.exchange(ctx, c, request{Op: opLock, Key: key})
	if err == nil && r.Gone || errors.Is(err, errGone) {
		err = fmt.Errorf("store %s: the agent made way for a new one: %w", s.name, core.ErrUnavailable)
	}
	if err == nil {
		err = r.Error.Err()
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	_ = c.SetDeadline(time.Time{})
	h := &lease{c: c, lost: make(chan struct{}), ended: make(chan struct{})}
	go h.watch()
	return h, nil
}

// A lease is a lock that the agent holds for this process.
type lease struct {
	c     *conn
	lost  chan struct{} // closed when the lock is lost before it is given back
	ended chan struct{} // closed when there is no more to read

	mu       sync.Mutex
	released bool
	err      error // of giving it back; after ended
}

// watch reads what the agent says of the lock: that it is lost, or given back.
func (h *lease) watch() {
	defer close(h.ended)
	var r response
	err := h.c.receive(&r)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case !h.released: // lost, or the agent is gone
		h.released = true
		close(h.lost)
	case err != nil:
		h.err = fmt.Errorf("giving a lock back: the agent gave no answer: %w", err)
	default:
		h.err = r.Error.Err()
	}
	_ = h.c.Close()
}

// Release implements [core.Lease].
func (h *lease) Release() error {
	h.mu.Lock()
	first := !h.released
	h.released = true
	h.mu.Unlock()
	if !first {
		return nil
	}
	_ = h.c.SetDeadline(time.Now().Add(callTimeout))
	_ = h.c.send(request{Op: opRelease})
	<-h.ended
	return h.err
}

// Lost implements [core.Lease].
func (h *lease) Lost() <-chan struct{} { return h.lost }
