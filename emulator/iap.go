package emulator

import (
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// markerHeader is on everything that IAP answers itself.
const markerHeader = "X-Goog-IAP-Generated-Response"

const (
	textEmpty    = "Invalid IAP credentials: empty token"
	textBearer   = "Invalid IAP credentials: Invalid bearer token"
	textAudience = "Invalid IAP credentials: Invalid JWT audience"
	textExpired  = "Invalid IAP credentials: Expired JWT"
	textAccess   = "You don't have access"
)

// identity is who IAP believes a request comes from.
type identity struct {
	email, sub, hd string
	clientID       string
	issuedAt       time.Time
	refreshed      bool
}

func (e *Emulator) iapHandler() http.Handler {
	return e.logged("iap", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := e.now()
		fault := e.ledger.record(Request{
			Endpoint: IAP, Time: now, Method: r.Method, Proto: r.Proto, Host: r.Host, Path: r.URL.Path,
			Query: r.URL.Query(), Header: r.Header.Clone(),
		})
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		if fault != nil {
			fault.meet(w, r, http.HandlerFunc(e.guard))
			return
		}
		e.guard(w, r)
	}))
}

// guard is IAP: it finds out who asks, decides, and lets the app answer or answers itself.
func (e *Emulator) guard(w http.ResponseWriter, r *http.Request) {
	mode := r.URL.Query().Get("gcp-iap-mode")
	switch {
	case r.URL.Path == e.opts.Guard.callback():
		e.serveIAPCallback(w, r)
		return
	case !e.opts.Guard.isIAP():
		mode = ""
	case mode == "CLEAR_LOGIN_COOKIE":
		e.clearLogin(w, r)
		return
	}
	who, decision := e.authenticate(r)
	if who != nil {
		if mode == "IDENTITY" {
			noStore(w)
			writeJSON(w, http.StatusOK, map[string]any{
				"email": "accounts.google.com:" + who.email, "sub": "accounts.google.com:" + who.sub})
			return
		}
		decision = e.admit(who)
	}
	decision = e.applyPolicy(r, who, decision)
	if decision.Status != http.StatusOK || who == nil {
		e.refuseRequest(w, r, who, decision)
		return
	}
	e.forward(w, r, who)
}

// authenticate tries Proxy-Authorization, then Authorization, then a token in a cookie, then the login cookie. What IAP used, or looked at in
// vain, is taken off the request; the app's own Authorization stays.
// https://docs.cloud.google.com/iap/docs/authentication-howto
func (e *Emulator) authenticate(r *http.Request) (*identity, IAPDecision) {
	refused := IAPDecision{}
	for _, name := range []string{"Proxy-Authorization", "Authorization"} {
		token, ok := bearer(r.Header.Get(name))
		if name == "Proxy-Authorization" || ok {
			r.Header.Del(name)
		}
		if !ok {
			continue
		}
		who, bad := e.checkToken(r, token)
		if bad == nil {
			return who, IAPDecision{Status: http.StatusOK}
		}
		refused = *bad
	}
	if refused.Status != 0 {
		return nil, refused
	}
	if cookie, err := r.Cookie(tokenCookie); err == nil {
		if who, bad := e.checkToken(r, cookie.Value); bad == nil {
			return who, IAPDecision{Status: http.StatusOK}
		}
	}
	if who := e.visitor(r); who != nil {
		return who, IAPDecision{Status: http.StatusOK}
	}
	if wantsSignIn(r) {
		return nil, IAPDecision{Status: http.StatusFound, Text: textEmpty}
	}
	return nil, IAPDecision{Status: http.StatusUnauthorized, Text: textEmpty}
}

// wantsSignIn reports whether the request looks like a browser's that can show a sign-in page.
func wantsSignIn(r *http.Request) bool {
	if r.Method != http.MethodGet || strings.EqualFold(r.Header.Get("X-Requested-With"), "XMLHttpRequest") {
		return false
	}
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if accept == "" {
		return true
	}
	for kind := range strings.SplitSeq(accept, ",") {
		kind, _, _ = strings.Cut(kind, ";")
		if slices.Contains([]string{"text/html", "text/*", "*/*"}, strings.ToLower(strings.TrimSpace(kind))) {
			return true
		}
	}
	return false
}

// checkToken verifies an ID token the way IAP does for programmatic access; exp is honoured without slack.
func (e *Emulator) checkToken(r *http.Request, token string) (*identity, *IAPDecision) {
	refused := func(text string, code int) (*identity, *IAPDecision) {
		return nil, &IAPDecision{Status: http.StatusUnauthorized, Text: text, Code: code}
	}
	if token == "" {
		return refused(textEmpty, 0)
	}
	if strings.HasPrefix(token, "ya29.") {
		return e.checkAccessToken(token)
	}
	alg := e.provider().signingAlg()
	key, id := e.keys.current().public(alg)
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256, jose.SignatureAlgorithm(alg)})
	if err == nil {
		if _, ok := e.serviceKeys.find(parsed.Headers[0].KeyID); ok {
			return e.checkServiceJWT(r, token)
		}
	}
	if err != nil || parsed.Headers[0].KeyID != id || parsed.Headers[0].Algorithm != alg {
		return refused(textBearer, 0)
	}
	var claims struct {
		jwt.Claims
		Email string `json:"email"`
		HD    string `json:"hd"`
		AZP   string `json:"azp"`
	}
	if err := parsed.Claims(key, &claims); err != nil || claims.Issuer != e.Issuer() {
		return refused(textBearer, 0)
	}
	switch now := e.now(); {
	case claims.Expiry == nil || !now.Before(claims.Expiry.Time()):
		return refused(textExpired, 0)
	case !slices.ContainsFunc(claims.Audience, e.allowedClient):
		return refused(textAudience, 900)
	case claims.Email == "" || claims.Subject == "":
		return refused(textBearer, 0)
	}
	who := &identity{email: claims.Email, sub: claims.Subject, hd: claims.HD, clientID: claims.Audience[0],
		refreshed: e.visitors.wasRefreshed(claims.ID, e.now())}
	if claims.IssuedAt != nil {
		who.issuedAt = claims.IssuedAt.Time()
	}
	return who, nil
}

// checkAccessToken verifies an access token, where IAP takes them.
func (e *Emulator) checkAccessToken(token string) (*identity, *IAPDecision) {
	g, ok := e.grants.byAccessToken(token, e.now())
	switch {
	case !e.opts.AccessTokens:
		return nil, &IAPDecision{Status: http.StatusUnauthorized, Text: textBearer, Code: 900} // as of a client that IAP does not know
	case !ok, !slices.Contains(g.scopes, "openid"), !slices.Contains(g.scopes, "email"):
		return nil, &IAPDecision{Status: http.StatusUnauthorized, Text: textBearer}
	case g.client.ID != "" && !e.allowedClient(g.client.ID):
		return nil, &IAPDecision{Status: http.StatusUnauthorized, Text: textBearer, Code: 900}
	}
	return &identity{email: g.account.Email, sub: g.account.Sub, hd: g.account.HostedDomain, clientID: g.client.ID}, nil
}

// checkServiceJWT verifies a JWT that a service account signed itself, for the URL of the request or all that begin
// like it. No client is asked about.
func (e *Emulator) checkServiceJWT(r *http.Request, token string) (*identity, *IAPDecision) {
	a, claims, problem := e.serviceJWT(token)
	switch url := e.iapBase(r) + r.URL.EscapedPath(); {
	case problem == textTimeframe:
		return nil, &IAPDecision{Status: http.StatusUnauthorized, Text: textExpired}
	case problem != "" || claims.Subject != a.Email:
		return nil, &IAPDecision{Status: http.StatusUnauthorized, Text: textBearer}
	case len(claims.Audience) != 1 || !coversURL(claims.Audience[0], url):
		return nil, &IAPDecision{Status: http.StatusUnauthorized, Text: textAudience}
	}
	return &identity{email: a.Email, sub: a.Sub, issuedAt: claims.IssuedAt.Time()}, nil
}

// iapBase is how IAP is called in a request: by a name of its certificate, or as ever.
func (e *Emulator) iapBase(r *http.Request) string {
	u := url.URL{Scheme: "https", Host: r.Host}
	if e.authority == nil || !e.opts.answersTo(u.Hostname()) {
		return e.iap.url
	}
	return u.String()
}

// coversURL tells whether an audience is url, or ends in /* and begins like it.
func coversURL(audience, url string) bool {
	if begin, ok := strings.CutSuffix(audience, "*"); ok && strings.HasSuffix(begin, "/") {
		return strings.HasPrefix(url, begin)
	}
	return audience == url
}

func (e *Emulator) allowedClient(id string) bool {
	allowed := setting(e, func(s *settings) []string { return s.allowedClients })
	if allowed != nil {
		return slices.Contains(allowed, id)
	}
	return slices.ContainsFunc(e.opts.Clients, func(c Client) bool { return c.ID == id })
}

// admit asks whether a known identity has the role iap.httpsResourceAccessor.
func (e *Emulator) admit(who *identity) IAPDecision {
	allowed := setting(e, func(s *settings) []string { return s.allowedEmails })
	ok := slices.ContainsFunc(allowed, func(email string) bool { return sameEmail(email, who.email) })
	if allowed == nil {
		if _, ok = e.account(who.email); !ok {
			_, ok = e.serviceAccount(who.email)
		}
	}
	if !ok {
		return IAPDecision{Status: http.StatusForbidden, Text: textAccess}
	}
	return IAPDecision{Status: http.StatusOK}
}

// refuseRequest answers in IAP's name.
func (e *Emulator) refuseRequest(w http.ResponseWriter, r *http.Request, who *identity, d IAPDecision) {
	if !e.opts.Guard.isIAP() {
		e.refuseAs(e.opts.Guard, w, r, d)
		return
	}
	w.Header().Set(markerHeader, "true")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	noStore(w)
	switch d.Status {
	case http.StatusFound:
		e.redirectToSignIn(w, r)
		return
	case http.StatusForbidden:
		if who != nil {
			d.Text += fmt.Sprintf("\nYour client does not have permission to get URL %s from this server."+
				"\nYou are signed in as %s.", r.URL.EscapedPath(), who.email)
		}
	case 0, http.StatusOK:
		d.Status, d.Text = http.StatusUnauthorized, textEmpty
	}
	if d.Code != 0 {
		d.Text += fmt.Sprintf("\nError code %d", d.Code)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(d.Status)
	_, _ = fmt.Fprintln(w, d.Text)
}

// forward hands the request to the app, with IAP's headers in place of whatever the client sent under such names.
func (e *Emulator) forward(w http.ResponseWriter, r *http.Request, who *identity) {
	for name := range r.Header {
		if strings.HasPrefix(textproto.CanonicalMIMEHeaderKey(name), "X-Goog-") {
			delete(r.Header, name)
		}
	}
	dropCookies(r)
	if e.opts.Guard.isIAP() {
		if err := e.introduce(r, who); err != nil {
			http.Error(w, "IAP could not sign its header.", http.StatusInternalServerError)
			return
		}
	} else {
		e.opts.Guard.introduce(r, who)
	}
	fault := e.ledger.record(Request{
		Endpoint: Upstream, Time: e.now(), Method: r.Method, Proto: r.Proto, Host: r.Host, Path: r.URL.Path,
		Query: r.URL.Query(), Header: r.Header.Clone(),
	})
	if fault != nil {
		fault.meet(w, r, e.app)
		return
	}
	e.app.ServeHTTP(w, r)
}

// introduce tells the app who asks.
func (e *Emulator) introduce(r *http.Request, who *identity) error {
	assertion, err := e.assertion(r, who)
	if err != nil {
		return err
	}
	r.Header.Set("X-Goog-IAP-JWT-Assertion", assertion)
	r.Header.Set("X-Goog-Authenticated-User-Email", "accounts.google.com:"+who.email)
	r.Header.Set("X-Goog-Authenticated-User-Id", "accounts.google.com:"+who.sub)
	return nil
}
