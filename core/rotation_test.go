package core_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// Two processes over a provider that rotates refresh tokens, and ends the
// grant when an old one is used again: 0 sign-outs in 1,000 rounds.
func TestRotationBetweenTwoProcesses(t *testing.T) {
	t.Parallel()
	rounds := 1000
	if testing.Short() {
		rounds = 100
	}
	w := newWorld(t, func(o *emulator.Options) {
		o.RotateRefreshTokens, o.RevokeOnReuse, o.TokenLifetime = true, true, 10*time.Minute
	})
	a, b := w.signedIn(), w.session()
	w.cheap()
	for round := range rounds {
		w.clock.advance(9*time.Minute + 30*time.Second)
		var got outcomes
		many(2, func(i int) {
			_, err := []*core.Session{a, b}[i].IDToken(w.ctx)
			got.add(err)
		})
		if got.failed.Load() != 0 {
			_, err := a.IDToken(w.ctx)
			t.Fatalf("round %d: %v", round, err)
		}
	}
	w.wantRefreshes(rounds)
}

// Where the lock does not work, a process whose refresh token was rotated
// away by another one looks again, and goes on.
func TestRotationWithoutALock(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *emulator.Options) { o.RotateRefreshTokens, o.TokenLifetime = true, 10*time.Minute })
	nolock := func(o *core.SessionOptions) { o.Store = lockless{w.store} }
	a, b := w.signedIn(nolock), w.session(nolock)
	w.token(b)
	w.cheap()
	for round := range 100 {
		w.clock.advance(9*time.Minute + 30*time.Second)
		many(2, func(i int) { _, _ = []*core.Session{a, b}[i].IDToken(w.ctx) })
		// One of two that asked together may have failed; nobody is signed out.
		for _, p := range []*core.Session{a, b} {
			if _, err := p.IDToken(w.ctx); err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
		}
	}
}

// The refresh token is rotated by another process at the very moment: the
// one that comes too late takes what the other one got, without an error, also
// where that is over by now.
func TestRotatedAtTheLastMoment(t *testing.T) {
	t.Parallel()
	shared := newWorld(t, func(o *emulator.Options) { o.RotateRefreshTokens = true })
	for _, over := range []bool{false, true} {
		w := shared.fork(t)
		nolock := func(o *core.SessionOptions) { o.Store = lockless{w.store} }
		first := w.signedIn(nolock)
		var once sync.Once
		base := &http.Transport{DisableKeepAlives: true}
		second := w.session(nolock, func(o *core.SessionOptions) {
			o.Client = w.client(func(o *oidc.ProviderOptions) {
				o.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
					if r.Method == "POST" {
						once.Do(func() {
							if _, err := first.IDToken(w.ctx); err != nil {
								t.Error(err)
							}
							if over {
								w.clock.advance(late)
							}
						})
					}
					return base.RoundTrip(r)
				})
			})
		})
		w.clock.advance(late)
		if _, err := second.IDToken(w.ctx); err != nil {
			t.Errorf("over: %v: %v", over, err)
		}
		want := 2
		if over {
			want = 3
		}
		w.wantRefreshes(want)
	}
}

// An answer whose ID token is refused is shared as well: one request for all
// processes, and the same error.
func TestRefusedTokenIsAskedForOnce(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for name, tt := range map[string]struct {
		change func(claims map[string]any)
		same   func(err error) bool
	}{
		"claim": {func(c map[string]any) { c["email_verified"] = false }, func(err error) bool {
			var ce *oidc.ClaimError
			return errors.As(err, &ce) && ce.Claim == "email"
		}},
		"clock": {func(c map[string]any) { c["exp"] = 1 }, func(err error) bool {
			var ce *oidc.ClockError
			return errors.As(err, &ce) && ce.Claim == "exp"
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := shared.fork(t)
			w.signedIn()
			w.clock.advance(late)
			w.emu.SetIDTokenClaims(func(_, c map[string]any) { tt.change(c) })
			for range 5 {
				if _, err := w.session().IDToken(w.ctx); !tt.same(err) {
					t.Errorf("error %v", err)
				}
			}
			w.wantRefreshes(1)
			w.emu.SetIDTokenClaims(nil)
			w.clock.advance(time.Minute)
			w.token(w.session())
		})
	}
}

// A refresh token that came with an ID token that is refused is kept, since
// the one before is dead.
func TestRotationSurvivesARefusedToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *emulator.Options) { o.RotateRefreshTokens = true })
	w.signedIn()
	w.clock.advance(late)
	w.emu.SetIDTokenClaims(func(_, c map[string]any) { c["email_verified"] = false })
	_, err := w.session().IDToken(w.ctx)
	wantClaim(t, err, "email")
	w.emu.SetIDTokenClaims(nil)
	w.clock.advance(time.Minute)
	w.token(w.session())
}

// A process that could not save a rotated refresh token holds the only one.
// What another process then notes about the old one does not take its place.
func TestUnsavedRotationOutlivesAnOlderDocument(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *emulator.Options) { o.RotateRefreshTokens = true })
	a := w.signedIn()
	w.clock.advance(late)
	w.store.fail("Save", core.ErrReadOnly)
	w.token(a) // has the new refresh token, and the store the old one
	w.store.fail("Save", nil)
	if _, err := w.session().IDToken(w.ctx); !errors.Is(err, core.ErrSignInNeeded) {
		t.Fatalf("with the old refresh token: %v, want core.ErrSignInNeeded", err)
	}
	w.clock.advance(late)
	w.token(a)
	w.token(w.session())
	w.clock.advance(late)
	w.token(w.session())
}
