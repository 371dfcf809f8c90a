package core_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/emulator"
)

// gate holds the good answers of the token endpoint back until it is opened.
func (w *world) gate() (open func()) {
	held := make(chan struct{})
	w.emu.SetTokenAnswer(func(string, map[string]any) { <-held })
	return func() { close(held) }
}

// outcomes counts what many callers got.
type outcomes struct{ ok, failed atomic.Int32 }

func (o *outcomes) add(err error) {
	if err == nil {
		o.ok.Add(1)
	} else {
		o.failed.Add(1)
	}
}

// 1,000 goroutines that find the token expired make one request, and all
// get the new token.
func TestOneRefreshForManyGoroutines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	w.clock.advance(late)
	open := w.gate()
	time.AfterFunc(100*time.Millisecond, open)
	var got outcomes
	many(1000, func(int) {
		tok, err := s.IDToken(w.ctx)
		if err == nil && tok.Generation != 2 {
			err = fmt.Errorf("generation %d", tok.Generation)
		}
		got.add(err)
	})
	if n := got.ok.Load(); n != 1000 {
		t.Errorf("%d of 1000 got the new token", n)
	}
	w.wantRefreshes(1)
	if n := w.store.count("Lock"); n != 1 {
		t.Errorf("the lock was taken %d times", n)
	}
}

// The same when the provider fails: one request, whose failure all get.
func TestOneFailureForManyGoroutines(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for name, f := range map[string]emulator.Fault{
		"500":     {Status: 500, Delay: 100 * time.Millisecond},
		"reset":   {Reset: true, Delay: 100 * time.Millisecond},
		"revoked": {Status: 400, Header: jsonHeader(), Body: []byte(`{"error":"invalid_grant"}`), Delay: 100 * time.Millisecond},
		"at once": {Status: 500},
	} {
		t.Run(name, func(t *testing.T) {
			w := shared.fork(t)
			s := w.signedIn()
			w.clock.advance(late)
			w.emu.SetFault(emulator.Token, &f)
			callers := 200
			if name == "500" {
				callers = 1000
			}
			var got outcomes
			many(callers, func(int) {
				_, err := s.IDToken(w.ctx)
				got.add(err)
			})
			if n := got.failed.Load(); int(n) != callers {
				t.Errorf("%d of %d got the error", n, callers)
			}
			w.wantRefreshes(1)
		})
	}
}

// The same when the store cannot be written: one request, and the new token
// serves this process.
func TestOneRefreshWithoutAWritableStore(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for range 10 { // the moment between a refresh's end and its publication is short
		w := shared.fork(t)
		s := w.signedIn()
		w.store.fail("Save", fmt.Errorf("disk full: %w", core.ErrReadOnly))
		w.clock.advance(late)
		var got outcomes
		many(200, func(int) {
			_, err := s.IDToken(w.ctx)
			got.add(err)
		})
		if n := got.ok.Load(); n != 200 {
			t.Fatalf("%d of 200 got the new token", n)
		}
		w.wantRefreshes(1)
		if n := w.log.count("the refreshed session could not be saved"); n != 1 {
			t.Fatalf("%d warnings, want 1", n)
		}
	}
}

// 1,000 callers whose services refused the same token renew it once.
func TestOneRenewalForManyRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	stale := w.token(s)
	open := w.gate()
	time.AfterFunc(100*time.Millisecond, open)
	var got outcomes
	many(1000, func(int) {
		tok, err := s.Renew(w.ctx, stale)
		if err == nil && (tok.Value == stale.Value || tok.Generation != stale.Generation+1) {
			err = errors.New("not renewed")
		}
		got.add(err)
	})
	if n := got.ok.Load(); n != 1000 {
		t.Errorf("%d of 1000 got a newer token", n)
	}
	w.wantRefreshes(1)
}

// Renewals that come while a refresh for another reason is under way join it.
func TestRenewalJoinsARefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	stale := w.token(s)
	w.clock.advance(soon)
	open := w.gate()
	w.token(s) // refreshes in the background
	eventually(t, "the refresh is under way", func() bool { return w.refreshes() == 1 })
	time.AfterFunc(50*time.Millisecond, open)
	var got outcomes
	many(100, func(int) {
		tok, err := s.Renew(w.ctx, stale)
		if err == nil && tok.Value == stale.Value {
			err = errors.New("not renewed")
		}
		got.add(err)
	})
	if n := got.ok.Load(); n != 100 {
		t.Errorf("%d of 100 got a newer token", n)
	}
	w.wantRefreshes(1)
}

// Two processes that find the token expired together make one request, also
// when it fails; a process that renews gets what the other one renewed.
func TestOneRefreshForTwoProcesses(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	t.Run("expired", func(t *testing.T) {
		w := shared.fork(t)
		a, b := w.signedIn(), w.session()
		w.clock.advance(late)
		time.AfterFunc(100*time.Millisecond, w.gate())
		var got outcomes
		many(200, func(i int) {
			_, err := []*core.Session{a, b}[i%2].IDToken(w.ctx)
			got.add(err)
		})
		if n := got.ok.Load(); n != 200 {
			t.Errorf("%d of 200 got the new token", n)
		}
		w.wantRefreshes(1)
	})
	for name, f := range map[string]emulator.Fault{
		"500":     {Status: 500, Delay: 100 * time.Millisecond},
		"reset":   {Reset: true, Delay: 100 * time.Millisecond},
		"revoked": {Status: 400, Header: jsonHeader(), Body: []byte(`{"error":"invalid_grant"}`), Delay: 100 * time.Millisecond},
		"no JSON": {Header: jsonHeader(), Body: []byte("-"), Delay: 100 * time.Millisecond},
	} {
		t.Run("expired, "+name, func(t *testing.T) {
			w := shared.fork(t)
			a, b := w.signedIn(), w.session()
			w.clock.advance(late)
			w.emu.SetFault(emulator.Token, &f)
			var got outcomes
			many(200, func(i int) {
				_, err := []*core.Session{a, b}[i%2].IDToken(w.ctx)
				got.add(err)
			})
			if n := got.failed.Load(); n != 200 {
				t.Errorf("%d of 200 got the error", n)
			}
			w.wantRefreshes(1)
		})
	}
	t.Run("refused", func(t *testing.T) {
		w := shared.fork(t)
		a, b := w.signedIn(), w.session()
		stale := w.token(a)
		w.token(b)
		time.AfterFunc(100*time.Millisecond, w.gate())
		var got outcomes
		many(200, func(i int) {
			tok, err := []*core.Session{a, b}[i%2].Renew(w.ctx, stale)
			if err == nil && tok.Value == stale.Value {
				err = errors.New("not renewed")
			}
			got.add(err)
		})
		if n := got.ok.Load(); n != 200 {
			t.Errorf("%d of 200 got a newer token", n)
		}
		w.wantRefreshes(1)
	})
}

// A service that refuses every token cannot make a stream of refreshes:
// one in 10 seconds, in all processes, and nobody else is disturbed.
func TestRenewalsAreLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, other := w.signedIn(), w.session()
	refused := w.token(s)
	for i := range 100 {
		next, err := s.Renew(w.ctx, refused)
		switch {
		case i == 0 && err != nil:
			t.Fatal(err)
		case i == 0:
			refused = next
		case !errors.Is(err, core.ErrRenewedRecently):
			t.Fatalf("renewal %d: %v", i, err)
		}
		if w.token(s) != refused {
			t.Fatal("the others do not get the token that there is")
		}
	}
	if _, err := other.Renew(w.ctx, refused); !errors.Is(err, core.ErrRenewedRecently) {
		t.Errorf("another process: %v", err)
	}
	w.wantRefreshes(1)
	w.clock.advance(10 * time.Second)
	if next, err := s.Renew(w.ctx, refused); err != nil || next.Value == refused.Value {
		t.Errorf("after 10 seconds: %v", err)
	}
	w.wantRefreshes(2)
}

// One service of two refuses: the callers of the other one, and of older
// tokens, go on.
func TestRenewWithAnOlderToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	first := w.token(s)
	second, err := s.Renew(w.ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if tok, err := s.Renew(w.ctx, first); err != nil || tok != second {
			t.Fatalf("%v, %v", tok, err)
		}
	}
	w.wantRefreshes(1)
}

// Where the store cannot be written, renewals are limited all the same.
func TestRenewalsAreLimitedWithoutAWritableStore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	refused := w.token(s)
	w.store.fail("Save", core.ErrReadOnly)
	for range 20 {
		if next, err := s.Renew(w.ctx, refused); err == nil {
			refused = next
		} else if !errors.Is(err, core.ErrRenewedRecently) {
			t.Fatal(err)
		}
	}
	w.wantRefreshes(1)
}

// A caller whose context ends is let go at once, and the refresh that it
// waited for goes on for the others.
func TestCancelledWaiter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	w.clock.advance(late)
	open := w.gate()
	ctx, cancel := context.WithCancel(w.ctx)
	first, second := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := s.IDToken(ctx) // it starts the refresh
		first <- err
	}()
	eventually(t, "the refresh is under way", func() bool { return w.refreshes() == 1 })
	go func() {
		_, err := s.IDToken(w.ctx)
		second <- err
	}()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("the cancelled caller got %v", err)
	}
	if _, err := s.IDToken(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a call with a context that has ended: %v", err)
	}
	open()
	if err := <-second; err != nil {
		t.Errorf("the other caller got %v", err)
	}
	w.wantRefreshes(1)
}

// The lock of a store that hangs (its holder is stopped) costs the lock
// timeout, no more; one that fails costs nothing; and a store may have none.
func TestLockThatCannotBeHad(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for name, change := range map[string]func(w *world, o *core.SessionOptions){
		"hangs": func(w *world, o *core.SessionOptions) { w.store.fail("Lock", errHang) },
		"fails": func(w *world, o *core.SessionOptions) { w.store.fail("Lock", core.ErrReadOnly) },
		"none":  func(w *world, o *core.SessionOptions) { o.Store = lockless{w.store} },
	} {
		t.Run(name, func(t *testing.T) {
			w := shared.fork(t)
			s := w.signedIn(func(o *core.SessionOptions) {
				o.LockTimeout = 50 * time.Millisecond
				change(w, o)
			})
			w.clock.advance(late)
			w.token(s)
			w.wantRefreshes(1)
		})
	}
}

// A reader with a valid token never waits for a lock.
func TestValidTokenNeedsNoLock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn(func(o *core.SessionOptions) { o.LockTimeout = time.Hour })
	w.store.fail("Lock", errHang)
	w.clock.advance(soon)
	for range 100 {
		w.token(s)
	}
	w.wantRefreshes(0)
}
