package authcode_test

import (
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/emulator"
)

// outside finds what would make a browser load or run something.
var outside = regexp.MustCompile(`(?i)<(script|img|link|iframe|object|embed|form|base|a)\b|https?:|//|url\(|@import|\bon[a-z]+=|javascript:`)

// safePage wants a page's headers to keep others out (RFC 9700 section 4.16), and it to load nothing.
func safePage(t *testing.T, what string, a answer) {
	t.Helper()
	for name, want := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
	} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s: %s is %q", what, name, got)
		}
	}
	csp := a.header.Get("Content-Security-Policy")
	for _, directive := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
		if !strings.Contains(csp, directive) {
			t.Errorf("%s: the policy %q has no %s", what, csp, directive)
		}
	}
	if strings.Contains(csp, "script-src") || strings.Contains(csp, "http") {
		t.Errorf("%s: the policy is %q", what, csp)
	}
	if found := outside.FindString(a.body); found != "" {
		t.Errorf("%s: the page has %q: %s", what, found, a.body)
	}
}

// RFC 9700 sections 4.2 and 4.3: no page loads anything or
// may be kept, and the address with the code is left by a 303, so it is not the
// last one in the browser's history.
func TestPages(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	redirect := s.agree()
	safePage(t, "not found", get(t, s.at("/")))
	safePage(t, "wrong host", get(t, redirect, header("Host", "evil.example")))
	safePage(t, "method", get(t, redirect, method("POST")))
	safePage(t, "no navigation", get(t, redirect, header("Sec-Fetch-Dest", "image")))
	safePage(t, "wrong state", get(t, s.callback("state", "x")))
	safePage(t, "too early", get(t, s.at("/done")))

	release := holdTokens(t, s.google)
	moved := get(t, redirect)
	safePage(t, "redirect", moved)
	if moved.status != http.StatusSeeOther || moved.header.Get("Location") != "/done" {
		t.Errorf("answered %d to %q", moved.status, moved.header.Get("Location"))
	}
	safePage(t, "again", get(t, redirect))
	release()
	last := get(t, s.at("/done"))
	safePage(t, "last", last)
	if last.status != 200 || !strings.Contains(last.body, "You are signed in as "+ada) {
		t.Errorf("answered %d: %s", last.status, last.body)
	}
	s.succeed()
}

// Success is not shown before the code was exchanged and the ID token was
// checked.
func TestSuccessIsShownLast(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	release := holdTokens(t, s.google)
	first := get(t, s.agree())
	if strings.Contains(strings.ToLower(first.body), "signed in") {
		t.Errorf("before the exchange the page says %s", first.body)
	}
	shown := make(chan answer)
	go func() { a, _ := fetch(s.at("/done")); shown <- a }()
	asked(t, s.google)
	select {
	case a := <-shown:
		t.Fatalf("the page came before the tokens: %s", a.body)
	default:
	}
	release()
	if a := <-shown; !strings.Contains(a.body, ada) {
		t.Errorf("the page says %s", a.body)
	}
	s.succeed()
}

// Nothing that comes with a request is ever on a page: not with a wrong
// state, and not with the right one. Unknown errors have one fixed text.
func TestNothingIsReflected(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	const evil = `"><script>alert(1)</script>`
	for _, state := range []string{"", "wrong" + evil, "right"} {
		s := begin(t, e, authcode.Options{})
		if state == "right" {
			state = s.state()
		}
		redirect := s.callback("error", evil, "error_description", evil, "error_uri", "https://evil.example", "state", state, "scope", evil, evil, evil)
		a := get(t, redirect, header("Referer", evil), header("User-Agent", evil), header("Cookie", "a="+evil))
		if strings.Contains(a.body, "script") || strings.Contains(a.body, "alert") {
			t.Errorf("the page reflects: %s", a.body)
		}
		if state != s.state() {
			s.refused(a, 400)
			continue
		}
		last := get(t, s.at("/done?"+evil))
		if last.status != 200 || strings.Contains(last.body, "script") || !strings.Contains(last.body, "Sign-in was denied by the provider.") {
			t.Errorf("answered %d: %s", last.status, last.body)
		}
		_, err := s.outcome()
		if !errors.Is(err, core.ErrDenied) || strings.Contains(err.Error(), "script") {
			t.Errorf("error is %v", err)
		}
	}
}

// The one thing that a page does show, the account's own name, is escaped.
func TestEmailIsEscaped(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	e.SetIDTokenClaims(func(_, claims map[string]any) { claims["email"] = `<script>alert(1)</script>{next}@example.com` })
	s := begin(t, e, authcode.Options{})
	page := s.follow(s.agree())
	s.succeed()
	if strings.Contains(page.body, "<script") || !strings.Contains(page.body, "&lt;script&gt;alert(1)&lt;/script&gt;{next}@example.com") {
		t.Errorf("the page says %s", page.body)
	}
}

// The codes that are known are said in words, on the page and in the error.
func TestKnownErrorsInWords(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	for code, words := range map[string]string{
		"access_denied":           "said no",
		"admin_policy_enforced":   "administrator does not allow",
		"org_internal":            "another organisation",
		"disallowed_useragent":    "this browser",
		"redirect_uri_mismatch":   "Desktop app",
		"temporarily_unavailable": "overloaded",
	} {
		s := begin(t, e, authcode.Options{})
		page := s.follow(s.callback("error", code, "state", s.state()))
		_, err := s.outcome()
		if err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(page.body, words) {
			t.Errorf("%s: error is %v, the page says %s", code, err, page.body)
		}
	}
}
