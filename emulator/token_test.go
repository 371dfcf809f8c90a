package emulator_test

import (
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

const formType = "application/x-www-form-urlencoded"

// What the token endpoint refuses of a code exchange (RFC 6749 section 5.2, RFC 7636 section 4.6).
func TestTokenRefusesCode(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{Clients: []emulator.Client{{ID: "other", Secret: "s"}}})
	tests := []struct {
		name   string
		status int
		code   string
		change func(url.Values)
	}{
		{"wrong verifier", 400, "invalid_grant", with("code_verifier", strings.Repeat("x", 43))},
		{"verifier too short", 400, "invalid_grant", with("code_verifier", "short")},
		{"no verifier", 400, "invalid_grant", with("code_verifier", "")},
		{"another port", 400, "redirect_uri_mismatch", with("redirect_uri", "http://127.0.0.1:4712/callback")},
		{"a slash more", 400, "redirect_uri_mismatch", with("redirect_uri", redirectURI+"/")},
		{"no redirect_uri", 400, "redirect_uri_mismatch", with("redirect_uri", "")},
		{"another client", 400, "invalid_grant", with("client_id", "other", "client_secret", "s")},
		{"unknown client", 401, "invalid_client", with("client_id", "nobody")},
		{"no client", 400, "invalid_request", with("client_id", "")},
		{"wrong secret", 401, "invalid_client", with("client_secret", "guess")},
		{"unknown code", 400, "invalid_grant", with("code", "4/0Aguess")},
		{"no code", 400, "invalid_request", with("code", "")},
		{"no grant type", 400, "invalid_request", with("grant_type", "")},
		{"unknown grant type", 400, "unsupported_grant_type", with("grant_type", "password")},
		{"a parameter twice", 400, "invalid_request", func(f url.Values) { f.Add("code", "again") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			form := codeForm(e, newCode(t, e, authQuery(e), user).Get("code"))
			tt.change(form)
			a := post(t, e.GoogleURL()+"/token", form)
			wantError(t, a, tt.status, tt.code)
			if !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
				t.Error("the answer may be stored")
			}
		})
	}
	form := codeForm(e, "4/0A")
	form.Del("client_secret") // desktop clients need theirs
	a := post(t, e.GoogleURL()+"/token", form)
	if wantError(t, a, 400, "invalid_request"); a.str("error_description") != "client_secret is missing." {
		t.Errorf("description %q", a.str("error_description"))
	}
}

func TestTokenRequestForm(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	token := e.GoogleURL() + "/token"
	body := refreshForm(e, "1//x").Encode()
	if a := call(t, "GET", token+"?"+body, ""); a.status != 405 || a.header.Get("Allow") != "POST" {
		t.Errorf("GET: %d, Allow %q", a.status, a.header.Get("Allow"))
	}
	wantError(t, call(t, "POST", token+"?"+body, "", "Content-Type", formType), 400, "invalid_request")
	wantError(t, call(t, "POST", token, body, "Content-Type", "text/plain"), 400, "invalid_request")
	wantError(t, call(t, "POST", token, "a=%zz", "Content-Type", formType), 400, "invalid_request")
	if a := call(t, "POST", token, "a="+strings.Repeat("x", 70_000), "Content-Type", formType); a.status != 413 {
		t.Errorf("large body: %d, want 413", a.status)
	}
	// A name that an attacker's DNS points here.
	req := newRequest(t, "POST", token, body)
	req.Host = "evil.example:80"
	if a := send(t, req); a.status != 421 {
		t.Errorf("foreign Host: %d, want 421", a.status)
	}
}

func TestBasicClientAuthentication(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{ClientID: "an id", ClientSecret: "a&secret"})
	exchange := func(drop bool) answer {
		form := codeForm(e, newCode(t, e, authQuery(e), user).Get("code"))
		if drop {
			form.Del("client_secret")
		}
		req := newRequest(t, "POST", e.GoogleURL()+"/token", form.Encode())
		req.Header.Set("Content-Type", formType)
		req.SetBasicAuth(url.QueryEscape("an id"), url.QueryEscape("a&secret"))
		return send(t, req)
	}
	if a := exchange(true); a.status != 200 {
		t.Errorf("Basic: %d %s", a.status, a.body)
	}
	wantError(t, exchange(false), 400, "invalid_request") // both ways at once
}

// A code works once; a second use ends what the first one gave (RFC 6749 section 4.1.2).
func TestCodeWorksOnce(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	form := codeForm(e, newCode(t, e, authQuery(e), user).Get("code"))
	first := post(t, e.GoogleURL()+"/token", form)
	if a := refresh(t, e, first.str("refresh_token")); a.status != 200 {
		t.Fatalf("refresh before the reuse: %d", a.status)
	}
	wantError(t, post(t, e.GoogleURL()+"/token", form), 400, "invalid_grant")
	wantError(t, refresh(t, e, first.str("refresh_token")), 400, "invalid_grant")
	if a := userInfo(t, e, first.str("access_token")); a.status != 401 {
		t.Errorf("access token after the reuse: %d", a.status)
	}
}

func TestCodeExpires(t *testing.T) {
	t.Parallel()
	clock := newClock()
	e := start(t, emulator.Options{Now: clock.Now})
	early, late := newCode(t, e, authQuery(e), user).Get("code"), newCode(t, e, authQuery(e), user).Get("code")
	clock.Advance(10*time.Minute - time.Second)
	if a := post(t, e.GoogleURL()+"/token", codeForm(e, early)); a.status != 200 {
		t.Errorf("after 9:59: %d", a.status)
	}
	clock.Advance(time.Second)
	wantError(t, post(t, e.GoogleURL()+"/token", codeForm(e, late)), 400, "invalid_grant")
}

// A refresh brings a new ID token of the same person, and no refresh token.
func TestRefresh(t *testing.T) {
	t.Parallel()
	clock := newClock()
	e := start(t, emulator.Options{Now: clock.Now})
	first := signIn(t, e, user)
	seen := map[string]bool{first.str("id_token"): true, first.str("access_token"): true}
	for range 3 { // within one second of the clock
		a := refresh(t, e, first.str("refresh_token"))
		if a.status != 200 || a.json["refresh_token"] != nil {
			t.Fatalf("%d, refresh_token %v", a.status, a.json["refresh_token"])
		}
		if seen[a.str("id_token")] || seen[a.str("access_token")] {
			t.Error("a token came twice")
		}
		seen[a.str("id_token")], seen[a.str("access_token")] = true, true
		was, is := claimsOf(t, first.str("id_token")), claimsOf(t, a.str("id_token"))
		for _, name := range []string{"iss", "sub", "aud", "azp", "email"} {
			if was[name] != is[name] {
				t.Errorf("%s changed from %v to %v", name, was[name], is[name])
			}
		}
		if _, ok := is["nonce"]; ok {
			t.Error("a refreshed token has a nonce")
		}
	}
	clock.Advance(time.Minute)
	a := refresh(t, e, first.str("refresh_token"))
	if was, is := claimsOf(t, first.str("id_token"))["iat"].(float64), claimsOf(t, a.str("id_token"))["iat"].(float64); is-was != 60 {
		t.Errorf("iat moved by %v s, want 60", is-was)
	}
	if got := e.TokenCalls("refresh_token"); got != 4 || e.TokenCalls("authorization_code") != 1 || e.Calls(emulator.Token) != 5 {
		t.Errorf("counted %d refreshes of %d token calls", got, e.Calls(emulator.Token))
	}
}

func TestRefreshRefusals(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{Clients: []emulator.Client{{ID: "other", Secret: "s"}}})
	token := signIn(t, e, user).str("refresh_token")
	wantError(t, refresh(t, e, "1//0guess"), 400, "invalid_grant")
	wantError(t, refresh(t, e, ""), 400, "invalid_request")
	form := refreshForm(e, token)
	form.Set("scope", "openid profile")
	wantError(t, post(t, e.GoogleURL()+"/token", form), 400, "invalid_scope")
	form = refreshForm(e, token)
	form.Set("client_id", "other")
	form.Set("client_secret", "s")
	wantError(t, post(t, e.GoogleURL()+"/token", form), 401, "unauthorized_client")
	if a := refresh(t, e, token); a.status != 200 {
		t.Errorf("the token is dead after refusals: %d", a.status)
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	for _, revokeOnReuse := range []bool{false, true} {
		e := start(t, emulator.Options{RotateRefreshTokens: true, RevokeOnReuse: revokeOnReuse})
		old := signIn(t, e, user).str("refresh_token")
		next := refresh(t, e, old).str("refresh_token")
		if next == "" || next == old {
			t.Fatalf("rotated to %q", next)
		}
		wantError(t, refresh(t, e, old), 400, "invalid_grant")
		if a := refresh(t, e, next); (a.status == 200) == revokeOnReuse {
			t.Errorf("RevokeOnReuse %v: the new token answered %d after the old one's reuse", revokeOnReuse, a.status)
		}
	}
	// Two refreshes at once with one token: one wins.
	e := start(t, emulator.Options{})
	e.SetRotateRefreshTokens(true)
	old := signIn(t, e, user).str("refresh_token")
	var good atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if refresh(t, e, old).status == 200 {
				good.Add(1)
			}
		})
	}
	wg.Wait()
	if good.Load() != 1 {
		t.Errorf("%d refreshes won, want 1", good.Load())
	}
}

// Revoking either kind of token ends all that the account gave to the client; Google answers 400 for a token that it does not know.
func TestRevoke(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	revoke := e.GoogleURL() + "/revoke"
	for _, kind := range []string{"refresh_token", "access_token"} {
		tokens, other := signIn(t, e, user), signIn(t, e, user)
		if a := post(t, revoke, url.Values{"token": {tokens.str(kind)}}); a.status != 200 {
			t.Errorf("revoke %s: %d %s", kind, a.status, a.body)
		}
		wantError(t, refresh(t, e, tokens.str("refresh_token")), 400, "invalid_grant")
		if a := userInfo(t, e, tokens.str("access_token")); a.status != 401 {
			t.Errorf("access token after revoking the %s: %d", kind, a.status)
		}
		wantError(t, refresh(t, e, other.str("refresh_token")), 400, "invalid_grant")
		wantError(t, post(t, revoke, url.Values{"token": {tokens.str(kind)}}), 400, "invalid_token")
	}
	wantError(t, post(t, revoke, url.Values{"token": {"guess"}}), 400, "invalid_token")
	wantError(t, post(t, revoke, url.Values{}), 400, "invalid_request")
	if a := call(t, "GET", revoke+"?token=x", ""); a.status != 405 {
		t.Errorf("GET: %d, want 405", a.status)
	}
}

func TestRevokeAllAndReauth(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	old := signIn(t, e, user)
	e.RequireReauth("invalid_rapt")
	a := refresh(t, e, old.str("refresh_token"))
	wantError(t, a, 400, "invalid_grant")
	if a.str("error_subtype") != "invalid_rapt" || a.str("error_description") != "reauth related error (invalid_rapt)" {
		t.Errorf("reauth answer %s", a.body)
	}
	fresh := signIn(t, e, user)
	if a := refresh(t, e, fresh.str("refresh_token")); a.status != 200 {
		t.Errorf("after a new sign-in: %d", a.status)
	}
	e.RequireReauth("")
	if a := refresh(t, e, old.str("refresh_token")); a.status != 200 {
		t.Errorf("after lifting it: %d", a.status)
	}
	e.RevokeAll()
	a = refresh(t, e, fresh.str("refresh_token"))
	wantError(t, a, 400, "invalid_grant")
	if a.json["error_subtype"] != nil {
		t.Error("a revoked token has an error_subtype")
	}
	if a := userInfo(t, e, fresh.str("access_token")); a.status != 401 {
		t.Errorf("access token after RevokeAll: %d", a.status)
	}
	if a := refresh(t, e, signIn(t, e, user).str("refresh_token")); a.status != 200 {
		t.Errorf("sign-in after RevokeAll: %d", a.status)
	}
}

// Of more than 100 refresh tokens per account and client, the oldest stops working.
func TestHundredRefreshTokens(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{AutoConsent: user, Accounts: []emulator.Account{{Email: "ada@example.com"}}})
	ada, oldest := signIn(t, e, "ada@example.com"), signIn(t, e, user)
	second := signIn(t, e, user)
	for range 99 {
		signIn(t, e, user)
	}
	wantError(t, refresh(t, e, oldest.str("refresh_token")), 400, "invalid_grant")
	for _, alive := range []answer{second, ada} {
		if a := refresh(t, e, alive.str("refresh_token")); a.status != 200 {
			t.Errorf("a token within the limit died: %d", a.status)
		}
	}
}

// A web client gets a refresh token only when it asks with access_type=offline.
func TestWebClientOfflineAccess(t *testing.T) {
	t.Parallel()
	web := emulator.Client{ID: "web", Secret: "s", Type: emulator.Web, RedirectURIs: []string{redirectURI}}
	e := start(t, emulator.Options{Clients: []emulator.Client{web}})
	for access, want := range map[string]bool{"online": false, "offline": true} {
		q := authQuery(e)
		q.Set("client_id", "web")
		q.Set("access_type", access)
		form := codeForm(e, newCode(t, e, q, user).Get("code"))
		form.Set("client_id", "web")
		form.Set("client_secret", "s")
		if a := post(t, e.GoogleURL()+"/token", form); a.status != 200 || (a.str("refresh_token") != "") != want {
			t.Errorf("%s: %d %s", access, a.status, a.body)
		}
	}
}

func TestSetTokenAnswer(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	token := signIn(t, e, user).str("refresh_token")
	e.SetTokenAnswer(func(grant string, answer map[string]any) {
		if grant == "refresh_token" {
			delete(answer, "id_token")
			answer["expires_in"] = "soon"
		}
	})
	if a := refresh(t, e, token); a.status != 200 || a.json["id_token"] != nil || a.json["expires_in"] != "soon" {
		t.Errorf("changed answer %s", a.body)
	}
	if a := signIn(t, e, user); a.str("id_token") == "" {
		t.Error("the other grant was changed too")
	}
	e.SetTokenAnswer(nil)
	if a := refresh(t, e, token); a.str("id_token") == "" {
		t.Error("still changed")
	}
}
