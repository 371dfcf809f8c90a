package emulator

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// People in a browser sign in to IAP with IAP's own client and then have a cookie.
const (
	pathIAPCallback = "/_gcp_iap/callback"
	loginCookie     = "GCP_IAAP_AUTH_TOKEN_EMULATOR"
	tokenCookie     = "GCP_IAAP_AUTH_TOKEN" // an ID token, of programs that can send cookies only
	nonceCookie     = "GCP_IAP_XSRF_NONCE_EMULATOR"
	loginLifetime   = 24 * time.Hour
)

// visitors are IAP's memory: who has a cookie, who is on the way to get one, and which ID tokens a refresh made.
type visitors struct {
	mu        sync.Mutex
	logins    expiring[*identity]
	signIns   expiring[signIn]
	refreshed expiring[bool]
}

// signIn is a browser that was sent to Google; verifier is of its PKCE, back where it wanted to go.
type signIn struct{ verifier, back, nonce string }

func (v *visitors) noteRefreshed(id string, now, end time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.refreshed.put(id, true, now, end)
}

func (v *visitors) wasRefreshed(id string, now time.Time) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, ok := v.refreshed.get(id, now)
	return ok
}

// redirectToSignIn sends a browser to Google's side, to come back to where it is.
func (e *Emulator) redirectToSignIn(w http.ResponseWriter, r *http.Request) {
	s := signIn{verifier: randomToken(32), back: r.URL.RequestURI(), nonce: randomToken(24)}
	if strings.HasPrefix(s.back, "//") {
		s.back = "/" // would be another host's URL
	}
	state := randomToken(24)
	now := e.now()
	e.visitors.mu.Lock()
	e.visitors.signIns.put(state, s, now, now.Add(codeLifetime))
	e.visitors.mu.Unlock()
	sum := sha256.Sum256([]byte(s.verifier))
	q := url.Values{
		"client_id": {e.iapOwn.ID}, "response_type": {"code"}, "scope": {"openid email"},
		"redirect_uri": {e.iapOwn.RedirectURIs[0]}, "state": {state},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	setCookie(w, nonceCookie+"_"+state[:8], s.nonce, codeLifetime)
	w.Header().Set("Location", e.google.url+pathAuthorize+"?"+q.Encode())
	w.WriteHeader(http.StatusFound)
}

// serveIAPCallback ends a browser's sign-in. The code is spent without HTTP: both sides live in one process.
func (e *Emulator) serveIAPCallback(w http.ResponseWriter, r *http.Request) {
	now, q := e.now(), r.URL.Query()
	state := q.Get("state")
	e.visitors.mu.Lock()
	s, known := e.visitors.signIns.take(state, now)
	e.visitors.mu.Unlock()
	failed := IAPDecision{Status: http.StatusUnauthorized, Text: "The sign-in did not work.", Code: 9}
	if !known {
		e.refuseRequest(w, r, nil, failed)
		return
	}
	name := nonceCookie + "_" + state[:8]
	cookie, err := r.Cookie(name)
	if err != nil || subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(s.nonce)) != 1 {
		e.refuseRequest(w, r, nil, failed)
		return
	}
	c, ok := e.grants.useCode(q.Get("code"), now)
	if !ok || c.grant.client.ID != e.iapOwn.ID || !verifies(s.verifier, c.challenge) {
		e.refuseRequest(w, r, nil, failed)
		return
	}
	who := &identity{email: c.grant.account.Email, sub: c.grant.account.Sub, hd: c.grant.account.HostedDomain,
		clientID: e.iapOwn.ID, issuedAt: now}
	login := randomToken(32)
	e.visitors.mu.Lock()
	e.visitors.logins.put(login, who, now, now.Add(loginLifetime))
	e.visitors.mu.Unlock()
	setCookie(w, loginCookie, login, loginLifetime)
	setCookie(w, name, "", -1)
	if e.opts.Guard.isIAP() {
		w.Header().Set(markerHeader, "true")
	}
	noStore(w)
	w.Header().Set("Location", s.back)
	w.WriteHeader(http.StatusFound)
}

// visitor finds the login cookie's owner.
func (e *Emulator) visitor(r *http.Request) *identity {
	cookie, err := r.Cookie(loginCookie)
	if err != nil {
		return nil
	}
	now := e.now()
	e.visitors.mu.Lock()
	defer e.visitors.mu.Unlock()
	who, _ := e.visitors.logins.get(cookie.Value, now)
	return who
}

// clearLogin is gcp-iap-mode=CLEAR_LOGIN_COOKIE: it signs the browser out of IAP and sends it to the app's URL.
func (e *Emulator) clearLogin(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(loginCookie); err == nil {
		e.visitors.mu.Lock()
		e.visitors.logins.take(cookie.Value, e.now())
		e.visitors.mu.Unlock()
	}
	setCookie(w, loginCookie, "", -1)
	w.Header().Set(markerHeader, "true")
	noStore(w)
	w.Header().Set("Location", e.iap.url+"/")
	w.WriteHeader(http.StatusFound)
}

// dropCookies keeps IAP's cookies from the app.
func dropCookies(r *http.Request) {
	all := r.Cookies()
	own := func(c *http.Cookie) bool {
		return c.Name == loginCookie || c.Name == tokenCookie || strings.HasPrefix(c.Name, nonceCookie)
	}
	if !slices.ContainsFunc(all, own) {
		return
	}
	r.Header.Del("Cookie")
	for _, c := range all {
		if !own(c) {
			r.AddCookie(c)
		}
	}
}

func setCookie(w http.ResponseWriter, name, value string, lifetime time.Duration) {
	age := int(lifetime / time.Second)
	if lifetime < 0 {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}
