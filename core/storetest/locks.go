package storetest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// shortWait is how long the checks wait for a lock that they must not get.
const shortWait = 100 * time.Millisecond

func lockChecks() []check {
	return []check{
		{"IsLocker", func(t *testing.T, k *kit) { k.locker(t, k.store(t)) }},
		{"Excludes", func(t *testing.T, k *kit) {
			l := k.locker(t, k.store(t))
			k.raceLocks(t, l, l)
		}},
		{"WaitsUntilReleased", checkLockWaits},
		{"WaitsUntilContextEnds", checkLockEnds},
		{"EndedContext", func(t *testing.T, k *kit) {
			l := k.locker(t, k.store(t))
			held := k.lock(t, l, key)
			defer release(t, held)
			ctx, cancel := context.WithCancel(k.ctx(t))
			cancel()
			k.wantLocked(t, l, ctx, context.Canceled)
		}},
		{"ReleaseTwice", checkReleaseTwice},
		{"NotLost", func(t *testing.T, k *kit) {
			held := k.lock(t, k.locker(t, k.store(t)), key)
			defer release(t, held)
			select {
			case <-held.Lost():
				t.Error("Lost is closed although the lock was just taken; return nil if a lock cannot be lost")
			default:
			}
		}},
		{"KeysIndependent", func(t *testing.T, k *kit) {
			l := k.locker(t, k.store(t))
			one, two := k.lock(t, l, key), k.lock(t, l, otherKey)
			release(t, two)
			release(t, one)
		}},
		{"IsAdvisory", checkAdvisory},
	}
}

func (k *kit) locker(t *testing.T, s core.TokenStore) core.Locker {
	t.Helper()
	l := core.Full(s)
	if !l.Capabilities().Locking {
		t.Fatalf("%T is not a core.Locker; if that is intended, say so with storetest.SkipLocking", s)
	}
	return l
}

// lock takes a lock that is free.
func (k *kit) lock(t *testing.T, l core.Locker, key string) core.Lease {
	t.Helper()
	var held core.Lease
	var err error
	k.within(t, "Lock of "+key+", which is free", func() { held, err = l.Lock(k.ctx(t), key) })
	if err != nil {
		t.Fatalf("Lock(%q), which is free: %v", key, err)
	}
	if held == nil {
		t.Fatalf("Lock(%q) returned neither a lease nor an error", key)
	}
	return held
}

func release(t *testing.T, held core.Lease) {
	t.Helper()
	if err := held.Release(); err != nil {
		t.Errorf("Release: %v", err)
	}
}

// wantLocked tries a lock that somebody else has until ctx ends with cause.
func (k *kit) wantLocked(t *testing.T, l core.Locker, ctx context.Context, cause error) {
	t.Helper()
	var held core.Lease
	var err error
	k.within(t, "Lock while somebody else has the lock", func() { held, err = l.Lock(ctx, key) })
	if err == nil {
		release(t, held)
		t.Fatal("Lock gave a lock that somebody else has")
	}
	if ctx.Err() == nil {
		t.Errorf("Lock gave up with %v before its ctx ended; it must wait", err)
	}
	wantError(t, "Lock while somebody else has the lock", err, core.ErrLocked, cause)
}

// raceLocks lets goroutines take one lock in turn, by the given lockers.
func (k *kit) raceLocks(t *testing.T, lockers ...core.Locker) {
	t.Helper()
	var holders atomic.Int32
	var wg sync.WaitGroup
	for i := range savers {
		ctx := k.ctx(t)
		wg.Go(func() {
			for range k.rounds {
				held, err := lockers[i%len(lockers)].Lock(ctx, key)
				if err != nil {
					t.Errorf("Lock while others take and release it: %v", err)
					return
				}
				if n := holders.Add(1); n != 1 {
					t.Errorf("%d holders have the lock of one key together", n)
				}
				time.Sleep(time.Millisecond) // so that holders meet if they can
				holders.Add(-1)
				release(t, held)
			}
		})
	}
	wg.Wait()
}

func checkLockWaits(t *testing.T, k *kit) {
	l := k.locker(t, k.store(t))
	held := k.lock(t, l, key)
	var released atomic.Bool
	done := make(chan error, 1)
	ctx := k.ctx(t)
	go func() {
		second, err := l.Lock(ctx, key)
		if err == nil && !released.Load() {
			t.Error("Lock gave a lock that somebody else has")
		}
		if err == nil {
			err = second.Release()
		}
		done <- err
	}()
	time.Sleep(shortWait / 2)
	released.Store(true)
	release(t, held)
	k.within(t, "Lock, waiting for a holder that released", func() {
		if err := <-done; err != nil {
			t.Errorf("Lock, waiting for a holder that released: %v", err)
		}
	})
}

func checkLockEnds(t *testing.T, k *kit) {
	l := k.locker(t, k.store(t))
	held := k.lock(t, l, key)
	ctx, cancel := context.WithTimeout(t.Context(), shortWait)
	defer cancel()
	k.wantLocked(t, l, ctx, context.DeadlineExceeded)

	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	timer := time.AfterFunc(shortWait, cancel)
	defer timer.Stop()
	k.wantLocked(t, l, ctx, context.Canceled)

	release(t, held)
	release(t, k.lock(t, l, key)) // those who gave up must not have it
}

func checkReleaseTwice(t *testing.T, k *kit) {
	l := k.locker(t, k.store(t))
	first := k.lock(t, l, key)
	release(t, first)
	second := k.lock(t, l, key)
	if err := first.Release(); err != nil {
		t.Errorf("Release, called again: %v, want no error", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), shortWait)
	defer cancel()
	if third, err := l.Lock(ctx, key); err == nil {
		release(t, third)
		t.Error("a Release that was called again released the lock of the next holder")
	}
	release(t, second)
}

// checkAdvisory: documents are loaded, saved and deleted by the holder of the
// lock and by anybody else, without waiting.
func checkAdvisory(t *testing.T, k *kit) {
	s := k.store(t)
	held := k.lock(t, k.locker(t, s), key)
	defer release(t, held)
	var r core.Record
	var err error
	for _, data := range []string{"first", "second"} {
		k.within(t, "Save while the lock is held", func() {
			r, err = s.Save(k.ctx(t), key, core.Record{Data: []byte(data), Revision: r.Revision})
		})
		if err != nil {
			t.Fatalf("Save while the lock is held: %v; the lock is advisory, and Save must not need it", err)
		}
	}
	k.within(t, "Load while the lock is held", func() { r, err = s.Load(k.ctx(t), key) })
	if err != nil || string(r.Data) != "second" {
		t.Errorf("Load while the lock is held gives %s and error %v, want the document that was saved", show(r.Data), err)
	}
	k.within(t, "Delete while the lock is held", func() { err = s.Delete(k.ctx(t), key) })
	if err != nil {
		t.Errorf("Delete while the lock is held: %v", err)
	}
}
