package core_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/emulator"
)

// lasting returns a token of s that is to last, or ends the test.
func (w *world) lasting(s *core.Session, least time.Duration) core.IDToken {
	w.t.Helper()
	tok, err := s.IDTokenFor(w.ctx, least)
	if err != nil {
		w.t.Fatalf("IDTokenFor: %v", err)
	}
	return tok
}

func oneShot(o *core.SessionOptions) { o.OneShot = true }

func TestTokenForIsRenewedOnlyWhenLessIsLeft(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn(oneShot)
	first := w.token(s)
	w.clock.advance(29 * time.Minute)
	if got := w.lasting(s, 30*time.Minute); got != first {
		t.Error("a token with 31 minutes left was renewed")
	}
	w.clock.advance(2 * time.Minute)
	got := w.lasting(s, 30*time.Minute)
	if left := got.Expiry.Sub(w.clock.Now()); left != time.Hour {
		t.Errorf("the token is valid for %s, want that of a new one", left)
	}
	if again := w.lasting(w.session(oneShot), 30*time.Minute); again != got {
		t.Error("another process renewed it once more")
	}
	w.wantRefreshes(1)
}

// Where no token lives as long as is wanted, asking does not renew them all the time.
func TestTokenForOfShortTokensIsRenewedAtHalfOfTheirLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *emulator.Options) { o.TokenLifetime = time.Minute })
	s := w.signedIn(oneShot)
	for range 120 {
		got := w.lasting(s, 30*time.Minute)
		if left := got.Expiry.Sub(w.clock.Now()); left < 30*time.Second {
			t.Fatalf("the token is valid for %s", left)
		}
		w.clock.advance(time.Second)
	}
	w.wantRefreshes(3) // after 31, 62 and 93 seconds
}

func TestTokenForManyIsRenewedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a, b := w.signedIn(oneShot), w.session(oneShot)
	w.token(b)
	w.clock.advance(40 * time.Minute)
	time.AfterFunc(100*time.Millisecond, w.gate())
	var got outcomes
	many(200, func(i int) {
		tok, err := []*core.Session{a, b}[i%2].IDTokenFor(w.ctx, 30*time.Minute)
		if err == nil && tok.Expiry.Sub(w.clock.Now()) != time.Hour {
			err = errors.New("not renewed")
		}
		got.add(err)
	})
	if n := got.ok.Load(); n != 200 {
		t.Errorf("%d of 200 got the new token", n)
	}
	w.wantRefreshes(1)
}

// A valid token serves, whatever became of its renewal.
func TestTokenForThatCannotBeRenewedIsTheOneThatThereIs(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for name, f := range map[string]emulator.Fault{
		"busy":    {Status: 503},
		"reset":   {Reset: true},
		"revoked": {Status: 400, Header: jsonHeader(), Body: []byte(`{"error":"invalid_grant"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			w := shared.fork(t)
			s := w.signedIn(oneShot)
			first := w.token(s)
			w.clock.advance(40 * time.Minute)
			w.emu.SetFault(emulator.Token, &f)
			for range 20 {
				if got := w.lasting(s, 30*time.Minute); got != first {
					t.Fatal("it is another token")
				}
			}
			if n := w.refreshes(); n != 1 {
				t.Errorf("%d requests, want 1: a failure answers for a while", n)
			}
			w.clock.advance(25 * time.Minute)
			if _, err := s.IDTokenFor(w.ctx, 30*time.Minute); err == nil {
				t.Error("an expired token was given out")
			}
		})
	}
}

func TestTokenForEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn(oneShot)
	w.clock.advance(40 * time.Minute)
	open := w.gate()
	defer open()
	ctx, cancel := context.WithCancel(w.ctx)
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := s.IDTokenFor(ctx, 30*time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that of the context", err)
	}
}
