// Package storetest checks an implementation of [core.TokenStore] against its
// contract, whatever carries it: a file, a database, another process.
//
// A store's author needs three lines:
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) core.TokenStore { return mystore.New(t.TempDir()) })
//	}
//
// Optional powers are checked too. A store that has none of them must say so
// with [SkipLocking] or [SkipListing], so that what is missing can be read in
// the test's output.
package storetest

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// defaultPatience bounds one call of a store that is not meant to wait.
const defaultPatience = 10 * time.Second

// An Option adapts [Run] to a store.
type Option func(*kit)

// WithReopen gives a way to open the place of first again, as another process
// would: nothing but the stored documents and the locks may be shared. It is
// called both after first was closed and while it is in use. Without it, Run
// does not check that documents outlive the store, nor that two stores over one
// place respect each other.
func WithReopen(reopen func(t *testing.T, first core.TokenStore) core.TokenStore) Option {
	return func(k *kit) { k.reopen = reopen }
}

// SkipLocking declares that the store is no [core.Locker], and why.
func SkipLocking(reason string) Option { return func(k *kit) { k.noLocking = reason } }

// SkipListing declares that the store is no [core.Lister], and why.
func SkipListing(reason string) Option { return func(k *kit) { k.noListing = reason } }

// WithPatience sets how long one call may take before it counts as hanging; 10
// seconds when not set.
func WithPatience(d time.Duration) Option { return func(k *kit) { k.patience = d } }

// WithRounds sets how often the checks of concurrent callers repeat; 5 times when
// not set. Fewer are for a store whose calls take long, such as one that starts
// programs: a race is then found less surely in one run.
func WithRounds(n int) Option { return func(k *kit) { k.rounds = n } }

// Run checks the stores that open returns, in subtests. Each call of open must
// return a store over a place that is empty. Stores that are an [io.Closer] are
// closed. What else open starts, it must end in t.Cleanup.
//
// Run watches for goroutines that are left over: do not call it in a test that
// runs in parallel with others.
func Run(t *testing.T, open func(t *testing.T) core.TokenStore, opts ...Option) {
	t.Helper()
	k := &kit{open: open, patience: defaultPatience, rounds: defaultRounds}
	for _, opt := range opts {
		opt(k)
	}
	for _, checks := range [][]check{documentChecks(), saveChecks(), raceChecks()} {
		k.run(t, checks)
	}
	t.Run("Lock", func(t *testing.T) {
		if k.noLocking != "" {
			t.Skip("the store declares that it has no locks: " + k.noLocking)
		}
		k.run(t, lockChecks())
	})
	t.Run("List", func(t *testing.T) {
		if k.noListing != "" {
			t.Skip("the store declares that it has no list: " + k.noListing)
		}
		k.run(t, listChecks())
	})
	t.Run("Reopen", func(t *testing.T) {
		if k.reopen == nil {
			t.Skip("not checked: give storetest.WithReopen")
		}
		k.run(t, reopenChecks())
	})
	t.Run("Goroutines", k.checkGoroutines)
}

// A kit is one Run.
type kit struct {
	open      func(*testing.T) core.TokenStore
	reopen    func(*testing.T, core.TokenStore) core.TokenStore
	noLocking string
	noListing string
	patience  time.Duration
	rounds    int
}

// A check is one rule of the contract.
type check struct {
	name string
	run  func(t *testing.T, k *kit)
}

func (k *kit) run(t *testing.T, checks []check) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) { c.run(t, k) })
	}
}

// store returns a store over an empty place, which is closed when t ends.
func (k *kit) store(t *testing.T) core.TokenStore {
	t.Helper()
	s := k.open(t)
	if s == nil {
		t.Fatal("open returned no store")
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func closeStore(t *testing.T, s core.TokenStore) {
	t.Helper()
	if c, ok := s.(io.Closer); ok {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

// ctx bounds a call that is not meant to wait.
func (k *kit) ctx(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), k.patience)
	t.Cleanup(cancel)
	return ctx
}

// within fails t when f has not returned in time, which a store that ignores its
// ctx would otherwise turn into a test that hangs. f must not end t itself.
func (k *kit) within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(2 * k.patience):
		t.Fatalf("%s: has not returned after %v, although its ctx ended long ago", what, 2*k.patience)
	}
}
