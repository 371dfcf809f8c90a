package emulator_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

func iapGet(t *testing.T, e *emulator.Emulator, path string, headers ...string) answer {
	t.Helper()
	return call(t, "GET", e.IAPURL()+path, "", headers...)
}

func marked(a answer) bool { return a.header.Get("X-Goog-IAP-Generated-Response") == "true" }

// Who looks like a browser is sent to sign in, everybody else gets 401; both with the marker.
func TestIAPWithoutCredential(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	tests := []struct {
		method  string
		headers []string
		status  int
	}{
		{"GET", nil, 302}, // no Accept means anything
		{"GET", []string{"Accept", "text/html,*/*;q=0.8"}, 302},
		{"GET", []string{"Accept", "*/*"}, 302},
		{"GET", []string{"Authorization", "Basic dTpw"}, 302}, // the app's, not IAP's
		{"GET", []string{"Accept", "application/json"}, 401},
		{"GET", []string{"Accept", "*/*", "X-Requested-With", "XMLHttpRequest"}, 401},
		{"POST", []string{"Accept", "text/html"}, 401},
		{"HEAD", nil, 401},
		{"PUT", nil, 401},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.method, tt.headers), func(t *testing.T) {
			a := call(t, tt.method, e.IAPURL()+"/health?x=1", "", tt.headers...)
			if a.status != tt.status || !marked(a) {
				t.Fatalf("%d, marked %v; want %d with the marker", a.status, marked(a), tt.status)
			}
			to := a.header.Get("Location")
			if tt.status == 302 {
				if !strings.HasPrefix(to, e.GoogleURL()+"/o/oauth2/v2/auth?") || !strings.Contains(to, "scope=openid+email") {
					t.Errorf("sent to %q", to)
				}
				return
			}
			if to != "" || tt.method != "HEAD" && !strings.HasPrefix(a.body, "Invalid IAP credentials: empty token") {
				t.Errorf("Location %q, body %q", to, a.body)
			}
		})
	}
	if e.Calls(emulator.Upstream) != 0 {
		t.Error("the app was called")
	}
}

// What IAP thinks of an ID token.
func TestIAPToken(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{Clients: []emulator.Client{{ID: "second", Secret: "s"}}})
	session := signIn(t, e, user)
	mint := func(change func(h, c map[string]any)) string {
		e.SetIDTokenClaims(change)
		defer e.SetIDTokenClaims(nil)
		return refresh(t, e, session.str("refresh_token")).str("id_token")
	}
	set := func(name string, v any) func(h, c map[string]any) { return func(_, c map[string]any) { c[name] = v } }
	now := time.Now().Unix()
	good := session.str("id_token")
	tests := []struct {
		name, token, text string
		status            int
	}{
		{"good", good, "", 200},
		{"refreshed", mint(nil), "", 200},
		{"of the second client", mint(set("aud", "second")), "", 200},
		{"good", good, "", 200},
		{"empty", "", "empty token", 401},
		{"not a JWT", "hello", "Invalid bearer token", 401},
		{"access token", session.str("access_token"), "Invalid bearer token\nError code 900", 401},
		{"expired now", mint(set("exp", now-1)), "Expired JWT", 401},
		{"no exp", mint(func(_, c map[string]any) { delete(c, "exp") }), "Expired JWT", 401},
		{"of another client", mint(set("aud", "stranger")), "Invalid JWT audience\nError code 900", 401},
		{"of another issuer", mint(set("iss", "https://accounts.google.com")), "Invalid bearer token", 401},
		{"without e-mail", mint(func(_, c map[string]any) { delete(c, "email") }), "Invalid bearer token", 401},
		{"unknown kid", mint(func(h, _ map[string]any) { h["kid"] = "x" }), "Invalid bearer token", 401},
		{"broken signature", good[:len(good)-8] + "AAAAAAAA", "Invalid bearer token", 401},
		{"of nobody known", mint(set("email", "stranger@example.com")), "You don't have access", 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := iapGet(t, e, "/whoami", "Authorization", "Bearer "+tt.token)
			if a.status != tt.status || marked(a) != (tt.status != 200) {
				t.Fatalf("%d, marked %v, want %d\n%s", a.status, marked(a), tt.status, a.body)
			}
			want := tt.text
			if tt.status == 401 {
				want = "Invalid IAP credentials: " + tt.text + "\n"
			}
			if !strings.HasPrefix(a.body, want) && tt.status != 200 {
				t.Errorf("body %q, want %q", a.body, want)
			}
			if tt.status == 200 && a.str("email") != user {
				t.Errorf("app saw %s", a.body)
			}
		})
	}
}

// An access list that changes while it runs; 403 has the marker and the caller's name.
func TestIAPAccessLists(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{
		Accounts:      []emulator.Account{{Email: user}, {Email: "ada@example.com"}},
		AllowedEmails: []string{"Ada@Example.com"},
	})
	id := signIn(t, e, user).str("id_token")
	get := func() answer { return iapGet(t, e, "/protected", "Authorization", "Bearer "+id) }
	if a := get(); a.status != 403 || !marked(a) || !strings.Contains(a.body, user) || !strings.Contains(a.body, "does not have permission") {
		t.Errorf("not on the list: %d %q", a.status, a.body)
	}
	if a := iapGet(t, e, "/", "Authorization", "Bearer "+signIn(t, e, "ada@example.com").str("id_token")); a.status != 200 {
		t.Errorf("on the list: %d", a.status)
	}
	e.SetAllowedEmails(nil)
	if a := get(); a.status != 200 || marked(a) {
		t.Errorf("without a list: %d", a.status)
	}
	e.SetAllowedEmails([]string{})
	if a := get(); a.status != 403 {
		t.Errorf("empty list: %d", a.status)
	}
	e.SetAllowedEmails(nil)
	e.SetAllowedClients([]string{"stranger"})
	if a := get(); a.status != 401 || !strings.Contains(a.body, "Invalid JWT audience") {
		t.Errorf("client not on the list: %d %q", a.status, a.body)
	}
}

// Proxy-Authorization first; what IAP used is gone, and the app's own Authorization is untouched.
func TestIAPHeaders(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	good := "Bearer " + signIn(t, e, user).str("id_token")
	tests := []struct {
		name, proxy, authorization string
		status                     int
		appSees                    string
	}{
		{"Authorization", "", good, 200, ""},
		{"both good", good, good, 200, good},
		{"proxy good, the app's Bearer", good, "Bearer app", 200, "Bearer app"},
		{"proxy good, the app's Basic", good, "Basic dTpw", 200, "Basic dTpw"},
		{"proxy good alone", good, "", 200, ""},
		{"proxy bad, fall back", "Bearer bad", good, 200, ""},
		{"proxy not Bearer, fall back", "Basic dTpw", good, 200, ""},
		{"both bad", "Bearer bad", "Bearer bad", 401, ""},
		{"proxy bad alone", "Bearer bad", "", 401, ""},
		{"proxy bad, the app's Basic", "Bearer bad", "Basic dTpw", 401, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e.ResetCalls()
			headers := []string{"X-Goog-Authenticated-User-Email", "accounts.google.com:root@example.com",
				"x-goog-iap-jwt-assertion", "forged", "X-GOOG-ANYTHING", "x", "X-Own", "kept"}
			if tt.proxy != "" {
				headers = append(headers, "Proxy-Authorization", tt.proxy)
			}
			if tt.authorization != "" {
				headers = append(headers, "Authorization", tt.authorization)
			}
			if a := iapGet(t, e, "/whoami", headers...); a.status != tt.status {
				t.Fatalf("%d, want %d: %s", a.status, tt.status, a.body)
			}
			seen := e.Requests(emulator.Upstream)
			if tt.status != 200 {
				if len(seen) != 0 {
					t.Error("the app was called")
				}
				return
			}
			h := seen[0].Header
			if h.Get("Authorization") != tt.appSees || h.Get("Proxy-Authorization") != "" {
				t.Errorf("the app sees %d and %d bytes of credentials", len(h.Get("Authorization")), len(h.Get("Proxy-Authorization")))
			}
			if h.Get("X-Goog-Authenticated-User-Email") != "accounts.google.com:"+user || h.Get("X-Goog-Anything") != "" ||
				strings.Contains(h.Get("X-Goog-Iap-Jwt-Assertion"), "forged") || h.Get("X-Own") != "kept" {
				t.Errorf("headers of the app: %v", h)
			}
		})
	}
}

// The app's own 401, 403 and redirects have no marker.
func TestAppAnswersAreUnmarked(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	auth := "Bearer " + signIn(t, e, user).str("id_token")
	for path, status := range map[string]int{
		"/401": 401, "/403": 403, "/redirect?to=http://other.example/": 302, "/nothing": 404, "/health": 200,
	} {
		if a := iapGet(t, e, path, "Authorization", auth); a.status != status || marked(a) {
			t.Errorf("%s: %d, marked %v", path, a.status, marked(a))
		}
	}
	a := call(t, "POST", e.IAPURL()+"/echo?q=1", "hello", "Authorization", auth)
	const helloSum = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
	if a.str("body_sha256") != helloSum || a.json["body_length"] != 5.0 || a.str("method") != "POST" || a.str("query") != "q=1" ||
		!strings.Contains(a.body, "X-Goog-Iap-Jwt-Assertion") || strings.Contains(a.body, "eyJ") {
		t.Errorf("echo %s", a.body)
	}
	a = iapGet(t, e, "/stream?n=3&every=1ms", "Authorization", auth)
	if a.body != "data: 1\n\ndata: 2\n\ndata: 3\n\n" || a.header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("stream %q", a.body)
	}
}

// The identity is told to everybody who is somebody, with or without access.
func TestIAPIdentity(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{AllowedEmails: []string{}})
	auth := "Bearer " + signIn(t, e, user).str("id_token")
	a := iapGet(t, e, "/any/path?gcp-iap-mode=IDENTITY", "Authorization", auth)
	if a.status != 200 || a.str("email") != "accounts.google.com:"+user || a.str("sub") != "accounts.google.com:"+e.Accounts()[0].Sub {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := iapGet(t, e, "/?gcp-iap-mode=IDENTITY", "Accept", "application/json"); a.status != 401 {
		t.Errorf("nobody: %d", a.status)
	}
}

func TestIAPPolicies(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	session := signIn(t, e, user)
	statuses := func(token string, n int) (got []int) {
		for range n {
			a := iapGet(t, e, "/whoami", "Authorization", "Bearer "+token)
			if got = append(got, a.status); marked(a) == (a.status == 200) {
				t.Errorf("%d, marked %v", a.status, marked(a))
			}
		}
		return got
	}
	expect := func(what string, got []int, want ...int) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	first, second := session.str("id_token"), refresh(t, e, session.str("refresh_token")).str("id_token")
	e.SetIAPPolicy(emulator.RefuseAlways)
	expect("always", statuses(first, 3), 401, 401, 401)
	e.SetIAPPolicy(emulator.RefuseAlternate)
	expect("alternate", statuses(first, 4), 401, 200, 401, 200)
	e.SetIAPPolicy(emulator.RefuseRefreshed)
	expect("from the sign-in", statuses(first, 1), 200)
	expect("from a refresh", statuses(second, 1), 401)
	e.SetIAPPolicy(emulator.RefuseIssuedBefore(time.Now().Add(time.Minute)))
	expect("too old", statuses(first, 1), 401)
	e.SetIAPPolicy(emulator.RefuseIssuedBefore(time.Now().Add(-time.Hour)))
	expect("new enough", statuses(first, 1), 200)
	e.SetIAPPolicy(func(r emulator.IAPRequest) emulator.IAPDecision {
		if r.Email != user || r.ClientID != e.Clients()[0].ID || r.Number != 1 || r.Path != "/whoami" || r.Decision.Status != 200 {
			t.Errorf("policy saw %+v", r)
		}
		return emulator.IAPDecision{Status: http.StatusTooManyRequests, Text: "Too many", Code: 429}
	})
	expect("quota", statuses(first, 1), 429)
	e.SetIAPPolicy(func(emulator.IAPRequest) emulator.IAPDecision { return emulator.IAPDecision{Status: 200} })
	expect("nobody cannot be let in", statuses("", 1), 401)
	e.SetIAPPolicy(nil)
	expect("none", statuses(second, 1), 200)
}

// An access token passes where IAP takes them: with the scopes openid and email, of an allowed client, until it ends.
func TestAccessTokens(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{AccessTokens: true})
	token := func(scopes ...string) string {
		t.Helper()
		token, err := e.AccessToken(user, scopes...)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	good := token("openid", "https://www.googleapis.com/auth/userinfo.email")
	want := func(what, token string, status int) {
		t.Helper()
		if a := iapGet(t, e, "/whoami", "Authorization", "Bearer "+token); a.status != status || status == 200 && a.str("email") != user {
			t.Errorf("%s: %d %s", what, a.status, a.body)
		}
	}
	want("both scopes", good, 200)
	want("of a sign-in", signIn(t, e, user).str("access_token"), 200)
	want("no email", token("openid"), 401)
	want("no openid", token("email"), 401)
	want("unknown", "ya29.nonsense", 401)
	e.SetAllowedClients([]string{"another"})
	want("of another client", good, 401)
	e.SetAllowedClients(nil)
	e.RevokeAll()
	want("revoked", good, 401)
	if e := start(t, emulator.Options{}); iapGet(t, e, "/", "Authorization", "Bearer "+good).status != 401 {
		t.Error("an access token passes where IAP takes none")
	}
}

// Reset takes back what was changed, and nothing that was given out.
func TestReset(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	token := signIn(t, e, user).str("id_token")
	e.SetIAPPolicy(emulator.RefuseAlways)
	e.SetFault(emulator.JWKS, &emulator.Fault{Status: 503})
	e.SetClockOffset(30 * 24 * time.Hour)
	e.RemoveAccount(user)
	if err := e.AddAccount(emulator.Account{Email: "eve@example.com"}); err != nil {
		t.Fatal(err)
	}
	e.Reset()
	if a := iapGet(t, e, "/whoami", "Authorization", "Bearer "+token); a.status != 200 {
		t.Errorf("after a reset: %d %s", a.status, a.body)
	}
	if a := call(t, "GET", e.GoogleURL()+"/oauth2/v3/certs", ""); a.status != 200 || e.Calls(emulator.JWKS) != 1 || len(e.Accounts()) != 1 {
		t.Errorf("after a reset: %d, %d calls, accounts %v", a.status, e.Calls(emulator.JWKS), e.Accounts())
	}
}
