package core_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/emulator"
)

// With tokens of an hour: from soon on a session refreshes in the background,
// from late on it gives out nothing old.
const (
	soon = 55 * time.Minute
	late = 59*time.Minute + 45*time.Second
)

// An ID token from a refresh must be of the same issuer, person and client
// and not be older; otherwise it is refused, the old session stays, and it goes
// on when the provider is sane again.
func TestRefreshRefusesClaims(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		claim  string // empty: sign-in needed, since it is somebody else
		change func(c claims)
	}{
		{"another person", "", func(c claims) { c["sub"] = "12345" }},
		{"another issuer", "iss", func(c claims) { c["iss"] = "https://evil.example" }},
		{"another client", "aud", func(c claims) { c["aud"] = "other" }},
		{"an older iat", "iat", func(c claims) { c["iat"] = c["iat"].(int64) - 7200 }},
		{"another nonce", "nonce", func(c claims) { c["nonce"] = "another" }},
		{"no email", "email", func(c claims) { delete(c, "email") }},
		{"wrong at_hash", "at_hash", func(c claims) { c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA" }},
		{"no exp", "exp", func(c claims) { delete(c, "exp") }},
	}
	shared := newWorld(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := shared.fork(t)
			s := w.signedIn(demandingEmail(w))
			old := w.token(s)
			refreshToken := w.store.field(t, "refresh_token")
			w.emu.SetIDTokenClaims(func(_, c claims) { tt.change(c) })
			w.clock.advance(soon)
			w.token(s) // gives the old one and refreshes in the background
			eventually(t, "the refresh fails", func() bool { return w.log.count("refresh failed") == 1 })
			if got := w.token(s); got != old {
				t.Error("the old token is not used although it is valid")
			}
			w.clock.advance(5 * time.Minute)
			_, err := s.IDToken(w.ctx)
			if tt.claim == "" {
				wantCause(t, err, core.CauseOtherPerson)
			} else {
				wantClaim(t, err, tt.claim)
			}
			if got := w.store.field(t, "refresh_token"); got != refreshToken {
				t.Error("the refresh token did not stay")
			}
			if got := w.store.field(t, "id_token"); got != old.Value.Reveal() {
				t.Error("the ID token did not stay")
			}
			// The provider is sane again: a new process goes on.
			w.emu.SetIDTokenClaims(nil)
			w.clock.advance(time.Minute)
			if got := w.token(w.session()); got.Subject != old.Subject || got.Generation != old.Generation+1 {
				t.Errorf("generation %d of %s", got.Generation, got.Subject)
			}
		})
	}
}

// The nonce of the sign-in is remembered over refreshes whose tokens have
// none, as most providers' have.
func TestNonceIsRememberedOverRefreshes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	w.clock.advance(late)
	w.token(s)
	w.emu.SetIDTokenClaims(func(_, c claims) { c["nonce"] = "another" })
	w.clock.advance(late)
	_, err := s.IDToken(w.ctx)
	wantClaim(t, err, "nonce")
	// The right one is taken.
	nonce := w.store.field(t, "nonce")
	w.emu.SetIDTokenClaims(func(_, c claims) { c["nonce"] = nonce })
	w.clock.advance(time.Minute)
	w.token(s)
}

// A provider may renew the access token alone (OpenID Connect Core section 12.2). Then
// only a sign-in gives an ID token: the session says so, is remembered to, and keeps a
// refresh token that was rotated; the old ID token gets no new expiry.
func TestRefreshWithoutIDToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	expiry := w.store.field(t, "expiry")
	w.emu.SetTokenAnswer(func(_ string, answer map[string]any) {
		delete(answer, "id_token")
		answer["refresh_token"] = "1//0rotated"
	})
	w.clock.advance(late)
	for range 3 {
		_, err := s.IDToken(w.ctx)
		wantCause(t, err, core.CauseNoIDToken)
		_, err = w.session().IDToken(w.ctx)
		wantCause(t, err, core.CauseNoIDToken)
	}
	w.wantRefreshes(1)
	if st, err := s.Status(w.ctx); err != nil || st.State != core.NeedsSignIn {
		t.Errorf("status %+v, %v", st, err)
	}
	if got := w.store.field(t, "expiry"); got != expiry {
		t.Errorf("the old token's expiry became %s", got)
	}
	if got := w.store.field(t, "refresh_token"); got != "1//0rotated" {
		t.Error("the rotated refresh token was lost")
	}
	w.emu.SetTokenAnswer(nil)
	w.signIn(s)
	w.token(s)
}

// What counts is the ID token's exp, not the access token's expires_in.
func TestExpiryIsTheIDTokens(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for name, change := range map[string]func(map[string]any){
		"a day":   func(a map[string]any) { a["expires_in"] = 86400 },
		"1 s":     func(a map[string]any) { a["expires_in"] = 1 },
		"missing": func(a map[string]any) { delete(a, "expires_in") },
	} {
		t.Run(name, func(t *testing.T) {
			w := shared.fork(t)
			w.emu.SetTokenAnswer(func(_ string, a map[string]any) { change(a) })
			s := w.signedIn()
			if left := w.token(s).Expiry.Sub(w.clock.Now()); left != time.Hour {
				t.Errorf("expires in %s", left)
			}
			w.clock.advance(20 * time.Minute)
			w.token(s)
			w.wantRefreshes(0)
			w.clock.advance(39*time.Minute + 45*time.Second)
			w.token(s)
			w.wantRefreshes(1)
		})
	}
}

// Without a new refresh token in the answer, the old one stays.
func TestRefreshTokenStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	first := w.store.field(t, "refresh_token")
	for range 3 {
		w.clock.advance(late)
		w.token(s)
	}
	if got := w.store.field(t, "refresh_token"); got == "" || got != first {
		t.Error("the refresh token changed")
	}
	w.wantRefreshes(3)
}

// A new refresh token is saved before anybody gets the new ID token.
func TestRotationIsSavedFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *emulator.Options) { o.RotateRefreshTokens = true })
	s := w.signedIn()
	first := w.store.field(t, "refresh_token")
	saving, release := make(chan struct{}), make(chan struct{})
	w.store.before("Save", func() {
		close(saving)
		<-release
	})
	w.clock.advance(late)
	var saved atomic.Bool
	got := make(chan error, 1)
	go func() {
		_, err := s.IDToken(w.ctx)
		if err == nil && !saved.Load() {
			err = errors.New("the token came before the save was done")
		}
		got <- err
	}()
	<-saving
	// While it is being saved, nobody else gets it either.
	ctx, cancel := context.WithTimeout(w.ctx, 50*time.Millisecond)
	defer cancel()
	if _, err := s.IDToken(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("IDToken while saving: %v", err)
	}
	w.store.before("Save", nil)
	saved.Store(true)
	close(release)
	if err := <-got; err != nil {
		t.Error(err)
	}
	if w.store.field(t, "refresh_token") == first {
		t.Error("the new refresh token was not saved")
	}
}

// A process dies between the answer of a provider that rotates and the
// save. The next one is told to sign in again, once; nobody asks in a storm.
func TestCrashBeforeTheSave(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *emulator.Options) { o.RotateRefreshTokens = true })
	dying := w.signedIn()
	w.store.fail("Save", fmt.Errorf("power cut: %w", core.ErrReadOnly))
	w.clock.advance(late)
	w.token(dying)
	if err := dying.Close(); err != nil {
		t.Fatal(err)
	}
	w.store.fail("Save", nil)
	w.wantRefreshes(1)

	next := w.session()
	for range 100 {
		_, err := next.IDToken(w.ctx)
		wantCause(t, err, core.CauseRevoked)
	}
	_, err := w.session().IDToken(w.ctx)
	wantCause(t, err, core.CauseRevoked)
	w.wantRefreshes(2)
	w.signIn(next)
	w.clock.advance(late)
	w.token(next)
}

// While the token is valid, a provider that fails, or answers what
// cannot be used, is asked at most once a minute, also where a status is shown
// every second.
func TestBackgroundRefreshesAreRare(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for name, fail := range map[string]func(w *world){
		"500":             func(w *world) { w.emu.SetFault(emulator.Token, &emulator.Fault{Status: 500}) },
		"another iss":     func(w *world) { w.emu.SetIDTokenClaims(func(_, c claims) { c["iss"] = "https://evil.example" }) },
		"no token":        func(w *world) { w.emu.SetTokenAnswer(func(_ string, a map[string]any) { clear(a) }) },
		"a token expired": func(w *world) { w.emu.SetIDTokenClaims(func(_, c claims) { c["exp"] = c["iat"].(int64) - 60 }) },
	} {
		t.Run(name, func(t *testing.T) {
			w := shared.fork(t)
			s := w.signedIn()
			fail(w)
			w.clock.advance(soon)
			for second := range 240 {
				w.token(s)
				if second == 0 {
					eventually(t, "the first refresh ends", func() bool { return w.log.count("refresh failed") == 1 })
				}
				if _, err := s.Status(w.ctx); err != nil {
					t.Fatal(err)
				}
				w.clock.advance(time.Second)
			}
			eventually(t, "the refreshes end", func() bool { return w.log.count("refresh failed") == w.refreshes() })
			if n := w.refreshes(); n > 4 {
				t.Errorf("%d refreshes in 4 minutes", n)
			}
		})
	}
}

// While a provider fails, those who wait for it ask less and less often: after 5 seconds
// first, then half a minute. They are served within 40 seconds once it is back.
func TestFailuresOneAfterTheOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	w.emu.SetFault(emulator.Token, &emulator.Fault{Status: 503})
	w.clock.advance(late)
	for range 10 * 60 {
		if _, err := s.IDToken(w.ctx); err == nil {
			t.Fatal("no error")
		}
		w.clock.advance(time.Second)
	}
	if n := w.refreshes(); n < 16 || n > 24 { // at 0, 5, 15, 35, and then each 32 to 40
		t.Errorf("%d requests in ten minutes", n)
	}
	w.emu.SetFault(emulator.Token, nil)
	w.clock.advance(40 * time.Second)
	w.token(s)
}

// A failure that was remembered with a wrong clock does not last until that
// clock's time.
func TestFailureAndAClockSetBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	w.emu.SetFault(emulator.Token, &emulator.Fault{Status: 500, Times: 1})
	w.clock.advance(25 * time.Hour)
	_, err := s.IDToken(w.ctx)
	wantProvider(t, err)
	w.clock.advance(-23 * time.Hour)
	w.token(s)
}

// After the window of a failure the provider is asked again: 5 seconds, or what
// Retry-After says and up to a quarter more, so that not all come at that moment.
func TestFailureWindow(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for name, tt := range map[string]struct {
		header string
		window time.Duration
	}{
		"by default":           {"", 5 * time.Second},
		"Retry-After: 30":      {"30", 30 * time.Second},
		"Retry-After too long": {"86400", time.Minute},
		"Retry-After a date":   {"date", 20 * time.Second},
		"Retry-After nonsense": {"soon", 5 * time.Second},
		"Retry-After below 0":  {"-5", 5 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			w := shared.fork(t)
			s := w.signedIn()
			f := &emulator.Fault{Status: 503}
			if tt.header == "date" {
				tt.header = w.clock.Now().Add(late + 20*time.Second).Format(http.TimeFormat)
			}
			if tt.header != "" {
				f.Header = map[string][]string{"Retry-After": {tt.header}}
			}
			w.emu.SetFault(emulator.Token, f)
			w.clock.advance(late)
			for range 10 {
				if _, err := s.IDToken(w.ctx); err == nil {
					t.Fatal("no error")
				}
			}
			w.clock.advance(tt.window - time.Second)
			if _, err := s.IDToken(w.ctx); err == nil {
				t.Fatal("no error within the window")
			}
			_, err := w.session().IDToken(w.ctx) // another process
			wantProvider(t, err)
			w.wantRefreshes(1)
			w.clock.advance(time.Second + tt.window/4)
			_, err = s.IDToken(w.ctx)
			wantProvider(t, err)
			w.wantRefreshes(2)
			w.emu.SetFault(emulator.Token, nil)
			w.clock.advance(max(2*tt.window, time.Minute) * 5 / 4)
			w.token(s)
			w.wantRefreshes(3)
		})
	}
}
