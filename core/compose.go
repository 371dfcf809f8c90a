package core

import (
	"context"
	"errors"
	"io"
)

// Compose returns a store that has the methods of s and, beside them, the powers
// that are not nil, whatever else s may have. A store that stands for another one
// (in another process, or under a layer of encryption) uses it, so that it has
// just the powers that the other has: callers find them by type assertion, and one
// that is claimed and then fails would be worse than none.
//
// [Checker], [SetAsider], [Locator], [Protector] and [io.Closer] have an answer
// that means "cannot tell" or "nothing to do", so that base may always have them.
func Compose(base ComposeBase, lock Locker, list Lister) TokenStore {
	switch {
	case lock != nil && list != nil:
		return struct {
			ComposeBase
			Locker
			Lister
		}{base, lock, list}
	case lock != nil:
		return struct {
			ComposeBase
			Locker
		}{base, lock}
	case list != nil:
		return struct {
			ComposeBase
			Lister
		}{base, list}
	}
	return struct{ ComposeBase }{base}
}

// A ComposeBase is what every store of [Compose] can do.
type ComposeBase interface {
	TokenStore
	Checker
	SetAsider
	Locator
	Protector
	Close() error
}

// Base returns s with the methods of a [ComposeBase]: its own, or the answers
// that stand for none.
func Base(s TokenStore) ComposeBase {
	if b, ok := s.(ComposeBase); ok {
		return b
	}
	return base{s}
}

type base struct{ TokenStore }

// Check implements [Checker].
func (b base) Check(ctx context.Context, key string) error {
	if c, ok := b.TokenStore.(Checker); ok {
		return c.Check(ctx, key)
	}
	return nil
}

// SetAside implements [SetAsider].
func (b base) SetAside(ctx context.Context, key string) (string, error) {
	if a, ok := b.TokenStore.(SetAsider); ok {
		return a.SetAside(ctx, key)
	}
	return "", errors.ErrUnsupported
}

// Path implements [Locator].
func (b base) Path(key string) string {
	if l, ok := b.TokenStore.(Locator); ok {
		return l.Path(key)
	}
	return ""
}

// Close implements [io.Closer].
func (b base) Close() error {
	if c, ok := b.TokenStore.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// Protection implements [Protector].
func (b base) Protection() string {
	if p, ok := b.TokenStore.(Protector); ok {
		return p.Protection()
	}
	return ""
}
