package iap_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/iap"
)

// A guard that is not IAP redirects to the provider itself. That is a sign-in page, never
// a success: the token is renewed and the request repeated, once; then the redirect is an
// error that says nothing of IAP's settings.
func TestRedirectToTheTokensIssuerIsASignInPage(t *testing.T) {
	t.Parallel()
	var pages atomic.Int64
	provider, _ := serve(t, "https", func(w http.ResponseWriter, r *http.Request) { pages.Add(1); io.WriteString(w, "<h1>Log in") })
	relay, _ := serve(t, "https", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, provider.URL+"/dex/auth?client_id=x", http.StatusFound)
	})
	accepts := uint64(2) // the first generation of tokens that is taken
	app, requests := serve(t, "https", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case generation(r.Header.Get("Authorization")) >= accepts:
			io.WriteString(w, "data")
		case r.URL.Path == "/start": // a page of the guard's own before the provider's
			http.Redirect(w, r, provider.URL+"/dex/auth?client_id=x", http.StatusFound)
		case r.URL.Path == "/own":
			http.Redirect(w, r, "/start?rd=/own", http.StatusFound)
		case r.URL.Path == "/relay":
			http.Redirect(w, r, relay.URL+"/oauth2/start", http.StatusFound)
		default:
			http.Redirect(w, r, provider.URL+"/dex/auth?client_id=x", http.StatusFound)
		}
	})
	for _, tt := range []struct {
		path               string
		accepts            uint64
		requests, renewals int64
		refused            bool
	}{
		{"/", 2, 2, 1, false},
		{"/", 99, 2, 1, true},
		{"/own", 99, 3, 1, true},
		{"/relay", 99, 1, 0, true}, // where nothing can be repeated
	} {
		accepts = tt.accepts
		requests.Store(0)
		src := newSource()
		src.issuer = provider.URL + "/dex"
		first := tokenOf(1)
		first.Issuer = src.issuer
		src.cur.Store(&first)
		resp, err := clientFor(t, src, app.URL).Do(get(t, app.URL+tt.path))
		var refused *iap.RefusedError
		switch {
		case !tt.refused:
			if err != nil {
				t.Errorf("%s: %v", tt.path, err)
			} else if got := finish(t, resp); got != "data" {
				t.Errorf("%s: got %q", tt.path, got)
			}
		case !errors.As(err, &refused):
			t.Errorf("%s: error %v", tt.path, err)
		default:
			hint := fault.RemedyOf(err).String()
			if refused.StatusCode != http.StatusFound || strings.Contains(hint, "gcloud") || !strings.Contains(hint, src.issuer) {
				t.Errorf("%s: %v, hint %q", tt.path, err, hint)
			}
		}
		if n, m := requests.Load(), src.renewals.Load(); n != tt.requests || m != tt.renewals {
			t.Errorf("%s: %d requests and %d renewals, want %d and %d", tt.path, n, m, tt.requests, tt.renewals)
		}
	}
	if n := pages.Load(); n != 0 {
		t.Errorf("the sign-in page was fetched %d times", n)
	}
}

// The application's own redirects are its own, also to a provider that is not the token's,
// and where the token's provider has the same origin as the application.
func TestOtherRedirectsAreTheApplications(t *testing.T) {
	t.Parallel()
	other, _ := serve(t, "https", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "other") })
	app, _ := serve(t, "https", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/elsewhere":
			http.Redirect(w, r, other.URL+"/login", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/page", http.StatusFound)
		default:
			io.WriteString(w, "page")
		}
	})
	for path, want := range map[string]string{"/elsewhere": "other", "/here": "page"} {
		src := newSource()
		tok := tokenOf(1)
		tok.Issuer = app.URL
		src.cur.Store(&tok)
		resp, err := clientFor(t, src, app.URL).Do(get(t, app.URL+path))
		if err != nil {
			t.Errorf("%s: %v", path, err)
		} else if got := finish(t, resp); got != want || src.renewals.Load() != 0 {
			t.Errorf("%s: got %q after %d renewals", path, got, src.renewals.Load())
		}
	}
}
