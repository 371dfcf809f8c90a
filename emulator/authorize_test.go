package emulator_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
)

// with sets a request's parameters, name by name; an empty value takes one away.
func with(pairs ...string) func(url.Values) {
	return func(q url.Values) {
		for i := 0; i < len(pairs); i += 2 {
			if q.Set(pairs[i], pairs[i+1]); pairs[i+1] == "" {
				q.Del(pairs[i])
			}
		}
	}
}

type authorizeTest struct {
	name, code string // no code: accepted
	change     func(url.Values)
}

func authorizeTests() []authorizeTest {
	return []authorizeTest{
		{"as it should be", "", with()},
		{"IPv6 loopback", "", with("redirect_uri", "http://[::1]:1/x")},
		{"localhost", "", with("redirect_uri", "http://localhost:1/a/b?c=d")},
		{"no port", "", with("redirect_uri", "http://localhost")},
		{"web client's own URI", "", with("client_id", "web", "redirect_uri", "https://app.example/cb")},
		{"long scope names", "", with("scope", "openid https://www.googleapis.com/auth/userinfo.email")},
		{"no client", "invalid_request", with("client_id", "")},
		{"unknown client", "invalid_client", with("client_id", "nobody")},
		{"device client", "invalid_client", with("client_id", "tv")},
		{"no redirect_uri", "invalid_request", with("redirect_uri", "")},
		{"https loopback", "redirect_uri_mismatch", with("redirect_uri", "https://127.0.0.1:1/")},
		{"another host", "redirect_uri_mismatch", with("redirect_uri", "http://192.0.2.1:1/")},
		{"other loopback", "redirect_uri_mismatch", with("redirect_uri", "http://127.0.0.2:1/")},
		{"lookalike host", "redirect_uri_mismatch", with("redirect_uri", "http://127.0.0.1.evil.example:1/")},
		{"userinfo", "redirect_uri_mismatch", with("redirect_uri", "http://127.0.0.1@evil.example/")},
		{"userinfo before loopback", "redirect_uri_mismatch", with("redirect_uri", "http://x@127.0.0.1:1/")},
		{"fragment", "redirect_uri_mismatch", with("redirect_uri", "http://127.0.0.1:1/#f")},
		{"out of band", "redirect_uri_mismatch", with("redirect_uri", "urn:ietf:wg:oauth:2.0:oob")},
		{"no scheme", "redirect_uri_mismatch", with("redirect_uri", "127.0.0.1:1")},
		{"web client with loopback", "redirect_uri_mismatch", with("client_id", "web")},
		{"web client, longer path", "redirect_uri_mismatch", with("client_id", "web", "redirect_uri", "https://app.example/cb/")},
		{"implicit flow", "unsupported_response_type", with("response_type", "token")},
		{"no response_type", "unsupported_response_type", with("response_type", "")},
		{"no PKCE", "invalid_request", with("code_challenge", "", "code_challenge_method", "")},
		{"plain PKCE", "invalid_request", with("code_challenge_method", "plain")},
		{"method missing means plain", "invalid_request", with("code_challenge_method", "")},
		{"challenge is not a hash", "invalid_request", with("code_challenge", "short")},
		{"scope without openid", "invalid_scope", with("scope", "email")},
		{"no scope", "invalid_scope", with("scope", "")},
		{"unknown prompt", "invalid_request", with("prompt", "please")},
		{"prompt none with another", "invalid_request", with("prompt", "none consent")},
		{"a parameter twice", "invalid_request", func(q url.Values) { q.Add("state", "again") }},
	}
}

// A request that Google blocks is an error page with status 400 and never a redirect (RFC 6749 section 4.1.2.1).
func TestAuthorizeErrorPages(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{
		AutoConsent: user, // so that an accepted request would redirect at once
		Clients: []emulator.Client{
			{ID: "web", Secret: "s", Type: emulator.Web, RedirectURIs: []string{"https://app.example/cb"}},
			{ID: "tv", Secret: "s", Type: emulator.LimitedInput},
		},
	})
	for _, tt := range authorizeTests() {
		t.Run(tt.name, func(t *testing.T) {
			q := authQuery(e)
			tt.change(q)
			a := call(t, "GET", authURL(e, q), "")
			if tt.code == "" {
				if a.status != 302 || !strings.HasPrefix(a.header.Get("Location"), q.Get("redirect_uri")) {
					t.Fatalf("got %d to %q", a.status, a.header.Get("Location"))
				}
				return
			}
			shown := strings.Contains(a.body, `<span id="code">`+tt.code+`</span>`)
			if a.status != 400 || a.header.Get("Location") != "" || !shown {
				t.Errorf("got %d, Location %q, want an error page with %s\n%s", a.status, a.header.Get("Location"), tt.code, a.body)
			}
			if _, err := e.Authorize(t.Context(), authURL(e, q), user); err == nil || !strings.Contains(err.Error(), tt.code) {
				t.Errorf("Authorize: %v, want %s", err, tt.code)
			}
		})
	}
}

func TestAuthorizeCallback(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{
		Accounts: []emulator.Account{{Email: user}, {Email: "ada@corp.example", HostedDomain: "corp.example"}},
	})
	q := authQuery(e)
	q.Set("state", "a b&c=d")
	q.Set("redirect_uri", redirectURI+"?keep=1")
	got := newCode(t, e, q, "ada@corp.example")
	for name, want := range map[string]string{ // the extra parameters of Google's redirect
		"state": "a b&c=d", "keep": "1", "authuser": "0", "hd": "corp.example", "prompt": "none",
		"scope": "openid email https://www.googleapis.com/auth/userinfo.email",
	} {
		if got.Get(name) != want {
			t.Errorf("%s = %q, want %q", name, got.Get(name), want)
		}
	}
	if got.Has("iss") || !strings.HasPrefix(got.Get("code"), "4/") {
		t.Errorf("callback %v", got)
	}
	if got := newCode(t, e, authQuery(e), user); got.Has("hd") {
		t.Error("a consumer account has an hd")
	}
}

func TestDeny(t *testing.T) {
	t.Parallel()
	for _, auto := range []string{"", user} {
		e := start(t, emulator.Options{AutoConsent: auto})
		to, err := e.Deny(t.Context(), authURL(e, authQuery(e)))
		if err != nil {
			t.Fatal(err)
		}
		if want := redirectURI + "?error=access_denied&state=the-state"; to != want {
			t.Errorf("redirect %q, want %q", to, want)
		}
	}
}

func TestAutoConsentHonoursLoginHint(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{Accounts: []emulator.Account{{Email: "ada@example.com"}}, AutoConsent: user})
	for hint, want := range map[string]string{"": user, "ADA@example.com": "ada@example.com", "nobody@example.com": user} {
		q := authQuery(e)
		q.Set("login_hint", hint)
		a := call(t, "GET", authURL(e, q), "")
		to, err := url.Parse(a.header.Get("Location"))
		if a.status != 302 || err != nil {
			t.Fatalf("got %d, %v", a.status, err)
		}
		tokens := post(t, e.GoogleURL()+"/token", codeForm(e, to.Query().Get("code")))
		if got := claimsOf(t, tokens.str("id_token"))["email"]; got != want {
			t.Errorf("hint %q: signed in as %v, want %s", hint, got, want)
		}
	}
	e.SetAutoConsent("")
	if a := call(t, "GET", authURL(e, authQuery(e)), ""); a.status != 200 {
		t.Errorf("without AutoConsent: %d, want the page", a.status)
	}
	q := authQuery(e)
	q.Set("prompt", "none")
	if a := call(t, "GET", authURL(e, q), ""); !strings.Contains(a.header.Get("Location"), "error=interaction_required") {
		t.Errorf("prompt=none: %d to %q", a.status, a.header.Get("Location"))
	}
}

// The consent page loads nothing from elsewhere, cuts its opener off as Google's does, and escapes what it shows.
func TestConsentPage(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{
		Accounts: []emulator.Account{{Email: user, Name: `<script>alert(1)</script>`}, {Email: "ada@example.com"}},
	})
	q := authQuery(e)
	q.Set("login_hint", "ada@example.com")
	a := call(t, "GET", authURL(e, q), "")
	csp := a.header.Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'",
		"form-action 'self' http://127.0.0.1:4711", "style-src 'nonce-"} {
		if !strings.Contains(csp, want) {
			t.Errorf("CSP %q has no %q", csp, want)
		}
	}
	for name, want := range map[string]string{"Cross-Origin-Opener-Policy": "same-origin", "X-Frame-Options": "DENY",
		"X-Content-Type-Options": "nosniff", "Content-Type": "text/html; charset=utf-8"} {
		if a.header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, a.header.Get(name), want)
		}
	}
	if !strings.Contains(a.header.Get("Cache-Control"), "no-store") {
		t.Error("the page may be stored")
	}
	if strings.Contains(a.body, "<script") || strings.Contains(a.body, "src=") || strings.Contains(a.body, "href=") {
		t.Error("the page has a script or a link")
	}
	if strings.Index(a.body, "ada@example.com") > strings.Index(a.body, user) {
		t.Error("the hinted account is not the first")
	}
	q.Set("redirect_uri", "http://[::1]:1/")
	csp = call(t, "GET", authURL(e, q), "").header.Get("Content-Security-Policy")
	if !strings.HasSuffix(csp, "form-action 'self' http:") {
		t.Errorf("CSP for an IPv6 redirect: %q", csp)
	}
}

// A consent page is answered once, and only by the browser that has its cookie.
func TestConsentFormIsBound(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	a := call(t, "GET", authURL(e, authQuery(e)), "")
	_, rest, _ := strings.Cut(a.body, `name="page" value="`)
	page, _, _ := strings.Cut(rest, `"`)
	cookie, _, _ := strings.Cut(a.header.Get("Set-Cookie"), ";")
	form := url.Values{"page": {page}, "account": {user}}.Encode()
	answer := func(cookie string) int {
		return call(t, "POST", e.GoogleURL()+"/signin/consent", form, "Content-Type", formType, "Cookie", cookie).status
	}
	for _, tt := range []struct {
		what, cookie string
		status       int
	}{{"no cookie", "", 400}, {"wrong cookie", cookie + "x", 400}, {"right", cookie, 303}, {"again", cookie, 400}} {
		if got := answer(tt.cookie); got != tt.status {
			t.Errorf("%s: %d, want %d", tt.what, got, tt.status)
		}
	}
}
