package storetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// A guarded is a store whose calls always return: one that hangs or panics gives a
// [*breakdown]. The kit calls stores by it alone.
type guarded struct {
	core.TokenStore
	timeout time.Duration
	closed  atomic.Bool
}

// A breakdown is the error of a call that hung or panicked.
type breakdown struct{ text string }

func (e *breakdown) Error() string { return e.text }

// guard bounds a call: it may go on for timeout after ctx has ended.
func guard[T any](ctx context.Context, timeout time.Duration, what string, f func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() { // ends with the call, if that ends
		var o outcome
		defer func() {
			if p := recover(); p != nil {
				o.err = &breakdown{fmt.Sprintf("%s panicked: %v", what, p)}
			}
			done <- o
		}()
		o.value, o.err = f()
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case o := <-done:
		return o.value, o.err
	case <-timer.C:
		var none T
		return none, &breakdown{fmt.Sprintf("%s hangs: it has not returned %v after its ctx ended", what, timeout)}
	}
}

// bounded is guard for a call that has no ctx.
func bounded(timeout time.Duration, what string, f func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	_, err := guard(ctx, 0, what, func() (struct{}, error) { return struct{}{}, f() })
	var b *breakdown
	if errors.As(err, &b) && ctx.Err() != nil {
		return &breakdown{fmt.Sprintf("%s hangs: it has not returned after %v", what, timeout)}
	}
	return err
}

// Load implements [core.TokenStore].
func (g *guarded) Load(ctx context.Context, key string) (core.Record, error) {
	return guard(ctx, g.timeout, "Load", func() (core.Record, error) { return g.TokenStore.Load(ctx, key) })
}

// Save implements [core.TokenStore].
func (g *guarded) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	return guard(ctx, g.timeout, "Save", func() (core.Record, error) { return g.TokenStore.Save(ctx, key, r) })
}

// Delete implements [core.TokenStore].
func (g *guarded) Delete(ctx context.Context, key string) error {
	_, err := guard(ctx, g.timeout, "Delete", func() (struct{}, error) { return struct{}{}, g.TokenStore.Delete(ctx, key) })
	return err
}

// list is List of a store that is a [core.Lister].
func (g *guarded) list(ctx context.Context) ([]string, error) {
	return guard(ctx, g.timeout, "List", func() ([]string, error) { return core.Full(g.TokenStore).List(ctx) })
}

// lock is Lock of a store that is a [core.Locker].
func (g *guarded) lock(ctx context.Context, key string) (core.Lease, error) {
	held, err := guard(ctx, g.timeout, "Lock", func() (core.Lease, error) { return core.Full(g.TokenStore).Lock(ctx, key) })
	if err != nil {
		return nil, err
	}
	if held == nil {
		return nil, errors.New("neither a lease nor an error")
	}
	return &guardedLease{held, g.timeout}, nil
}

// locks tells whether the store is a [core.Locker].
func (g *guarded) locks() bool { return core.CapabilitiesOf(g.TokenStore).Locking }

// lists tells whether the store is a [core.Lister].
func (g *guarded) lists() bool { return core.CapabilitiesOf(g.TokenStore).Listing }

// Close closes the store, if it can be.
func (g *guarded) Close() error {
	g.closed.Store(true)
	c, ok := g.TokenStore.(io.Closer)
	if !ok {
		return nil
	}
	return bounded(g.timeout, "Close", c.Close)
}

type guardedLease struct {
	core.Lease
	timeout time.Duration
}

// Release implements [core.Lease].
func (l *guardedLease) Release() error { return bounded(l.timeout, "Release", l.Lease.Release) }

// fail ends t with the one sentence that says what is wrong. A call that broke down
// says it itself, whatever it was made for.
func (k *kit) fail(t *testing.T, format string, args ...any) {
	t.Helper()
	for _, a := range args {
		var b *breakdown
		if err, ok := a.(error); ok && errors.As(err, &b) {
			k.broken = true
			t.Fatal(b.text)
		}
	}
	t.Fatalf(format, args...)
}

// store returns a store over an empty place, which is closed when t ends.
func (k *kit) store(t *testing.T) *guarded {
	t.Helper()
	s := k.open(t)
	if s == nil {
		t.Fatal("open returned no store")
	}
	return k.guarded(t, s)
}

// second opens the place of first again, while first is in use.
func (k *kit) second(t *testing.T, first *guarded) *guarded {
	t.Helper()
	s := k.reopen(t, first.TokenStore)
	if s == nil {
		t.Fatal("reopen returned no store")
	}
	return k.guarded(t, s)
}

func (k *kit) guarded(t *testing.T, s core.TokenStore) *guarded {
	g := &guarded{TokenStore: s, timeout: k.timeout}
	t.Cleanup(func() {
		if k.broken || g.closed.Load() {
			return
		}
		if err := g.Close(); err != nil && !t.Failed() {
			k.fail(t, "Close: %v", err)
		}
	})
	return g
}

// ctx bounds a call that is not meant to wait.
func (k *kit) ctx(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), k.timeout)
	t.Cleanup(cancel)
	return ctx
}

// endings are the ways in which a ctx has ended.
func (k *kit) endings(t *testing.T) map[error]context.Context {
	t.Helper()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	late, cancel := context.WithDeadline(t.Context(), time.Unix(1, 0))
	t.Cleanup(cancel)
	return map[error]context.Context{context.Canceled: cancelled, context.DeadlineExceeded: late}
}
