package storetest

import (
	"context"
	"errors"
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
		{"ReleaseFrees", func(t *testing.T, k *kit) {
			s := k.locker(t, k.store(t))
			k.release(t, k.lock(t, s, key, "which is free"))
			k.release(t, k.lock(t, s, key, "which was released"))
		}},
		{"NotLost", checkNotLost},
		{"WaitsUntilContextEnds", checkLockEnds},
		{"EndedContext", func(t *testing.T, k *kit) {
			s := k.locker(t, k.store(t))
			held := k.lock(t, s, key, "which is free")
			for cause, ctx := range k.endings(t) {
				k.wantLocked(t, s, ctx, cause, "")
			}
			k.release(t, held)
		}},
		{"WaitsUntilReleased", checkLockWaits},
		{"OutlivesContext", checkOutlivesContext},
		{"ReleaseTwice", checkReleaseTwice},
		{"KeysIndependent", func(t *testing.T, k *kit) {
			s := k.locker(t, k.store(t))
			one := k.lock(t, s, key, "which is free")
			two := k.lock(t, s, otherKey, "which is free while another key is locked")
			k.release(t, two)
			k.release(t, one)
		}},
		{"IsAdvisory", checkAdvisory},
		{"Excludes", func(t *testing.T, k *kit) {
			s := k.locker(t, k.store(t))
			k.raceLocks(t, s, s)
		}},
		{"Lost", checkLost},
	}
}

func (k *kit) locker(t *testing.T, s *guarded) *guarded {
	t.Helper()
	if !s.locks() {
		k.fail(t, "%T is not a core.Locker; if that is intended, say so with storetest.SkipLocking", s.TokenStore)
	}
	return s
}

// lock takes a lock that nobody has.
func (k *kit) lock(t *testing.T, s *guarded, key, which string) core.Lease {
	t.Helper()
	held, err := s.lock(k.ctx(t), key)
	if err != nil {
		k.fail(t, "Lock(%q), %s: %v", key, which, err)
	}
	return held
}

func (k *kit) release(t *testing.T, held core.Lease) {
	t.Helper()
	if err := held.Release(); err != nil {
		k.fail(t, "Release: %v, want no error", err)
	}
}

// isLost tells whether a holder has been told that its lock is lost.
func isLost(held core.Lease) bool {
	select {
	case <-held.Lost():
		return true
	default:
		return false
	}
}

// wantLocked tries a lock that somebody else has until ctx ends with cause.
func (k *kit) wantLocked(t *testing.T, s *guarded, ctx context.Context, cause error, because string) {
	t.Helper()
	held, err := s.lock(ctx, key)
	if err == nil {
		_ = held.Release()
		k.fail(t, "Lock gave a lock that somebody else has%s", because)
	}
	if ctx.Err() == nil {
		k.fail(t, "Lock gave up before its ctx ended, with: %v; it must wait", err)
	}
	k.wantError(t, "Lock whose ctx ended while somebody else has the lock", err, core.ErrLocked, cause)
}

// stayLocked is wantLocked for a while that is long enough to be wrong.
func (k *kit) stayLocked(t *testing.T, s *guarded, because string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), shortWait)
	defer cancel()
	k.wantLocked(t, s, ctx, context.DeadlineExceeded, because)
}

// raceLocks lets goroutines take one lock in turn, by the given stores.
func (k *kit) raceLocks(t *testing.T, stores ...*guarded) {
	t.Helper()
	var holders atomic.Int32
	var wg sync.WaitGroup
	var wrong verdict
	for i := range savers {
		// Each may have to wait for all others.
		ctx, cancel := context.WithTimeout(t.Context(), savers*k.timeout)
		defer cancel()
		wg.Go(func() {
			for range k.rounds {
				if wrong.said() {
					return
				}
				held, err := stores[i%len(stores)].lock(ctx, key)
				if err != nil {
					wrong.sayf("Lock while others take and release it: %v", err)
					return
				}
				if holders.Add(1) != 1 {
					wrong.sayf("two holders have the lock of one key together")
				}
				time.Sleep(time.Millisecond) // so that holders meet if they can
				holders.Add(-1)
				if err := held.Release(); err != nil {
					wrong.sayf("Release while others wait for the lock: %v", err)
				}
			}
		})
	}
	wg.Wait()
	wrong.check(t, k)
}

func checkNotLost(t *testing.T, k *kit) {
	held := k.lock(t, k.locker(t, k.store(t)), key, "which is free")
	if isLost(held) {
		k.fail(t, "Lost is closed although the lock was just taken; return nil if a lock cannot be lost")
	}
	k.release(t, held)
}

func checkLockWaits(t *testing.T, k *kit) {
	s := k.locker(t, k.store(t))
	held := k.lock(t, s, key, "which is free")
	var released atomic.Bool
	var wrong verdict
	var wg sync.WaitGroup
	ctx := k.ctx(t)
	wg.Go(func() {
		second, err := s.lock(ctx, key)
		switch {
		case err != nil:
			wrong.sayf("Lock, waiting for a holder that released: %v", err)
			return
		case !released.Load():
			wrong.sayf("Lock gave a lock that somebody else has")
		}
		if err := second.Release(); err != nil {
			wrong.sayf("Release: %v, want no error", err)
		}
	})
	time.Sleep(shortWait / 2)
	released.Store(true)
	k.release(t, held)
	wg.Wait()
	wrong.check(t, k)
}

func checkLockEnds(t *testing.T, k *kit) {
	s := k.locker(t, k.store(t))
	held := k.lock(t, s, key, "which is free")
	k.stayLocked(t, s, "")

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	timer := time.AfterFunc(shortWait, cancel)
	defer timer.Stop()
	k.wantLocked(t, s, ctx, context.Canceled, "")

	k.release(t, held)
	k.release(t, k.lock(t, s, key, "which was released, and those who gave up must not have it"))
}

// checkOutlivesContext: the ctx of Lock bounds the wait, and not the lock. What a
// store begins for a lease, such as a transaction, it must not begin with that ctx.
func checkOutlivesContext(t *testing.T, k *kit) {
	s := k.locker(t, k.store(t))
	ctx, cancel := context.WithCancel(k.ctx(t))
	defer cancel()
	held, err := s.lock(ctx, key)
	if err != nil {
		k.fail(t, "Lock(%q), which is free: %v", key, err)
	}
	cancel()
	k.stayLocked(t, s, " after the ctx of the first Lock ended: a lease must outlive that ctx")
	k.stayLocked(t, s, " after the ctx of the first Lock ended: a lease must outlive that ctx") // what ends late
	if isLost(held) {
		k.fail(t, "the lock was lost when the ctx of Lock ended: a lease must outlive that ctx")
	}
	if err := held.Release(); err != nil {
		k.fail(t, "Release after the ctx of Lock ended: %v, want no error", err)
	}
	k.release(t, k.lock(t, s, key, "which was released after the ctx of its Lock ended"))
}

func checkReleaseTwice(t *testing.T, k *kit) {
	s := k.locker(t, k.store(t))
	first := k.lock(t, s, key, "which is free")
	var wg sync.WaitGroup
	var wrong verdict
	for range 4 {
		wg.Go(func() {
			if err := first.Release(); err != nil {
				wrong.sayf("Release, called by several goroutines at once: %v, want no error", err)
			}
		})
	}
	wg.Wait()
	wrong.check(t, k)
	second := k.lock(t, s, key, "which was released")
	if err := first.Release(); err != nil {
		k.fail(t, "Release, called again: %v, want no error", err)
	}
	k.stayLocked(t, s, ": a Release that was called again released the lock of the next holder")
	k.release(t, second)
}

// checkAdvisory: documents are loaded, saved and deleted by the holder of the
// lock and by anybody else, without waiting.
func checkAdvisory(t *testing.T, k *kit) {
	s := k.locker(t, k.store(t))
	held := k.lock(t, s, key, "which is free")
	const rule = "; the lock is advisory: only Lock waits for it"
	if _, err := s.Save(k.ctx(t), key, core.Record{Data: []byte("saved")}); err != nil {
		k.fail(t, "Save while the lock is held: %v%s", err, rule)
	}
	r, err := s.Load(k.ctx(t), key)
	if err != nil {
		k.fail(t, "Load while the lock is held: %v%s", err, rule)
	}
	if string(r.Data) != "saved" {
		k.fail(t, "Load while the lock is held gives %s, want the document that was saved", show(r.Data))
	}
	if err := s.Delete(k.ctx(t), key); err != nil {
		k.fail(t, "Delete while the lock is held: %v%s", err, rule)
	}
	k.release(t, held)
}

// checkLost: a holder whose lock was taken away is told, and leaves the lock of the
// next holder alone.
func checkLost(t *testing.T, k *kit) {
	if k.lose == nil {
		t.Skip("not checked: give storetest.WithLoss, if a lock can be lost")
	}
	s := k.locker(t, k.store(t))
	first := k.lock(t, s, key, "which is free")
	k.lose(t, s.TokenStore)
	k.wantLost(t, first, "the lock was taken away")
	second := k.lock(t, s, key, "which the holder has lost")
	k.lateRelease(t, s, first)
	k.release(t, second)
}

// wantLost waits until a holder is told that it lost its lock.
func (k *kit) wantLost(t *testing.T, held core.Lease, after string) {
	t.Helper()
	if held.Lost() == nil {
		k.fail(t, "Lost is nil, which means that a lock cannot be lost, and %s", after)
	}
	select {
	case <-held.Lost():
	case <-time.After(k.timeout):
		k.fail(t, "Lost was not closed within %v after %s: the holder goes on as if it had the lock", k.timeout, after)
	}
}

// lateRelease releases a lock that was lost, and that somebody else has.
func (k *kit) lateRelease(t *testing.T, s *guarded, lost core.Lease) {
	t.Helper()
	if err := bounded(k.timeout, "Release of a lock that was lost", lost.Release); err != nil {
		var b *breakdown
		if errors.As(err, &b) {
			k.fail(t, "%v", err)
		}
		t.Logf("Release of a lock that was lost says: %v", err)
	}
	k.stayLocked(t, s, ": Release by a holder who had lost the lock released that of the next one")
}
