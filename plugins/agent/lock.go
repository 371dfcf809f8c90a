package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/internal/remote"
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
	return remote.Lock{
		Ended: func() error {
			defer c.Close()
			var r response
			if err := c.receive(&r); err != nil {
				return fmt.Errorf("store %s: giving a lock back: the agent gave no answer: %w", s.name, err)
			}
			return r.Error.Err()
		},
		Release: func() { _ = c.send(request{Op: opRelease}) },
		Timeout: callTimeout,
		Abandon: func() error {
			_ = c.Close() // the agent sees that nobody wants the lock any more
			return fmt.Errorf("store %s: giving a lock back: the agent gave no answer: %w", s.name, core.ErrUnavailable)
		},
	}.Lease(), nil
}
