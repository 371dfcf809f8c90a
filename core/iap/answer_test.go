package iap_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap"
)

// How many requests and renewals each kind of answer costs.
func TestRequestsAndRenewals(t *testing.T) {
	t.Parallel()
	signIn := "https://accounts.google.com/o/oauth2/v2/auth?client_id=x"
	for _, c := range []struct {
		name               string
		status             int
		header             []string
		requests, renewals int64
		refused            bool
	}{
		{"200", 200, nil, 1, 0, false},
		{"200 of IAP", 200, []string{GeneratedHeader, "true"}, 1, 0, false}, // ?gcp-iap-mode=IDENTITY
		{"401 of IAP", 401, []string{GeneratedHeader, "true"}, 2, 1, true},
		{"401 of IAP, marked with nothing", 401, []string{GeneratedHeader, ""}, 2, 1, true},
		{"401 of the application", 401, []string{"WWW-Authenticate", "Basic"}, 1, 0, false},
		{"403 of IAP", 403, []string{GeneratedHeader, "true"}, 1, 0, true},
		{"403 of the application", 403, nil, 1, 0, false},
		{"429 of IAP", 429, []string{GeneratedHeader, "true", "Retry-After", "7"}, 1, 0, false},
		{"503 of IAP", 503, []string{GeneratedHeader, "true"}, 1, 0, false},
		{"302 to sign in", 302, []string{"Location", signIn}, 2, 1, true},
		{"302 to sign in, marked", 302, []string{"Location", signIn, GeneratedHeader, "true"}, 2, 1, true},
		{"302 to another page for signing in, marked", 302, []string{"Location", "https://login.example/", GeneratedHeader, "true"}, 2, 1, true},
		{"302 to sign in, port, case, dot", 302, []string{"Location", "HTTPS://Accounts.Google.Com.:443/x"}, 2, 1, true},
		{"302 to sign in, no scheme", 302, []string{"Location", "//accounts.google.com/x"}, 2, 1, true},
		{"303 to sign in", 303, []string{"Location", signIn}, 2, 1, true},
		{"307 to sign in", 307, []string{"Location", signIn}, 2, 1, true},
	} {
		srv, n := serve(t, "http", func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i < len(c.header); i += 2 {
				w.Header().Set(c.header[i], c.header[i+1])
			}
			w.WriteHeader(c.status)
		})
		src := newSource()
		client := clientFor(t, src, srv.URL)
		resp, err := client.Do(get(t, srv.URL))
		var re *iap.RefusedError
		switch {
		case c.refused && !errors.As(err, &re):
			t.Errorf("%s: %v is no RefusedError", c.name, err)
		case c.refused && (re.StatusCode != c.status || re.Renewed != (c.renewals > 0) || re.Origin != srv.URL || re.Email != email || re.Audience != clientID):
			t.Errorf("%s: %+v", c.name, re)
		case !c.refused && (err != nil || resp.StatusCode != c.status):
			t.Errorf("%s: %v, %v", c.name, resp, err)
		}
		if err == nil {
			finish(t, resp)
		}
		if n.Load() != c.requests || src.renewals.Load() != c.renewals {
			t.Errorf("%s: %d requests and %d renewals, want %d and %d", c.name, n.Load(), src.renewals.Load(), c.requests, c.renewals)
		}
	}
}

// The second answer decides: what a renewed token gets is handed back, or is
// the error.
func TestSecondAnswerCounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		second  int
		marked  bool
		refused bool
	}{{200, false, false}, {401, false, false}, {500, true, false}, {401, true, true}, {403, true, true}, {302, true, true}} {
		srv, n := serve(t, "http", func(w http.ResponseWriter, r *http.Request) {
			if generation(r.Header.Get("Authorization")) == 1 {
				refuse(w)
				return
			}
			if c.marked {
				w.Header().Set(GeneratedHeader, "true")
			}
			w.WriteHeader(c.second)
		})
		resp, err := clientFor(t, newSource(), srv.URL).Do(get(t, srv.URL))
		var re *iap.RefusedError
		if c.refused && (!errors.As(err, &re) || re.StatusCode != c.second || !re.Renewed) || !c.refused && (err != nil || resp.StatusCode != c.second) {
			t.Errorf("%+v: %v, %v", c, resp, err)
		}
		if err == nil {
			finish(t, resp)
		}
		if n.Load() != 2 {
			t.Errorf("%+v: %d requests", c, n.Load())
		}
	}
}

// Google's sign-in page is never handed back as a success.
func TestSignInPageIsNoSuccess(t *testing.T) {
	t.Parallel()
	var page *strings.Reader
	var pages atomic.Int64
	login, _ := serve(t, "http", func(w http.ResponseWriter, r *http.Request) {
		pages.Add(1)
		io.Copy(w, page)
	})
	page = strings.NewReader("<html>Sign in with Google")
	srv, _ := serve(t, "http", func(w http.ResponseWriter, r *http.Request) {
		if generation(r.Header.Get("Authorization")) < 2 {
			w.Header().Set(GeneratedHeader, "true")
			http.Redirect(w, r, login.URL, http.StatusFound)
			return
		}
		io.WriteString(w, "data")
	})
	src := newSource()
	resp, err := clientFor(t, src, srv.URL).Do(get(t, srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	if got := finish(t, resp); got != "data" || pages.Load() != 0 || src.renewals.Load() != 1 {
		t.Errorf("got %q after %d sign-in pages and %d renewals", got, pages.Load(), src.renewals.Load())
	}
}

// Without a newer token there is no second request.
func TestNoNewerTokenNoRetry(t *testing.T) {
	t.Parallel()
	gone := &core.SignInNeededError{Cause: core.CauseRevoked, Email: email}
	same, other := tokenOf(1), tokenOf(1)
	other.Value = tokenOf(9).Value
	uncounted := tokenOf(2)
	uncounted.Generation = 0
	for name, c := range map[string]struct {
		renewed  core.IDToken
		err      error
		requests int
		is       error // what the error wraps
	}{
		"renewed recently":           {core.IDToken{}, fmt.Errorf("wrapped: %w", core.ErrRenewedRecently), 1, core.ErrRenewedRecently},
		"same token":                 {same, nil, 1, nil},
		"same generation, new value": {other, nil, 2, nil}, // signed out and in meanwhile
		"empty token":                {core.IDToken{Generation: 7}, nil, 1, nil},
		"sign-in needed":             {core.IDToken{}, gone, 1, core.ErrSignInNeeded},
		"no generation, new value":   {uncounted, nil, 2, nil},
		"usual":                      {tokenOf(2), nil, 2, nil},
		"another session, from one":  {func() core.IDToken { t := tokenOf(3); t.Generation = 1 << 20; return t }(), nil, 2, nil},
	} {
		n := 0
		tr := newTransport(t, scripted{tokenOf(1), c.renewed, c.err}, iap.Options{
			Origins: []string{"https://app.example.com"},
			Base: base(func(*http.Request) (*http.Response, error) {
				n++
				return answer(401, "Invalid IAP credentials: Expired JWT", GeneratedHeader, "true"), nil
			}),
		})
		_, err := tr.RoundTrip(get(t, "https://app.example.com/"))
		var re *iap.RefusedError
		wantRefused := c.err == nil && c.renewed.Value != "" || c.is == core.ErrRenewedRecently
		if errors.As(err, &re) != wantRefused || n != c.requests || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v after %d requests", name, err, n)
		}
		if re != nil && (re.Renewed != (c.requests == 2) || re.Reason != "Expired JWT" || re.StatusCode != 401) {
			t.Errorf("%s: %+v", name, re)
		}
		if err == nil || !strings.Contains(err.Error(), "https://app.example.com refused the token of "+email) {
			t.Errorf("%s: error %q", name, err)
		}
	}
}

// Without a token nothing is sent, and the source's error is in the one returned.
func TestNoTokenNoRequest(t *testing.T) {
	t.Parallel()
	srv, n := serve(t, "http", func(http.ResponseWriter, *http.Request) {})
	gone := &core.SignInNeededError{Cause: core.CauseSignedOut}
	for _, c := range []struct {
		src  iap.TokenSource
		want string
	}{{failing{gone, nil}, "sign-in needed"}, {scripted{}, "gave an empty one"}} {
		_, err := clientFor(t, c.src, srv.URL).Do(get(t, srv.URL))
		if err == nil || !strings.Contains(err.Error(), "iap: no token for "+srv.URL+": ") || !strings.Contains(err.Error(), c.want) || n.Load() != 0 {
			t.Errorf("%v after %d requests", err, n.Load())
		}
		if c.want == "sign-in needed" && !errors.Is(err, core.ErrSignInNeeded) {
			t.Errorf("%v does not wrap the source's error", err)
		}
	}
}

// scripted gives one token, and one answer to Renew.
type scripted struct {
	token, renewed core.IDToken
	err            error
}

func (s scripted) IDToken(_ context.Context) (core.IDToken, error) { return s.token, nil }
func (s scripted) Renew(_ context.Context, _ core.IDToken) (core.IDToken, error) {
	return s.renewed, s.err
}

// 401 for ever, 401 and 200 in turns, and 401 from one of two origins: one
// broken service costs as many renewals as the source allows, and the others
// neither renewals nor failures.
func TestBrokenOrigin(t *testing.T) {
	t.Parallel()
	var turn atomic.Int64
	never, nNever := serve(t, "http", func(w http.ResponseWriter, r *http.Request) { refuse(w) })
	turns, nTurns := serve(t, "http", func(w http.ResponseWriter, r *http.Request) {
		if turn.Add(1)%2 == 1 {
			refuse(w)
		}
	})
	fine, nFine := serve(t, "http", func(http.ResponseWriter, *http.Request) {})
	src := newSource()
	client := &http.Client{Transport: newTransport(t, src, iap.Options{Origins: []string{never.URL, turns.URL, fine.URL}, Base: wire(t)})}
	do := func(url string) error {
		resp, err := client.Do(get(t, url))
		if err == nil {
			finish(t, resp)
		}
		return err
	}

	for i := range 10 {
		if err := do(turns.URL); err != nil {
			t.Error(err)
		}
		if n, r := nTurns.Load(), src.renewals.Load(); n != int64(2*i+2) || r != int64(i+1) {
			t.Errorf("in turns, call %d: %d requests, %d renewals", i, n, r)
		}
	}

	src.max = src.renewals.Load() + 1
	for i := range 100 {
		var re *iap.RefusedError
		err := do(never.URL)
		if !errors.As(err, &re) || re.Renewed != (i == 0) || errors.Is(err, core.ErrRenewedRecently) != (i > 0) {
			t.Fatalf("call %d: %v", i, err)
		}
		if err := do(fine.URL); err != nil {
			t.Error(err)
		}
	}
	if nNever.Load() != 101 || nFine.Load() != 100 || src.renewals.Load() != src.max {
		t.Errorf("%d, %d requests, %d renewals of %d", nNever.Load(), nFine.Load(), src.renewals.Load(), src.max)
	}
}

// Access that is taken away and given back while the program runs costs no
// renewal; the error says who is signed in and what is missing.
func TestAccessChangesMidRun(t *testing.T) {
	t.Parallel()
	var closed atomic.Bool
	srv, n := serve(t, "http", func(w http.ResponseWriter, r *http.Request) {
		if closed.Load() {
			w.Header().Set(GeneratedHeader, "true")
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, "You don't have access. Error code 7")
		}
	})
	src := newSource()
	client := clientFor(t, src, srv.URL)
	for i := range 30 {
		closed.Store(i >= 10 && i < 20)
		resp, err := client.Do(get(t, srv.URL))
		var re *iap.RefusedError
		if !closed.Load() {
			if err != nil {
				t.Fatal(err)
			}
			finish(t, resp)
		} else if !errors.As(err, &re) || re.StatusCode != 403 || re.Email != email || re.IAPCode != 7 || !strings.Contains(re.Remedy().String(), "roles/iap.httpsResourceAccessor") {
			t.Fatalf("%v", err)
		}
	}
	if n.Load() != 30 || src.asked.Load() != 0 || src.cur.Load().Generation != 1 {
		t.Errorf("%d requests, %d renewals", n.Load(), src.asked.Load())
	}
}

// The words a person sees.
func TestRefusedErrorWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		e          iap.RefusedError
		text, hint string
	}{
		{iap.RefusedError{StatusCode: 401, Origin: "https://app.example.com", Email: email, Audience: "client", IAPCode: 900, Reason: "Invalid JWT audience", Renewed: true},
			"iap: https://app.example.com refused the token of ada@example.com (client client): 401 Unauthorized, also after renewing the token: Invalid JWT audience (IAP error code 900)",
			"either the OAuth client client is not on the programmatic allowlist of https://app.example.com (its owner adds it with: gcloud iap settings set), or an access level wants a fresh sign-in: sign in again"},
		{iap.RefusedError{StatusCode: 403, Origin: "https://app.example.com", Email: email, Audience: "client"},
			"iap: ada@example.com has no access to https://app.example.com (client client): 403 Forbidden",
			"ask the owner of https://app.example.com to grant ada@example.com roles/iap.httpsResourceAccessor on it; if that is granted, an access level refuses this sign-in: sign in again, from a place and device that it allows"},
	} {
		if got := c.e.Error(); got != c.text {
			t.Errorf("error: %s", got)
		}
		if got := c.e.Remedy().String(); got != c.hint {
			t.Errorf("hint: %s", got)
		}
	}
}
