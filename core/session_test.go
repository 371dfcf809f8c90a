package core_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// A session with no client, no flow or no sign-in says so.
func TestNothingThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	none := w.session(func(o *core.SessionOptions) { o.Client = nil })
	if st, err := none.Status(w.ctx); err != nil || st.State != core.NotConfigured {
		t.Errorf("status without a client: %+v, %v", st, err)
	}
	if _, err := none.IDToken(w.ctx); !errors.Is(err, core.ErrNotConfigured) {
		t.Errorf("IDToken without a client: %v", err)
	}
	if _, err := none.Renew(w.ctx, core.IDToken{}); !errors.Is(err, core.ErrNotConfigured) {
		t.Errorf("Renew without a client: %v", err)
	}
	if _, err := none.SignIn(w.ctx, nobody); !errors.Is(err, core.ErrNotConfigured) {
		t.Errorf("SignIn without a client: %v", err)
	}
	if none.Client() != nil {
		t.Error("there is a client")
	}
	out := w.session(func(o *core.SessionOptions) { o.Flow = nil })
	if st, err := out.Status(w.ctx); err != nil || st.State != core.SignedOut || st.ClientID != w.secrets().ClientID || st.Reason != "" {
		t.Errorf("status when signed out: %+v, %v", st, err)
	}
	_, err := out.IDToken(w.ctx)
	wantCause(t, err, core.CauseSignedOut)
	_, err = out.AccessToken(w.ctx)
	wantCause(t, err, core.CauseSignedOut)
	if _, err := out.SignIn(w.ctx, nobody); err == nil {
		t.Error("SignIn without a flow succeeded")
	}
	if err := out.SignOut(w.ctx); err != nil {
		t.Errorf("SignOut when signed out: %v", err)
	}
	if n := w.emu.Calls(emulator.Token) + w.emu.Calls(emulator.Revoke); n != 0 {
		t.Errorf("%d requests to the provider", n)
	}
	for _, o := range []core.SessionOptions{{}, {Store: w.store, Key: "../x"}} {
		if _, err := core.NewSession(o); err == nil {
			t.Errorf("NewSession(%v) succeeded", o.Key)
		}
	}
}

// Status tells who is signed in, and what the token is good for.
func TestStatus(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(func(o *core.SessionOptions) { o.Lifetime = 24 * time.Hour })
	began := w.clock.Now()
	signedIn := w.signIn(s)
	status := func(p *core.Session) core.Status {
		t.Helper()
		st, err := p.Status(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	another := w.session(func(o *core.SessionOptions) { o.Lifetime = 24 * time.Hour })
	for _, st := range []core.Status{signedIn, status(s), status(another)} {
		if st.State != core.SignedIn || st.Email != ada || st.HostedDomain != "example.com" || st.Subject != w.emu.Accounts()[0].Sub ||
			st.Issuer != w.emu.Issuer() || st.ClientID != w.secrets().ClientID || !st.Refreshable || st.Reason != "" ||
			!st.SignedInAt.Equal(began) || !st.TokenExpiry.Equal(began.Add(time.Hour)) || !st.SessionEnds.Equal(began.Add(24*time.Hour)) || len(st.Scopes) == 0 {
			t.Errorf("status %+v", st)
		}
	}
	w.clock.advance(2 * time.Hour) // an expired token that can be refreshed is no problem
	if st := status(s); st.State != core.SignedIn || !st.TokenExpiry.Equal(began.Add(time.Hour)) {
		t.Errorf("status with an expired token: %+v", st)
	}
	w.wantRefreshes(0)
	w.clock.advance(22 * time.Hour)
	if st := status(s); st.State != core.NeedsSignIn || st.Email != ada || st.Reason == "" {
		t.Errorf("status of a session that is too old: %+v", st)
	}
	if err := s.Forget(w.ctx); err != nil {
		t.Fatal(err)
	}
	if st := status(another); st.State != core.SignedOut || st.Email != "" {
		t.Errorf("another process after the sign-out: %+v", st)
	}
}

// A session older than its lifetime gives no token, although the provider
// would. The record stays, and a new sign-in begins a new life. Without a limit
// there is none.
func TestLifetime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	day := func(o *core.SessionOptions) { o.Lifetime = 24 * time.Hour }
	s := w.signedIn(day)
	w.clock.advance(23*time.Hour + 30*time.Minute)
	w.token(s)
	w.wantRefreshes(1)
	w.clock.advance(30 * time.Minute) // the token itself would be good for 30 more minutes
	for _, p := range []*core.Session{s, w.session(day)} {
		for range 10 {
			_, err := p.IDToken(w.ctx)
			wantCause(t, err, core.CauseTooOld)
			_, err = p.Renew(w.ctx, core.IDToken{})
			wantCause(t, err, core.CauseTooOld)
		}
	}
	w.wantRefreshes(1)
	if w.store.field(t, "refresh_token") == "" {
		t.Error("the record was deleted")
	}
	w.token(w.session()) // another program, without a limit
	w.signIn(s)
	w.token(s)
}

// This machine's clock is set forward by a day and back again: a session
// that seemed too old is not for good.
func TestLifetimeAndAClockSetBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn(func(o *core.SessionOptions) { o.Lifetime = 24 * time.Hour })
	w.clock.advance(24 * time.Hour)
	_, err := s.IDToken(w.ctx)
	wantCause(t, err, core.CauseTooOld)
	w.clock.advance(-22 * time.Hour)
	w.token(s)
}

// Where the provider gave no refresh token, the session ends with its token,
// and the next sign-in asks for a fresh consent, which brings one.
func TestNoRefreshToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.emu.SetTokenAnswer(func(_ string, a map[string]any) { delete(a, "refresh_token") })
	s := w.signedIn()
	if st, err := s.Status(w.ctx); err != nil || st.State != core.SignedIn || st.Refreshable {
		t.Errorf("status %+v, %v", st, err)
	}
	w.clock.advance(soon)
	w.token(s)
	w.clock.advance(5 * time.Minute)
	_, err := s.IDToken(w.ctx)
	wantCause(t, err, core.CauseNoRefresh)
	if st, err := s.Status(w.ctx); err != nil || st.State != core.NeedsSignIn {
		t.Errorf("status %+v, %v", st, err)
	}
	w.wantRefreshes(0)
	w.emu.SetTokenAnswer(nil)
	w.signIn(s)
	w.signIn(s)
	var prompts []string
	for _, r := range w.emu.Requests(emulator.Authorize) {
		prompts = append(prompts, r.Query.Get("prompt"))
	}
	if got := fmt.Sprint(prompts); got != "[ consent ]" {
		t.Errorf("prompts %s, want consent at the second sign-in only", got)
	}
}

// The same where the store cannot be written: no request with an empty refresh
// token.
func TestNoRefreshTokenAndNotSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.emu.SetTokenAnswer(func(_ string, a map[string]any) { delete(a, "refresh_token") })
	w.store.fail("Save", core.ErrReadOnly)
	s := w.session()
	if _, err := s.SignIn(w.ctx, nobody); !errors.Is(err, core.ErrNotSaved) {
		t.Fatal(err)
	}
	w.clock.advance(late)
	if _, err := s.IDToken(w.ctx); !errors.Is(err, core.ErrSignInNeeded) {
		t.Errorf("error %v", err)
	}
	w.wantRefreshes(0)
}

// Configure sets another client: the session of the first one gives no token,
// but stays until the next sign-in, and works when its client is back.
func TestConfigure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *emulator.Options) {
		o.Clients = []emulator.Client{{ID: "other.apps.googleusercontent.com", Secret: "GOCSPX-other"}}
	})
	var kept []core.ClientSecrets
	var refuse error
	s := w.signedIn(func(o *core.SessionOptions) {
		o.SaveClient = func(_ context.Context, c core.ClientSecrets) error {
			kept = append(kept, c)
			return refuse
		}
	})
	first, second := w.secrets(), w.secrets()
	second.ClientID, second.ClientSecret = "other.apps.googleusercontent.com", "GOCSPX-other"

	// What cannot be used or kept changes nothing.
	for _, bad := range []core.ClientSecrets{{}, {ClientID: "x", ClientSecret: "y", TokenURI: "https://evil.example/token"}} {
		if err := s.Configure(w.ctx, bad); !errors.Is(err, fault.BadClient) {
			t.Errorf("Configure(%v): %v", bad, err)
		}
	}
	refuse = errors.New("disk full")
	if err := s.Configure(w.ctx, second); !errors.Is(err, refuse) {
		t.Errorf("Configure that cannot be kept: %v", err)
	}
	w.token(s)
	refuse, kept = nil, nil

	if err := s.Configure(w.ctx, second); err != nil {
		t.Fatal(err)
	}
	if len(kept) != 1 || kept[0].ClientID != second.ClientID || kept[0].ClientSecret != second.ClientSecret {
		t.Errorf("kept %v", kept)
	}
	_, err := s.IDToken(w.ctx)
	wantCause(t, err, core.CauseOtherClient)
	if st, err := s.Status(w.ctx); err != nil || st.State != core.SignedOut || st.Reason == "" || st.ClientID != second.ClientID {
		t.Errorf("status %+v, %v", st, err)
	}
	if err := s.Configure(w.ctx, first); err != nil {
		t.Fatal(err)
	}
	w.token(s)
	if err := s.Configure(w.ctx, second); err != nil {
		t.Fatal(err)
	}
	w.signIn(s)
	if tok := w.token(s); tok.Audience != second.ClientID || s.Client().ID != second.ClientID {
		t.Errorf("a token for %s", tok.Audience)
	}
	w.wantRefreshes(0)
}

// Two people, two clients and two issuers at once, over one store: each
// session gets its own tokens, and signing one out leaves the others.
func TestSessionsNeverMix(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *emulator.Options) {
		o.Clients = []emulator.Client{{ID: "other.apps.googleusercontent.com", Secret: "GOCSPX-other"}}
	})
	elsewhere := newWorld(t)
	elsewhere.store = w.store
	other := w.secrets()
	other.ClientID, other.ClientSecret = "other.apps.googleusercontent.com", "GOCSPX-other"
	otherClient, err := oidc.NewClient(other, oidc.ProviderOptions{InsecureLoopback: true, Now: w.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	key := func(name string) func(*core.SessionOptions) { return func(o *core.SessionOptions) { o.Key = name } }
	sessions := map[string]*core.Session{
		"ada":   w.session(key("ada")),
		"grace": w.session(key("grace"), func(o *core.SessionOptions) { o.Flow = w.flow(grace) }),
		"other": w.session(key("other"), func(o *core.SessionOptions) { o.Client = otherClient }),
		"away":  elsewhere.session(key("away")),
	}
	type owner struct{ email, issuer, client string }
	owners := map[string]owner{
		"ada":   {ada, w.emu.Issuer(), w.secrets().ClientID},
		"grace": {grace, w.emu.Issuer(), w.secrets().ClientID},
		"other": {ada, w.emu.Issuer(), other.ClientID},
		"away":  {ada, elsewhere.emu.Issuer(), elsewhere.secrets().ClientID},
	}
	for _, s := range sessions {
		w.signIn(s)
	}
	check := func() {
		t.Helper()
		for name, s := range sessions {
			tok := w.token(s)
			if got := (owner{tok.Email, tok.Issuer, tok.Audience}); got != owners[name] {
				t.Errorf("%s got a token of %+v", name, got)
			}
		}
	}
	check()
	for range 3 {
		w.clock.advance(late)
		elsewhere.clock.advance(late)
		check()
	}
	// A session of one client or issuer does not take another's record.
	for _, tt := range []struct {
		w   *world
		key string
	}{{w, "other"}, {w, "away"}, {elsewhere, "ada"}} {
		_, err := tt.w.session(key(tt.key)).IDToken(w.ctx)
		wantCause(t, err, core.CauseOtherClient)
	}
	if err := sessions["ada"].SignOut(w.ctx); err != nil {
		t.Fatal(err)
	}
	delete(sessions, "ada")
	check()
}

// A session is an oauth2.TokenSource for the libraries that want one, and has
// the access token for the provider's own APIs.
func TestTokenSource(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	tok := w.token(s)
	got, err := s.TokenSource(w.ctx).Token()
	if err != nil || got.AccessToken != tok.Value.Reveal() || !got.Expiry.Equal(tok.Expiry) || got.Type() != "Bearer" {
		t.Errorf("error %v, or another token", err)
	}
	access, err := s.AccessToken(w.ctx)
	if err != nil || access.Reveal() != w.store.field(t, "access_token") || access == "" {
		t.Errorf("error %v, or another access token", err)
	}
	got, err = s.AccessTokenSource(w.ctx).Token()
	if err != nil || got.AccessToken != access.Reveal() || got.Type() != "Bearer" {
		t.Errorf("AccessTokenSource: error %v, or another token", err)
	}
	if err := s.Forget(w.ctx); err != nil {
		t.Fatal(err)
	}
	_, err = s.TokenSource(w.ctx).Token()
	wantCause(t, err, core.CauseSignedOut)
}

// A provider that gave no access token, or one that cannot be a token (RFC 6749
// section A.12), leaves no empty or crooked one to be sent.
func TestNoAccessToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.emu.SetTokenAnswer(func(_ string, a map[string]any) { delete(a, "access_token") })
	s := w.signedIn()
	w.token(s)
	if access, err := s.AccessToken(w.ctx); err == nil {
		t.Errorf("access token of %d bytes", len(access.Reveal()))
	}
	for _, name := range []string{"access_token", "refresh_token"} {
		w.emu.SetTokenAnswer(func(_ string, a map[string]any) { a[name] = "x\nurl = https://elsewhere.example" })
		_, err := s.SignIn(w.ctx, nobody)
		wantProvider(t, err)
	}
}

// An access token may expire before the ID token that came with it: then both are
// renewed. There is a source of either kind.
func TestAccessTokenExpiresByItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.emu.SetTokenAnswer(func(_ string, answer map[string]any) { answer["expires_in"] = 300 })
	s := w.signedIn()
	first, err := s.AccessToken(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.clock.advance(4 * time.Minute)
	if again, err := s.AccessToken(w.ctx); err != nil || again != first {
		t.Errorf("another token while the first is valid, or %v", err)
	}
	w.clock.advance(time.Minute)
	second, err := s.AccessTokenSource(w.ctx).Token()
	if err != nil || core.Secret(second.AccessToken) == first || second.Expiry.Before(w.clock.Now().Add(4*time.Minute)) {
		t.Errorf("the token is old, or %v", err)
	}
	w.wantRefreshes(1)
	id, err := s.TokenSource(w.ctx).Token()
	if err != nil || id.AccessToken != w.token(s).Value.Reveal() {
		t.Errorf("the source of ID tokens gives something else, or %v", err)
	}
	// What Python tokentoss wrote does not say when.
	w.store.edit(t, func(d map[string]any) { delete(d, "access_token_expiry") })
	if _, err := w.session().AccessToken(w.ctx); err != nil {
		t.Error(err)
	}
	w.wantRefreshes(1)
}
