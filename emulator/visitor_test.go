package emulator_test

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
)

// A person in a browser is sent to Google, agrees, and comes back with a cookie that opens the app.
func TestBrowserSignIn(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{AutoConsent: user})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
	visit := func(path string) string {
		t.Helper()
		req := newRequest(t, "GET", e.IAPURL()+path, "")
		req.Header.Set("Accept", "text/html")
		resp, err := b.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 || resp.Request.URL.String() != e.IAPURL()+path {
			t.Fatalf("%s: %d at %s, %v", path, resp.StatusCode, resp.Request.URL.Path, err)
		}
		return string(body)
	}
	for range 2 {
		if got := visit("/protected?x=1"); !strings.HasPrefix(got, "Hello "+user) {
			t.Errorf("page %q", got)
		}
	}
	if got := e.Calls(emulator.Authorize); got != 1 {
		t.Errorf("%d sign-ins, want 1", got)
	}
	for _, r := range e.Requests(emulator.Upstream) {
		if strings.Contains(r.Header.Get("Cookie"), "GCP_IA") {
			t.Error("the app got IAP's cookie")
		}
	}
	// An expired ID token does not end a cookie session, but clearing the cookie does.
	resp, err := b.Get(e.IAPURL() + "/?gcp-iap-mode=CLEAR_LOGIN_COOKIE")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if got := e.Calls(emulator.Authorize); got != 2 {
		t.Errorf("%d sign-ins after clearing, want 2", got)
	}
}

// The callback of IAP's own sign-in refuses a state that it does not know or that is another browser's: Error code 9.
func TestBrowserSignInIsBound(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{AutoConsent: user})
	// begin sends a new browser as far as the callback.
	begin := func() (callback, cookie string) {
		first := iapGet(t, e, "/")
		second := call(t, "GET", first.header.Get("Location"), "")
		cookie, _, _ = strings.Cut(first.header.Get("Set-Cookie"), ";")
		return second.header.Get("Location"), cookie
	}
	for what, change := range map[string]func(string) string{
		"no cookie":     func(string) string { return "" },
		"another value": func(c string) string { return c[:len(c)-4] + "AAAA" },
	} {
		callback, cookie := begin()
		if a := call(t, "GET", callback, "", "Cookie", change(cookie)); a.status != 401 || !marked(a) || !strings.Contains(a.body, "Error code 9") {
			t.Errorf("%s: %d %q", what, a.status, a.body)
		}
		if a := call(t, "GET", callback, "", "Cookie", cookie); a.status != 401 {
			t.Errorf("a state that was tried before: %d", a.status)
		}
	}
	callback, cookie := begin()
	if a := call(t, "GET", callback, "", "Cookie", cookie); a.status != 302 || a.header.Get("Location") != "/" {
		t.Errorf("the right cookie: %d", a.status)
	}
	if a := iapGet(t, e, "/_gcp_iap/callback?state=x&code=y"); a.status != 401 || !marked(a) {
		t.Errorf("unknown state: %d", a.status)
	}
	if a := iapGet(t, e, "//evil.example/x"); a.status != 302 || !strings.HasPrefix(a.header.Get("Location"), e.GoogleURL()) {
		t.Errorf("double slash: %d to %q", a.status, a.header.Get("Location"))
	}
}
