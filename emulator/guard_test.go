package emulator_test

import (
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
)

func TestGuardOAuth2Proxy(t *testing.T) {
	t.Parallel()
	const eve = "eve@example.com"
	e := start(t, emulator.Options{Guard: emulator.GuardOAuth2Proxy, AllowedEmails: []string{user},
		Accounts: []emulator.Account{{Email: user}, {Email: eve}}})
	good, refused := signIn(t, e, user).str("id_token"), signIn(t, e, eve).str("id_token")
	if a := iapGet(t, e, "/whoami", "Authorization", "Bearer "+good); a.status != 200 || a.str("email") != user {
		t.Errorf("a good token: %d %s", a.status, a.body)
	}
	for _, headers := range [][]string{{}, {"Authorization", "Bearer wrong"}, {"X-Requested-With", "XMLHttpRequest", "Accept", "*/*"}} {
		a := iapGet(t, e, "/whoami", headers...)
		if a.status != 302 || !strings.HasPrefix(a.header.Get("Location"), e.GoogleURL()) {
			t.Errorf("%v: %d to %q, want 302 to the provider", headers, a.status, a.header.Get("Location"))
		}
		noMarker(t, a)
	}
	a := iapGet(t, e, "/whoami", "Authorization", "Bearer wrong", "Accept", "application/json")
	if noMarker(t, a); a.status != 401 {
		t.Errorf("a request for JSON: %d, want 401", a.status)
	}
	a = iapGet(t, e, "/whoami", "Authorization", "Bearer "+refused)
	if noMarker(t, a); a.status != 403 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		t.Errorf("an account that is not allowed: %d", a.status)
	}
	if a := iapGet(t, e, "/echo?gcp-iap-mode=IDENTITY", "Authorization", "Bearer "+good); a.json["path"] != "/echo" {
		t.Errorf("it knows IAP's parameters: %s", a.body)
	}
}

// A browser that follows the redirects ends on the page that it wanted.
func TestGuardOAuth2ProxySignsABrowserIn(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{Guard: emulator.GuardOAuth2Proxy, AutoConsent: user})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := b.Do(newRequest(t, "GET", e.IAPURL()+"/whoami", ""))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path != "/whoami" {
		t.Errorf("%d at %s", resp.StatusCode, resp.Request.URL.Path)
	}
}

func TestGuardModOAuth2(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{Guard: emulator.GuardModOAuth2})
	good := signIn(t, e, user).str("id_token")
	if a := iapGet(t, e, "/protected", "Authorization", "Bearer "+good); a.status != 200 || !strings.Contains(a.body, user) {
		t.Errorf("a good token: %d %s", a.status, a.body)
	}
	for _, tt := range []struct {
		allowed []string
		token   string
		status  int
		problem string
	}{{nil, "", 401, ""}, {nil, "wrong", 401, "invalid_token"}, {[]string{}, good, 403, "insufficient_scope"}} {
		e.SetAllowedEmails(tt.allowed)
		headers := []string{"Accept", "text/html"}
		if tt.token != "" {
			headers = append(headers, "Authorization", "Bearer "+tt.token)
		}
		a := iapGet(t, e, "/protected", headers...)
		challenge := a.header.Get("WWW-Authenticate")
		if a.status != tt.status || !strings.HasPrefix(challenge, "Bearer ") || strings.Contains(challenge, "error=") != (tt.problem != "") ||
			!strings.Contains(challenge, tt.problem) {
			t.Errorf("token %.5q: %d %q, want %d %q", tt.token, a.status, challenge, tt.status, tt.problem)
		}
		noMarker(t, a)
	}
	if _, err := emulator.Start(t.Context(), emulator.Options{Guard: "nginx"}); err == nil {
		t.Error("a guard that is not known")
	}
}

func noMarker(t *testing.T, a answer) {
	t.Helper()
	if _, ok := a.header["X-Goog-Iap-Generated-Response"]; ok {
		t.Error("the answer has IAP's marker")
	}
}
