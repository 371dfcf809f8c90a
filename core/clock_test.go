package core_test

import (
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator/emulatortest"
)

// This machine's clock is wrong, or jumps. Refreshes go by the provider's
// Date, calls work, and there is no loop of refreshes.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for _, jump := range []time.Duration{10 * time.Minute, -10 * time.Minute, 24 * time.Hour, -24 * time.Hour, 20 * time.Second, -20 * time.Second} {
		t.Run(jump.String(), func(t *testing.T) {
			w := shared.fork(t)
			local := &clock{emulatortest.NewClock(w.clock.Now())} // the provider's stays right
			s := w.signedIn(func(o *core.SessionOptions) {
				o.Now = local.Now
				o.Client = w.client(func(o *oidc.ProviderOptions) { o.Now = local.Now })
			})
			advance := func(d time.Duration) {
				w.clock.advance(d)
				local.advance(d)
			}
			token := func() {
				t.Helper()
				tok, err := s.IDToken(w.ctx)
				if err != nil {
					t.Fatal(err)
				}
				if !w.clock.Now().Before(tok.Expiry) {
					t.Error("the token is over, by the provider's clock")
				}
			}
			// A clock that goes back by less than the token's age cannot be told
			// from one that is right; the margin before the expiry takes seconds
			// of it, and a service's refusal the rest.
			advance(time.Minute)
			local.advance(jump)
			before := w.refreshes()
			for range 200 {
				token()
			}
			settle := func(most int, when string) {
				t.Helper()
				eventually(t, "background refreshes end", func() bool {
					return w.log.count("refreshed the ID token") == w.refreshes()
				})
				if n := w.refreshes() - before; n > most {
					t.Errorf("%d refreshes %s, want at most %d", n, when, most)
				}
			}
			settle(1, "after the jump")
			// An hour with the wrong clock: one or two refreshes.
			before = w.refreshes()
			for range 60 {
				advance(time.Minute)
				token()
				eventually(t, "background refreshes end", func() bool {
					return w.log.count("refreshed the ID token") == w.refreshes()
				})
			}
			settle(2, "in an hour")
		})
	}
}

// The sign-in itself was made with a clock that is 4 minutes slow or 50
// minutes fast, which is taken: the token's age goes by the provider's clock.
func TestSignInWithAWrongClock(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for _, wrong := range []time.Duration{-4 * time.Minute, 50 * time.Minute} {
		w := shared.fork(t)
		local := &clock{emulatortest.NewClock(w.clock.Now().Add(wrong))}
		s := w.signedIn(func(o *core.SessionOptions) {
			o.Now = local.Now
			o.Client = w.client(func(o *oidc.ProviderOptions) { o.Now = local.Now })
		})
		for _, p := range []time.Duration{0, 20 * time.Minute} {
			w.clock.advance(p)
			local.advance(p)
			for range 10 {
				if _, err := s.IDToken(w.ctx); err != nil {
					t.Fatal(err)
				}
			}
		}
		w.wantRefreshes(0)
		w.clock.advance(39*time.Minute + 45*time.Second)
		local.advance(39*time.Minute + 45*time.Second)
		if tok, err := s.IDToken(w.ctx); err != nil || !w.clock.Now().Before(tok.Expiry) {
			t.Errorf("clock %s wrong: %v, %v", wrong, tok, err)
		}
		w.wantRefreshes(1)
	}
}
