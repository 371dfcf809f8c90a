package emulator

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxBody bounds what an endpoint on Google's side reads.
const maxBody = 64 << 10

func (e *Emulator) googleHandler() http.Handler {
	mux := http.NewServeMux()
	handle := func(endpoint Endpoint, path string, h http.HandlerFunc, methods ...string) {
		mux.Handle(path, e.observed(endpoint, allow(h, methods...)))
	}
	handle(Discovery, pathDiscovery, e.serveDiscovery, "GET", "HEAD")
	handle(JWKS, pathJWKS, e.serveJWKS, "GET", "HEAD")
	handle(IAPKeys, pathIAPKeys, e.serveIAPKeys, "GET", "HEAD")
	// A prefetching HEAD must not make a code.
	handle(Authorize, pathAuthorize, e.serveAuthorize, "GET")
	handle(Consent, pathConsent, e.serveConsent, "POST")
	handle(Token, pathToken, e.serveToken, "POST")
	handle(Revoke, pathRevoke, e.serveRevoke, "POST")
	handle(DeviceCode, pathDeviceCode, e.serveDeviceCode, "POST")
	handle(DevicePage, pathDevicePage, e.serveDevicePage, "GET", "POST")
	handle(UserInfo, pathUserInfo, e.serveUserInfo, "GET", "POST")
	handle(STS, pathSTS, e.serveSTS, "POST")
	handle(Metadata, pathMetadata, e.serveMetadata, "GET")
	handle(IAMCredentials, pathIAMCredentials, e.serveIAMCredentials, "POST")
	handle(Relay, pathRelayConnect, e.serveRelay, "GET")
	handle(Relay, pathRelayReconnect, e.serveRelay, "GET")
	handle(NotFound, "/", http.NotFound, "GET", "HEAD", "POST")
	return e.hostChecked(e.logged("google", mux))
}

// observed counts and remembers the call, plays the endpoint's fault, and stamps the emulator's time on the answer.
func (e *Emulator) observed(endpoint Endpoint, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, tooLarge := readBody(w, r)
		form := url.Values{}
		if isForm(r) {
			form, _ = url.ParseQuery(string(body)) // the endpoint complains about a bad form
		}
		now := e.now()
		fault := e.ledger.record(Request{
			Endpoint: endpoint, Time: now, Method: r.Method, Proto: r.Proto, Host: r.Host, Path: r.URL.Path,
			Query: r.URL.Query(), Header: r.Header.Clone(), Form: form,
		})
		w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		switch {
		case fault != nil:
			fault.meet(w, r, next)
		case tooLarge != nil:
			http.Error(w, "The request is too large or was cut short.", http.StatusRequestEntityTooLarge)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// readBody reads the whole body and leaves a copy in its place. The server notices that a client leaves only when it
// has read the body.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(30 * time.Second)) // by the real clock
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	_ = control.SetReadDeadline(time.Time{})
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body, err
}

// hostChecked refuses foreign names in Host, which is how DNS rebinding reaches a server on loopback.
func (e *Emulator) hostChecked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]")
		}
		if net.ParseIP(host) == nil && !strings.EqualFold(host, "localhost") &&
			!strings.EqualFold(host, e.google.host) && !e.opts.answersTo(host) {
			http.Error(w, "This server does not answer to that name.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (e *Emulator) logged(side string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.opts.Logger.Info("request", "side", side, "method", r.Method, "path", r.URL.Path)
		next.ServeHTTP(w, r)
	})
}

// allow answers 405 to every other method.
func allow(next http.HandlerFunc, methods ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slices.Contains(methods, r.Method) {
			w.Header().Set("Allow", strings.Join(methods, ", "))
			http.Error(w, "The request method is not allowed here.", http.StatusMethodNotAllowed)
			return
		}
		next(w, r)
	})
}

func (e *Emulator) serveDiscovery(w http.ResponseWriter, _ *http.Request) {
	base := e.google.url
	w.Header().Set("Cache-Control", "public, max-age=3600")
	document := map[string]any{
		"issuer":                        e.Issuer(),
		"authorization_endpoint":        base + pathAuthorize,
		"device_authorization_endpoint": base + pathDeviceCode,
		"token_endpoint":                base + pathToken,
		"userinfo_endpoint":             base + pathUserInfo,
		"revocation_endpoint":           base + pathRevoke,
		"jwks_uri":                      base + pathJWKS,
		"response_types_supported":      []string{"code"},
		"response_modes_supported":      []string{"query"},
		"subject_types_supported":       []string{"public"},
		"scopes_supported":              []string{"openid", "email", "profile"},
		"claims_supported": []string{"aud", "email", "email_verified", "exp", "family_name", "given_name", "iat", "iss",
			"name", "sub"},
		"code_challenge_methods_supported": []string{"S256"},
		"grant_types_supported":            []string{"authorization_code", "refresh_token", deviceGrant, jwtBearerGrant},
	}
	e.provider().describe(document)
	writeJSON(w, http.StatusOK, document)
}

// serveUserInfo is OpenID Connect Core section 5.3.
func (e *Emulator) serveUserInfo(w http.ResponseWriter, r *http.Request) {
	token, _ := bearer(r.Header.Get("Authorization"))
	g, ok := e.grants.byAccessToken(token, e.now())
	if !ok {
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+e.google.url+`", error="invalid_token"`)
		oauthError(w, http.StatusUnauthorized, "invalid_request", "Invalid Credentials")
		return
	}
	noStore(w)
	writeJSON(w, http.StatusOK, e.provider().profile(g.profile()))
}

// isForm reports whether the body is a form by its own word.
func isForm(r *http.Request) bool {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded")
}

// bearer returns the token of an Authorization value of the Bearer scheme (RFC 6750 section 2.1).
func bearer(value string) (token string, ok bool) {
	scheme, token, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	return strings.TrimSpace(token), true
}

func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-cache, no-store, max-age=0, must-revalidate")
	w.Header().Set("Pragma", "no-cache")
}

func oauthError(w http.ResponseWriter, status int, code, description string) {
	noStore(w)
	writeJSON(w, status, map[string]any{"error": code, "error_description": description})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		http.Error(w, "The emulator was told to answer what is not JSON: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n'))
}
