package hub_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/jupyterhub"
	"github.com/tokentoss/tokentoss/emulator"
)

// A person clicks, agrees, and is signed in: no paste, no port, no secret in the kernel.
// Refreshing and signing out go by the service, too.
func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.kernel(w.hub.token("user:ada", access))
	address := k.begin()
	if q := query(t, address); q.Get("redirect_uri") != w.public.URL+prefix+"callback" || q.Get("access_type") != "offline" || q.Has("prompt") {
		t.Errorf("the address has %v", q)
	}
	status, page := w.browser("ada").open(w.consent(address, "ada@example.com"))
	if status != http.StatusOK || !strings.Contains(page, "You can close this window") {
		t.Errorf("the browser sees %d: %s", status, page)
	}
	k.signedIn("ada@example.com")
	token, err := k.IDToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(token.IssuedAt.Add(1100 * time.Millisecond))) // tokens of one second are alike
	if newer, err := k.Renew(t.Context(), token); err != nil || newer.Value == token.Value {
		t.Errorf("a refresh: %v", err)
	}
	if err := k.SignOut(t.Context()); err != nil {
		t.Error(err)
	}
	if n := w.google.Calls(emulator.Revoke); n != 1 {
		t.Errorf("the provider was told of the sign-out %d times", n)
	}
}

// The redirect counts only in the browser of the user whose kernel began. That of another
// user, whom somebody lured, gives nothing to anybody, and the right one still does.
func TestBrowserOfAnotherUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mallory := w.kernel(w.hub.token("user:mallory", access))
	address := mallory.begin()
	status, page := w.browser("ada").open(w.consent(address, "ada@example.com"))
	if status != http.StatusForbidden || !strings.Contains(page, "another user of this hub") {
		t.Errorf("the browser sees %d: %s", status, page)
	}
	mallory.waits()
	if status, _ := w.browser("").open(w.consent(address, "ada@example.com")); status != http.StatusForbidden {
		t.Errorf("the browser of nobody sees %d", status)
	}
	mallory.waits()
	w.browser("mallory").open(w.consent(address, "grace@example.com"))
	mallory.signedIn("grace@example.com")
}

// A redirect whose state nobody announced, or that was answered, is refused, and no
// browser is sent anywhere by it.
func TestForgedAndReplayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.kernel(w.hub.token("user:ada", access))
	redirect := w.consent(k.begin(), "ada@example.com")
	b := w.browser("ada")
	forged := strings.Replace(redirect, query(t, redirect).Get("state"), "forged", 1)
	for _, address := range []string{forged, w.public.URL + prefix + "callback", w.public.URL + prefix + "callback?code=x&state="} {
		if status, page := b.open(address); status != http.StatusBadRequest || !strings.Contains(page, "No notebook waits") {
			t.Errorf("%s: the browser sees %d: %s", address, status, page)
		}
	}
	k.waits()
	b.open(redirect)
	k.signedIn("ada@example.com")
	if status, _ := b.open(redirect); status != http.StatusBadRequest {
		t.Errorf("the same again is answered %d", status)
	}
}

// The way back from the hub counts only in the browser that was sent there, and once.
func TestHubsWayBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	mallory := w.kernel(w.hub.token("user:mallory", access))
	redirect := w.consent(mallory.begin(), "ada@example.com")
	// Ada's browser brings the redirect, and mallory has it come back from the hub as
	// hers: she has a code of the hub, and even the state.
	ada, hers := w.browser("ada"), w.browser("mallory")
	for _, b := range []*browser{ada, hers} {
		b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	where := func(b *browser, address string) string {
		res, err := b.client.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		to, err := res.Location()
		if err != nil {
			t.Fatal(res.Status, err)
		}
		return to.String()
	}
	state := query(t, where(ada, redirect)).Get("state")
	q := query(t, where(hers, redirect))
	back := query(t, where(hers, w.public.URL+"/hub/api/oauth2/authorize?"+q.Encode()))
	back.Set("state", state)
	if status, page := ada.open(w.public.URL + prefix + "oauth_callback?" + back.Encode()); status != http.StatusBadGateway {
		t.Errorf("the hub's code of another browser is answered %d: %s", status, page)
	}
	if status, _ := hers.open(w.public.URL + prefix + "oauth_callback?code=x&state=" + state); status != http.StatusForbidden {
		t.Errorf("a browser that was not sent there is answered %d", status)
	}
	mallory.waits()
}

// A token of the hub that has another scope, is a service's, or is nobody's opens
// nothing.
func TestTokensOfTheHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, token := range map[string]string{
		"no scope":        w.hub.token("user:ada"),
		"another scope":   w.hub.token("user:ada", "access:servers!server=ada/", "self"),
		"another service": w.hub.token("user:ada", "access:services!service=grader"),
		"a service":       w.hub.token("service:tokentoss", access),
		"unknown":         "made-up",
		"broken":          "a b",
	} {
		for path, form := range map[string]url.Values{
			jupyterhub.PathSignIn:   {"state_hash": {jupyterhub.Hash("x")}, "client_id": {"hub.apps.googleusercontent.com"}},
			jupyterhub.PathResponse: {"state": {"x"}},
			jupyterhub.PathProvider: {"grant_type": {"refresh_token"}, "refresh_token": {"x"}},
		} {
			if status, body := w.post(token, path, form); status != http.StatusForbidden {
				t.Errorf("%s: %s is answered %d: %s", name, path, status, body)
			}
		}
		if _, err := w.service(token).Ask(t.Context()); !errors.Is(err, fault.Refused) || !strings.Contains(err.Error(), access) {
			t.Errorf("%s: the kernel is told %v", name, err)
		}
	}
	if n := w.google.Calls(emulator.Token); n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
}

// Who has another's state or code gets nothing for it, and nobody waits for a sign-in
// that is another's.
func TestAnothersCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ada, mallory := w.kernel(w.hub.token("user:ada", access)), w.hub.token("user:mallory", access)
	address := ada.begin()
	state := query(t, address).Get("state")
	client := ada.service.Client.ClientID
	if status, _ := w.post(mallory, jupyterhub.PathSignIn, url.Values{"state_hash": {jupyterhub.Hash(state)}, "client_id": {client}}); status != http.StatusBadRequest {
		t.Errorf("a sign-in that is there is announced anew: %d", status)
	}
	if status, _ := w.post(mallory, jupyterhub.PathResponse, url.Values{"state": {state}}); status != http.StatusNotFound {
		t.Errorf("the response of another's sign-in is answered %d", status)
	}
	redirect := w.consent(address, "ada@example.com")
	for _, token := range []string{mallory, w.hub.token("user:ada", access)} { // before it came, also for ada
		form := url.Values{"grant_type": {"authorization_code"}, "code": {query(t, redirect).Get("code")}, "code_verifier": {"x"}}
		if status, body := w.post(token, jupyterhub.PathProvider, form); status != http.StatusBadRequest || !strings.Contains(body, "invalid_grant") {
			t.Errorf("a code is answered %d: %s", status, body)
		}
	}
	if n := w.google.Calls(emulator.Token); n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
	ada.waits()
	w.browser("ada").open(redirect)
	ada.signedIn("ada@example.com")
}

// A refresh token that is another user's, or was not made here, is refused without asking
// the provider.
func TestAnothersRefreshToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	adas := w.hub.token("user:ada", access)
	verifier := strings.Repeat("v", 43)
	client := w.kernel(adas)
	state := "state-of-a-kernel-that-does-it-by-hand"
	w.post(adas, jupyterhub.PathSignIn, url.Values{"state_hash": {jupyterhub.Hash(state)}, "client_id": {client.service.Client.ClientID}})
	address := w.google.GoogleURL() + "/o/oauth2/v2/auth?" + url.Values{
		"client_id": {client.service.Client.ClientID}, "redirect_uri": {client.service.RedirectURI()}, "response_type": {"code"}, "scope": {"openid email"},
		"state": {state}, "access_type": {"offline"}, "code_challenge": {jupyterhub.Hash(verifier)}, "code_challenge_method": {"S256"},
	}.Encode()
	redirect := w.consent(address, "ada@example.com")
	w.browser("ada").open(redirect)
	status, body := w.post(adas, jupyterhub.PathProvider, url.Values{
		"grant_type": {"authorization_code"}, "code": {query(t, redirect).Get("code")}, "code_verifier": {verifier},
		"redirect_uri": {"https://evil.example"}, "client_id": {"another"}, "client_secret": {"x"}, // which are of no account
	})
	if status != http.StatusOK {
		t.Fatalf("%d: %s", status, body)
	}
	_, rest, _ := strings.Cut(body, `"refresh_token":"`)
	sealed, _, _ := strings.Cut(rest, `"`)
	if !strings.HasPrefix(sealed, "hub1.") {
		t.Fatalf("the refresh token is not sealed: %s", body)
	}
	before := w.google.Calls(emulator.Token)
	refresh := func(token, refreshToken string) int {
		status, _ := w.post(token, jupyterhub.PathProvider, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}})
		return status
	}
	mallory := w.hub.token("user:mallory", access)
	for _, try := range []struct{ token, refreshToken string }{
		{mallory, sealed}, {adas, "1//of-the-provider"}, {adas, sealed + "x"}, {adas, sealed[:len(sealed)-4]}, {adas, "hub1."}, {adas, ""},
	} {
		if status := refresh(try.token, try.refreshToken); status != http.StatusBadRequest {
			t.Errorf("%.12q is answered %d", try.refreshToken, status)
		}
	}
	if n := w.google.Calls(emulator.Token) - before; n != 0 {
		t.Errorf("the provider was asked %d times", n)
	}
	if status := refresh(adas, sealed); status != http.StatusOK {
		t.Errorf("her own is answered %d", status)
	}
	for _, form := range []url.Values{{}, {"grant_type": {"password"}}, {"grant_type": {"client_credentials"}}} {
		if status, _ := w.post(adas, jupyterhub.PathProvider, form); status != http.StatusBadRequest {
			t.Errorf("%v is answered %d", form, status)
		}
	}
}

// A person who says no is told so, once.
func TestDenied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.kernel(w.hub.token("user:ada", access))
	redirect, err := w.google.Deny(t.Context(), k.begin())
	if err != nil {
		t.Fatal(err)
	}
	w.browser("ada").open(redirect)
	if err := <-k.ends; !errors.Is(err, core.ErrDenied) {
		t.Errorf("%v", err)
	}
}

// A hub that does not answer, and a service that was started anew, are said to be what
// they are; the session stays.
func TestHubIsDown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	k := w.kernel(w.hub.token("user:ada", access))
	address := k.begin()
	w.browser("ada").open(w.consent(address, "ada@example.com"))
	k.signedIn("ada@example.com")
	token, err := k.IDToken(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.hub.mu.Lock()
	w.hub.down = true
	w.hub.mu.Unlock()
	if _, err := k.Renew(t.Context(), token); !fault.Temporary(err) {
		t.Errorf("while the hub is down: %v", err)
	}
	if st, _ := k.Status(t.Context()); st.State != core.SignedIn {
		t.Errorf("the session is %s", st.State)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w.hub.mu.Lock()
	w.hub.down = false
	w.hub.mu.Unlock()
	if _, err := k.service.Response(ctx, "of-before"); !errors.Is(err, fault.Refused) || !strings.Contains(err.Error(), "started anew") {
		t.Errorf("a sign-in of before: %v", err)
	}
}

// The pages load nothing, and answer nothing but navigations.
func TestPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, path := range []string{"", "callback", "oauth_callback", "nothing"} {
		for header, want := range map[string]int{"cors": http.StatusForbidden, "no-cors": http.StatusForbidden, "navigate": 0} {
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, w.public.URL+prefix+path, nil)
			req.Header.Set("Sec-Fetch-Mode", header)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if csp := res.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || want != 0 && res.StatusCode != want {
				t.Errorf("%q as %s: %d, %s", path, header, res.StatusCode, csp)
			}
		}
	}
}
