package oidc

import "context"

// A mutex is a lock that nobody waits for longer than a context lasts. The zero
// value cannot be used.
type mutex chan struct{}

func newMutex() mutex { return make(mutex, 1) }

// lock returns ctx's error when ctx ends first.
func (m mutex) lock(ctx context.Context) error {
	select {
	case m <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m mutex) unlock() { <-m }
