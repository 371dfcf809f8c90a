package authcode

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/oidc"
)

// RFC 7636 section 4.1: 10,000 verifiers have the right length and
// characters, and no two are alike. The same for states and nonces.
func TestVerifiers(t *testing.T) {
	t.Parallel()
	verifier := regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`)
	seen := map[string]bool{}
	for range 10_000 {
		v, s := newVerifier(), newSecret()
		if !verifier.MatchString(v) {
			t.Fatalf("verifier %q", v)
		}
		if len(s)*5 < 128 { // base32
			t.Fatalf("secret %q", s)
		}
		if seen[v] || seen[s] {
			t.Fatal("the same twice")
		}
		seen[v], seen[s] = true, true
	}
}

// placeholder stands for the state in the corpus, as each attempt has its own.
const placeholder = "STATE"

func newTestAttempt() *attempt {
	return newAttempt(oidc.Provider{Issuer: oidc.GoogleIssuer}, "http://127.0.0.1:1/callback")
}

// holdsState tells, by other means than the code under test, whether the right
// state can be in text, however it is escaped.
func holdsState(text, state string) bool {
	text = strings.Join(strings.Fields(text), "")
	for i := 0; i+2 < len(text); i++ {
		if text[i] != '%' {
			continue
		}
		if c, err := url.QueryUnescape(text[i : i+3]); err == nil {
			text = text[:i] + c + text[i+3:]
		}
	}
	return strings.Contains(text, state)
}

// FuzzPaste: Whatever is pasted, nothing panics; only what holds the right
// state is taken, only with a code or an error, and only once.
func FuzzPaste(f *testing.F) {
	f.Add("http://127.0.0.1:1/callback?code=c&state=STATE")
	f.Fuzz(func(t *testing.T, text string) {
		a := newTestAttempt()
		if err := a.paste(text); err == nil {
			t.Fatalf("%q was taken without the state", text)
		}
		text = strings.ReplaceAll(text, placeholder, a.state)
		err := a.paste(text)
		if err != nil {
			known := []error{errState, errIssuer, errNoCode, errNoURL}
			if !slices.Contains(known, err) || len(a.responses) != 0 || a.used {
				t.Fatalf("%q: %v, and the attempt is used: %v", text, err, a.used)
			}
			return
		}
		if !holdsState(text, a.state) {
			t.Fatalf("%q was taken without the state", text)
		}
		if r := <-a.responses; r.code == "" && r.problem == "" || r.byBrowser {
			t.Fatalf("%q gave %+v", text, r)
		}
		if err := a.paste(text); err != errUsed {
			t.Fatalf("%q was taken twice: %v", text, err)
		}
	})
}

// FuzzCallback: Whatever the query of a callback is, nothing panics;
// it is taken only with the right state, and the page is one of a few that do
// not depend on it.
func FuzzCallback(f *testing.F) {
	f.Add("code=c&state=STATE")
	pages := map[string]bool{}
	for _, q := range []string{"", "state=STATE", "state=STATE&code=c", "state=STATE&code=c&iss=x"} {
		_, _, page := callback(q)
		pages[page] = true
	}
	if len(pages) != 4 {
		f.Fatalf("there are %d pages", len(pages))
	}
	f.Fuzz(func(t *testing.T, query string) {
		a, status, page := callback(query)
		if !pages[page] {
			t.Fatalf("%q gave a page of its own: %s", query, page)
		}
		if status != http.StatusSeeOther {
			if status != http.StatusBadRequest || len(a.responses) != 0 || a.used {
				t.Fatalf("%q gave %d, and the attempt is used: %v", query, status, a.used)
			}
			return
		}
		if !holdsState(strings.ReplaceAll(query, placeholder, a.state), a.state) {
			t.Fatalf("%q was taken without the state", query)
		}
		if r := <-a.responses; r.code == "" && r.problem == "" || !r.byBrowser {
			t.Fatalf("%q gave %+v", query, r)
		}
	})
}

// callback has a new attempt answer a query.
func callback(query string) (a *attempt, status int, page string) {
	a = newTestAttempt()
	s := &server{attempt: a, path: callbackPath, done: donePath, host: "127.0.0.1:1", check: func(net.Conn) error { return nil }}
	r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1:1"+callbackPath, nil)
	r.URL.RawQuery = strings.ReplaceAll(query, placeholder, a.state)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return a, w.Code, w.Body.String()
}
