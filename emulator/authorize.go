package emulator

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// authRequest is a checked authorization request.
type authRequest struct {
	client      Client
	redirectURI string
	scopes      []string
	state       string
	nonce       string
	challenge   string
	prompt      string
	loginHint   string
	offline     bool
}

// pageError is what Google shows on a page of its own, since nobody can be trusted with a redirect.
type pageError struct{ code, text string }

// serveAuthorize is the authorization endpoint (RFC 6749 section 3.1).
func (e *Emulator) serveAuthorize(w http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		e.showError(w, &pageError{"invalid_request", "The query of the URL is damaged."})
		return
	}
	a, bad := e.parseAuthRequest(q)
	if bad != nil {
		e.showError(w, bad)
		return
	}
	_, hinted := e.account(a.loginHint)
	chosen := setting(e, func(s *settings) string { return s.autoConsent })
	if _, err := r.Cookie(askCookie); err == nil {
		chosen = ""
	}
	if chosen != "" && hinted {
		chosen = a.loginHint
	}
	account, ok := e.account(chosen)
	switch {
	case ok:
		e.redirectWithCode(w, r, a, account, http.StatusFound)
	case a.prompt == "none":
		redirectWithError(w, r, a, "interaction_required", http.StatusFound)
	default:
		e.showConsent(w, pendingPage{auth: a})
	}
}

func (e *Emulator) parseAuthRequest(q url.Values) (*authRequest, *pageError) {
	for name, values := range q {
		if len(values) > 1 {
			return nil, &pageError{"invalid_request", "OAuth 2 parameters can only have a single value: " + name}
		}
	}
	a := &authRequest{
		redirectURI: q.Get("redirect_uri"), scopes: parseScopes(q.Get("scope")), state: q.Get("state"),
		nonce: q.Get("nonce"), challenge: q.Get("code_challenge"), prompt: q.Get("prompt"), loginHint: q.Get("login_hint"),
	}
	var ok bool
	a.client, ok = e.client(q.Get("client_id"))
	switch {
	case q.Get("client_id") == "":
		return nil, &pageError{"invalid_request", "Missing required parameter: client_id"}
	case !ok:
		return nil, &pageError{"invalid_client", "The OAuth client was not found."}
	case a.client.Type == LimitedInput:
		return nil, &pageError{"invalid_client", "Clients for limited-input devices cannot use this endpoint."}
	case a.redirectURI == "":
		return nil, &pageError{"invalid_request", "Missing required parameter: redirect_uri"}
	case !a.client.mayRedirect(a.redirectURI):
		return nil, &pageError{"redirect_uri_mismatch", "The redirect_uri does not fit the OAuth client."}
	case q.Get("response_type") != "code":
		return nil, &pageError{"unsupported_response_type", "response_type must be code."}
	case !slices.Contains(a.scopes, "openid"):
		return nil, &pageError{"invalid_scope", "The scope must contain openid."}
	case a.challenge == "":
		return nil, &pageError{"invalid_request", "Missing required parameter: code_challenge"}
	case q.Get("code_challenge_method") != "S256":
		return nil, &pageError{"invalid_request", "code_challenge_method must be S256."}
	case len(a.challenge) != 43:
		return nil, &pageError{"invalid_request", "code_challenge is not a SHA-256 in base64url."}
	}
	for _, p := range strings.Fields(a.prompt) {
		if !slices.Contains([]string{"none", "consent", "select_account"}, p) || (p == "none" && a.prompt != "none") {
			return nil, &pageError{"invalid_request", "Invalid parameter value for prompt: " + p}
		}
	}
	a.offline = e.provider().mayRefresh(a, q)
	return a, nil
}

// mayRedirect is Google's rule per kind of client: loopback with any port and path for desktop clients, registered
// strings for the others. https://developers.google.com/identity/protocols/oauth2/native-app
func (c Client) mayRedirect(uri string) bool {
	if c.Type == Web {
		return slices.Contains(c.RedirectURIs, uri)
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" || u.User != nil || u.Opaque != "" || strings.Contains(uri, "#") {
		return false
	}
	return slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname())
}

// redirectWithCode ends a request with a yes. Google's redirect says more than the standard asks, and has no iss.
func (e *Emulator) redirectWithCode(w http.ResponseWriter, r *http.Request, a *authRequest, by Account, status int) {
	c := e.grants.addCode(&code{
		grant:       &grant{client: a.client, account: by, scopes: a.scopes},
		redirectURI: a.redirectURI, challenge: a.challenge, nonce: a.nonce, offline: a.offline,
	}, e.now())
	answer := url.Values{
		"code": {c}, "scope": {callbackScopes(a.scopes)}, "authuser": {"0"}, "prompt": {cmp.Or(a.prompt, "none")},
	}
	if by.HostedDomain != "" {
		answer.Set("hd", by.HostedDomain)
	}
	redirect(w, r, a, answer, status)
}

func redirectWithError(w http.ResponseWriter, r *http.Request, a *authRequest, code string, status int) {
	redirect(w, r, a, url.Values{"error": {code}}, status)
}

func redirect(w http.ResponseWriter, r *http.Request, a *authRequest, answer url.Values, status int) {
	if a.state != "" {
		answer.Set("state", a.state)
	}
	separator := "?"
	if strings.Contains(a.redirectURI, "?") {
		separator = "&"
	}
	pageHeaders(w, "", "")
	w.Header().Set("Location", a.redirectURI+separator+answer.Encode())
	w.WriteHeader(status)
	if r.Method == http.MethodGet {
		_, _ = fmt.Fprintln(w, "Going back to the application.")
	}
}
