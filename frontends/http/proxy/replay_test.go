package proxy_test

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// A body that is too large to be sent again: the answer says so, and the token is
// renewed for the next.
func TestLargeBodyIsRefused(t *testing.T) {
	app := &ada{}
	service := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, _ = io.Copy(io.Discard, r.Body); r.Header.Get("Authorization") == "Bearer token-" {
			refused(w, http.StatusUnauthorized)
		}
	})
	w := start(t, app, proxy.Config{Targets: []string{service}}, proxy.Options{})
	body := make([]byte, 1<<20)
	res, text := w.do(t, post(t, w.URL+"/", body))
	if res.StatusCode != http.StatusForbidden || res.Header.Get("Tokentoss-Error") != "token_refused" || !strings.Contains(text, "send the request again") {
		t.Errorf("%d %s", res.StatusCode, text)
	}
	if res, text = w.do(t, post(t, w.URL+"/", body)); res.StatusCode != http.StatusOK || app.renewed.Load() != 1 {
		t.Errorf("then %d %s after %d renewals", res.StatusCode, text, app.renewed.Load())
	}
}

// A refused request is sent again with the same body when that is small, also when
// it was refused before the body was read.
func TestReplay(t *testing.T) {
	for _, early := range []bool{true, false} {
		for size, want := range map[int]int{1: 200, 64 << 10: 200, 64<<10 + 1: 403} {
			var sum atomic.Value
			w := in(t, func(w http.ResponseWriter, r *http.Request) {
				h := sha256.New()
				first := r.Header.Get("Authorization") == "Bearer token-"
				if !first || !early {
					_, _ = io.Copy(h, r.Body)
				}
				if first {
					refused(w, http.StatusUnauthorized)
					return
				}
				sum.Store(fmt.Sprintf("%x", h.Sum(nil)))
			})
			body := make([]byte, size)
			_, _ = (&noise{uint64(size)}).Read(body)
			res, text := w.do(t, post(t, w.URL+"/", body))
			if res.StatusCode != want || want == 200 && sum.Load() != fmt.Sprintf("%x", sha256.Sum256(body)) {
				t.Errorf("early %t, %d bytes: %d %s", early, size, res.StatusCode, text)
			}
		}
	}
}

// A browser never sees IAP's sign-in page: being sent there is a refused token.
func TestSignInPage(t *testing.T) {
	w := in(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer token-" {
			w.Header().Set("Location", "https://accounts.google.com/o/oauth2/v2/auth?state=x")
			refused(w, http.StatusFound)
			return
		}
		_, _ = io.WriteString(w, "the page")
	})
	if res, body := w.do(t, get(t, w.URL+"/", "Accept", "text/html")); res.StatusCode != http.StatusOK || body != "the page" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}
