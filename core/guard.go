package core

import (
	"context"
	"errors"
	"fmt"
)

// Guard returns s with checks that each store has to make, so that its author need not
// write them: a ctx that has ended and a key that [CheckKey] refuses do not get to s,
// and an error of a call whose ctx has ended wraps that of the ctx, and [ErrLocked] if
// the call is Lock.
func Guard(s TokenStore) TokenStore { return guarded{Full(s)} }

type guarded struct{ FullStore }

// admit tells whether a call with ctx and key gets to the store.
func admit(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return CheckKey(key)
}

// ended adds the error of ctx to that of a call which ended with it.
func ended(ctx context.Context, err error) error {
	if cause := ctx.Err(); err != nil && cause != nil && !errors.Is(err, cause) {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return err
}

// Load implements [TokenStore].
func (g guarded) Load(ctx context.Context, key string) (Record, error) {
	if err := admit(ctx, key); err != nil {
		return Record{}, err
	}
	r, err := g.FullStore.Load(ctx, key)
	return r, ended(ctx, err)
}

// Save implements [TokenStore].
func (g guarded) Save(ctx context.Context, key string, r Record) (Record, error) {
	if err := admit(ctx, key); err != nil {
		return Record{}, err
	}
	saved, err := g.FullStore.Save(ctx, key, r)
	return saved, ended(ctx, err)
}

// Delete implements [TokenStore].
func (g guarded) Delete(ctx context.Context, key string) error {
	if err := admit(ctx, key); err != nil {
		return err
	}
	return ended(ctx, g.FullStore.Delete(ctx, key))
}

// List implements [Lister].
func (g guarded) List(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	keys, err := g.FullStore.List(ctx)
	return keys, ended(ctx, err)
}

// Lock implements [Locker].
func (g guarded) Lock(ctx context.Context, key string) (Lease, error) {
	if err := CheckKey(key); err != nil {
		return nil, err
	}
	held, err := g.FullStore.Lock(ctx, key)
	if cause := ctx.Err(); err != nil && cause != nil && !errors.Is(err, ErrLocked) && !errors.Is(err, errors.ErrUnsupported) {
		err = fmt.Errorf("%w: %w", ErrLocked, err)
	}
	return held, ended(ctx, err)
}

// Check implements [Checker].
func (g guarded) Check(ctx context.Context, key string) error {
	if err := admit(ctx, key); err != nil {
		return err
	}
	return ended(ctx, g.FullStore.Check(ctx, key))
}

// Quarantine implements [Quarantiner].
func (g guarded) Quarantine(ctx context.Context, key string) (string, error) {
	if err := admit(ctx, key); err != nil {
		return "", err
	}
	where, err := g.FullStore.Quarantine(ctx, key)
	return where, ended(ctx, err)
}

// Path implements [Locator].
func (g guarded) Path(key string) string {
	if CheckKey(key) != nil {
		return ""
	}
	return g.FullStore.Path(key)
}
