package lease_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/lease"
)

const ttl = 30 * time.Second

// A server has one lock. Its clock is that of the test's bubble.
type server struct {
	mu       sync.Mutex
	holder   string
	expires  time.Time
	down     bool
	renewals int
	releases int
}

var errDown = errors.New("no answer")

func (s *server) lock(holder string) lease.Lock {
	call := func(f func() bool) func(context.Context) (bool, error) {
		return func(ctx context.Context) (bool, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.down {
				return false, errDown
			}
			return f(), ctx.Err()
		}
	}
	free := func() bool { return s.holder == "" || !time.Now().Before(s.expires) }
	release := call(func() bool {
		s.releases++
		if s.holder == holder {
			s.holder = ""
		}
		return true
	})
	return lease.Lock{
		TTL: ttl,
		Acquire: call(func() bool {
			if free() {
				s.holder, s.expires = holder, time.Now().Add(ttl)
			}
			return s.holder == holder
		}),
		Renew: call(func() bool {
			s.renewals++
			ok := s.holder == holder && !free()
			if ok {
				s.expires = time.Now().Add(ttl)
			}
			return ok
		}),
		Release: func(ctx context.Context) error { _, err := release(ctx); return err },
	}
}

func (s *server) set(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func take(t *testing.T, l lease.Lock) core.Lease {
	t.Helper()
	held, err := l.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return held
}

func lost(held core.Lease) bool {
	synctest.Wait()
	select {
	case <-held.Lost():
		return true
	default:
		return false
	}
}

func TestLeaseIsRenewedUntilItIsReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		held := take(t, s.lock("a"))
		time.Sleep(10 * ttl)
		if lost(held) || s.holder != "a" || s.renewals < 20 {
			t.Errorf("lost %v, holder %q after %d renewals", lost(held), s.holder, s.renewals)
		}
		for range 2 {
			if err := held.Release(); err != nil {
				t.Errorf("Release: %v", err)
			}
		}
		if s.holder != "" || s.releases != 1 {
			t.Errorf("holder %q after %d releases", s.holder, s.releases)
		}
		renewals := s.renewals
		time.Sleep(ttl)
		if s.renewals != renewals {
			t.Error("it is renewed after Release")
		}
	})
}

func TestTakeWaitsForTheHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		held := take(t, s.lock("a"))
		time.AfterFunc(time.Minute, func() { _ = held.Release() })
		began := time.Now()
		next := take(t, s.lock("b"))
		if waited := time.Since(began); waited < time.Minute || waited > time.Minute+time.Second {
			t.Errorf("waited %v for a lock that was held for a minute", waited)
		}
		_ = next.Release()
	})
}

func TestTakeEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		held := take(t, s.lock("a"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := s.lock("b").Take(ctx)
		if !errors.Is(err, core.ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want core.ErrLocked and that of the ctx", err)
		}
		_ = held.Release()
	})
}

func TestLeaseOutlivesTheContextOfTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		ctx, cancel := context.WithCancel(t.Context())
		held, err := s.lock("a").Take(ctx)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		time.Sleep(5 * ttl)
		if lost(held) || s.holder != "a" {
			t.Error("the lock ended with the ctx of Take")
		}
		_ = held.Release()
	})
}

func TestLeaseIsLostWhenAnotherHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		held := take(t, s.lock("a"))
		s.set(func() { s.holder, s.expires = "b", time.Now().Add(time.Hour) })
		time.Sleep(ttl / 2)
		if !lost(held) {
			t.Error("the holder is not told that another has the lock")
		}
		if err := held.Release(); err != nil || s.holder != "b" || s.releases != 0 {
			t.Errorf("a late release: error %v, holder %q, %d releases", err, s.holder, s.releases)
		}
	})
}

// The holder is told before the server can give the lock to another one.
func TestLeaseIsLostWhenTheServerIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		held := take(t, s.lock("a"))
		s.set(func() { s.down = true })
		time.Sleep(ttl - time.Second)
		if lost(held) {
			t.Error("it is lost before its time is over")
		}
		s.set(func() { s.down = false })
		time.Sleep(5 * ttl)
		if lost(held) {
			t.Error("a server that was away for a moment cost the lock")
		}
		s.set(func() { s.down = true })
		expires := s.expires
		<-held.Lost()
		if time.Now().After(expires) {
			t.Errorf("the holder is told %v after the server may give the lock away", time.Since(expires))
		}
		_ = held.Release()
	})
}

// A call that does not end does not keep the holder from being told.
func TestLeaseIsLostWhileRenewHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		l := s.lock("a")
		l.Renew = func(ctx context.Context) (bool, error) { <-ctx.Done(); return false, ctx.Err() }
		held := take(t, l)
		<-held.Lost()
		if err := held.Release(); err != nil {
			t.Errorf("Release: %v", err)
		}
	})
}

// What may have been taken when the answer was lost is given back.
func TestTakeGivesBackWhatItCannotUse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		l := s.lock("a")
		acquire := l.Acquire
		l.Acquire = func(ctx context.Context) (bool, error) {
			_, _ = acquire(ctx)
			return false, errDown
		}
		if _, err := l.Take(t.Context()); !errors.Is(err, errDown) {
			t.Errorf("error %v, want that of Acquire", err)
		}
		if s.holder != "" {
			t.Error("the lock stays with nobody")
		}
	})
}

func TestReleaseThatFailsSaysWhenTheLockEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		held := take(t, s.lock("a"))
		s.set(func() { s.down = true })
		if err := held.Release(); !errors.Is(err, errDown) {
			t.Errorf("error %v, want that of Release", err)
		}
	})
}
