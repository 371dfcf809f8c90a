package core

import (
	"context"
	"errors"
	"fmt"
	"io"
)

// Capabilities are the optional interfaces of a [TokenStore] that callers go by.
type Capabilities struct {
	Locking bool // [Locker]
	Listing bool // [Lister]
}

// A Wrapper is a store that stands for another one, in another process or under a
// layer of encryption. It has the methods of all capabilities and says which of them
// the other store has; a method that it has not gives [errors.ErrUnsupported].
type Wrapper interface {
	TokenStore
	Capabilities() Capabilities
}

// CapabilitiesOf returns what s is capable of.
func CapabilitiesOf(s TokenStore) Capabilities {
	if w, ok := s.(Wrapper); ok {
		return w.Capabilities()
	}
	_, locks := s.(Locker)
	_, lists := s.(Lister)
	return Capabilities{Locking: locks, Listing: lists}
}

// A FullStore has the methods of all optional interfaces.
type FullStore interface {
	Wrapper
	Locker
	Lister
	Checker
	Quarantiner
	Locator
	Describer
	io.Closer
}

// Full returns s with the methods of a [FullStore]: its own, and where it has none,
// those that say so. Lock, List and Quarantine give [errors.ErrUnsupported]; Check
// and Close give nil; Path and Describe give "".
//
// A store that wraps another one embeds Full of it and overrides what it changes.
func Full(s TokenStore) FullStore {
	if f, ok := s.(FullStore); ok {
		return f
	}
	return full{s}
}

type full struct{ TokenStore }

// Capabilities implements [Wrapper].
func (f full) Capabilities() Capabilities { return CapabilitiesOf(f.TokenStore) }

// Lock implements [Locker].
func (f full) Lock(ctx context.Context, key string) (Lease, error) {
	if l, ok := f.TokenStore.(Locker); ok {
		return l.Lock(ctx, key)
	}
	return nil, fmt.Errorf("the store has no locks: %w", errors.ErrUnsupported)
}

// List implements [Lister].
func (f full) List(ctx context.Context) ([]string, error) {
	if l, ok := f.TokenStore.(Lister); ok {
		return l.List(ctx)
	}
	return nil, fmt.Errorf("the store cannot list its keys: %w", errors.ErrUnsupported)
}

// Check implements [Checker].
func (f full) Check(ctx context.Context, key string) error {
	if c, ok := f.TokenStore.(Checker); ok {
		return c.Check(ctx, key)
	}
	return nil
}

// Quarantine implements [Quarantiner].
func (f full) Quarantine(ctx context.Context, key string) (string, error) {
	if q, ok := f.TokenStore.(Quarantiner); ok {
		return q.Quarantine(ctx, key)
	}
	return "", fmt.Errorf("the store cannot move a document away: %w", errors.ErrUnsupported)
}

// Path implements [Locator].
func (f full) Path(key string) string {
	if l, ok := f.TokenStore.(Locator); ok {
		return l.Path(key)
	}
	return ""
}

// Describe implements [Describer].
func (f full) Describe() string {
	if d, ok := f.TokenStore.(Describer); ok {
		return d.Describe()
	}
	return ""
}

// Close implements [io.Closer].
func (f full) Close() error {
	if c, ok := f.TokenStore.(io.Closer); ok {
		return c.Close()
	}
	return nil
}
