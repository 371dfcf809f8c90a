package core_test

import (
	"errors"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// A revoked refresh token is tried once. All later calls, also other
// processes', fail at once and without a request, until somebody signs in.
func TestRevoked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, other := w.signedIn(), w.session()
	w.token(other)
	w.emu.RevokeAll()
	w.clock.advance(late)
	for range 50 {
		_, err := s.IDToken(w.ctx)
		wantCause(t, err, core.CauseRevoked)
	}
	w.clock.advance(24 * time.Hour)
	for _, p := range []*core.Session{s, other, w.session()} {
		_, err := p.IDToken(w.ctx)
		wantCause(t, err, core.CauseRevoked)
		_, err = p.Renew(w.ctx, core.IDToken{})
		wantCause(t, err, core.CauseRevoked)
		st, err := p.Status(w.ctx)
		if err != nil || st.State != core.NeedsSignIn || st.Reason == "" || st.Email != ada {
			t.Errorf("status %+v, %v", st, err)
		}
	}
	w.wantRefreshes(1)
	if w.store.field(t, "refresh_token") == "" {
		t.Error("the session was deleted")
	}
	w.signIn(other)
	for _, p := range []*core.Session{s, other, w.session()} {
		w.token(p)
		if st, err := p.Status(w.ctx); err != nil || st.State != core.SignedIn || st.Reason != "" {
			t.Errorf("status %+v, %v", st, err)
		}
	}
	w.wantRefreshes(1)
}

// While the token is still valid it goes on being used, and the revocation
// is found out with one request.
func TestRevokedWhileValid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	w.emu.RevokeAll()
	w.clock.advance(soon)
	w.token(s)
	eventually(t, "the refresh fails", func() bool { return w.log.count("refresh failed") == 1 })
	for range 100 {
		w.clock.advance(time.Second)
		w.token(s)
	}
	w.clock.advance(5 * time.Minute)
	_, err := s.IDToken(w.ctx)
	wantCause(t, err, core.CauseRevoked)
	w.wantRefreshes(1)
}

// An organisation that wants a fresh sign-in has a cause of its own, and
// is not asked again.
func TestReauth(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for _, subtype := range []string{"invalid_rapt", "rapt_required"} {
		t.Run(subtype, func(t *testing.T) {
			w := shared.fork(t)
			s := w.signedIn()
			w.emu.RequireReauth(subtype)
			w.clock.advance(late)
			for range 20 {
				_, err := s.IDToken(w.ctx)
				wantCause(t, err, core.CauseReauth)
				if pe := wantProvider(t, err); pe.Subtype != subtype {
					t.Errorf("subtype %q", pe.Subtype)
				}
			}
			_, err := w.session().IDToken(w.ctx)
			wantCause(t, err, core.CauseReauth)
			w.wantRefreshes(1)
			w.signIn(s)
			w.token(s)
		})
	}
}

// An error of configuration, such as invalid_client, ends no session: it can be
// mended without a new sign-in.
func TestConfigurationErrorKeepsTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signedIn()
	wrong := w.secrets()
	wrong.ClientSecret = "GOCSPX-wrong"
	c, err := oidc.NewClient(wrong, oidc.ProviderOptions{InsecureLoopback: true, Now: w.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	s := w.session(func(o *core.SessionOptions) { o.Client = c })
	w.clock.advance(late)
	_, err = s.IDToken(w.ctx)
	if pe := wantProvider(t, err); pe.Code != "invalid_client" || pe.Temporary() || errors.Is(err, core.ErrSignInNeeded) {
		t.Errorf("error %v", err)
	}
	w.clock.advance(time.Minute)
	w.token(w.session()) // with the right secret
}
