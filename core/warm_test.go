package core_test

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// The warm path makes no allocation, no store call, and takes no lock.
func TestWarmPath(t *testing.T) {
	w := newWorld(t, func(o *emulator.Options) { o.Now = nil })
	s := w.signedIn(func(o *core.SessionOptions) {
		o.Now = nil
		o.Client = w.client(func(o *oidc.ProviderOptions) { o.Now = nil })
	})
	w.store.resetCalls()
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() {
		if _, err := s.IDToken(ctx); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if n := w.store.count("Load", "Save", "Delete", "Lock"); n != 0 {
		t.Errorf("%d store calls", n)
	}
	w.wantRefreshes(0)
}

// 1,000 goroutines over tokens of seconds get no error and no token that is
// over, and make no more refreshes than the tokens' lives ask for.
func TestManyGoroutinesOverShortTokens(t *testing.T) {
	t.Parallel()
	const lifetime = 4 * time.Second
	goroutines, run := 1000, 5*time.Second
	if testing.Short() {
		goroutines, run = 100, 3*time.Second
	}
	w := newWorld(t, func(o *emulator.Options) { o.TokenLifetime, o.Now = lifetime, nil })
	s := w.signedIn(func(o *core.SessionOptions) {
		o.Now = nil
		o.Client = w.client(func(o *oidc.ProviderOptions) { o.Now = nil })
	})
	ctx, cancel := context.WithTimeout(w.ctx, run)
	defer cancel()
	var calls, failed, over atomic.Int64
	many(goroutines, func(int) {
		for ctx.Err() == nil {
			tok, err := s.IDToken(w.ctx)
			calls.Add(1)
			if err != nil {
				failed.Add(1)
			} else if time.Since(tok.Expiry) > time.Second { // Date has whole seconds
				over.Add(1)
			}
			pause(ctx, 50*time.Millisecond)
		}
	})
	if calls.Load() < int64(goroutines) || failed.Load() != 0 || over.Load() != 0 {
		t.Errorf("%d calls, %d errors, %d tokens that were over", calls.Load(), failed.Load(), over.Load())
	}
	// Refreshes come at half of so short a life.
	if most := int(math.Ceil(run.Seconds()/(lifetime.Seconds()/2))) + 1; w.refreshes() > most || w.refreshes() == 0 {
		t.Errorf("%d refreshes, want 1 to %d", w.refreshes(), most)
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
