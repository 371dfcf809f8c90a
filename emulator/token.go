package emulator

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// refusal is an OAuth error answer (RFC 6749 section 5.2).
type refusal struct {
	status            int
	code, description string
	subtype           string // Google's error_subtype
}

func refuse(status int, code, description string) *refusal {
	return &refusal{status: status, code: code, description: description}
}

func (r *refusal) write(w http.ResponseWriter) {
	answer := map[string]any{"error": r.code, "error_description": r.description}
	if r.subtype != "" {
		answer["error_subtype"] = r.subtype
	}
	noStore(w)
	writeJSON(w, r.status, answer)
}

func (e *Emulator) serveToken(w http.ResponseWriter, r *http.Request) {
	answer, grantType, refused := e.tokenAnswer(r)
	if refused != nil {
		refused.write(w)
		return
	}
	if change := setting(e, func(s *settings) func(string, map[string]any) { return s.answer }); change != nil {
		change(grantType, answer)
	}
	noStore(w)
	writeJSON(w, http.StatusOK, answer)
}

func (e *Emulator) tokenAnswer(r *http.Request) (answer map[string]any, grantType string, refused *refusal) {
	form, refused := postedForm(r)
	if refused != nil {
		return nil, "", refused
	}
	if form.Get("grant_type") == jwtBearerGrant { // signed by the account itself, for no client
		answer, refused = e.exchangeAssertion(form)
		return answer, jwtBearerGrant, refused
	}
	client, refused := e.authenticateClient(r, form, e.provider().clientAuth())
	if refused != nil {
		return nil, "", refused
	}
	grantType = form.Get("grant_type")
	switch grantType {
	case "authorization_code":
		answer, refused = e.exchangeCode(client, form)
	case "refresh_token":
		answer, refused = e.exchangeRefresh(client, form)
	case deviceGrant:
		answer, refused = e.exchangeDevice(client, form)
	case "":
		refused = refuse(400, "invalid_request", "Required parameter is missing: grant_type")
	default:
		refused = refuse(400, "unsupported_grant_type", "Invalid grant_type: "+grantType)
	}
	return answer, grantType, refused
}

// postedForm reads a form body. A parameter that is there twice is an error (RFC 6749 section 3.2).
func postedForm(r *http.Request) (url.Values, *refusal) {
	if !isForm(r) {
		return nil, refuse(400, "invalid_request", "The content type must be application/x-www-form-urlencoded.")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, refuse(400, "invalid_request", "The body could not be read.")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, refuse(400, "invalid_request", "The body is not a form.")
	}
	for name, values := range form {
		if len(values) > 1 {
			return nil, refuse(400, "invalid_request", "OAuth 2 parameters can only have a single value: "+name)
		}
	}
	return form, nil
}

// authenticateClient finds the client by one of the methods. Google wants a secret from desktop clients too, although they
// cannot keep it.
func (e *Emulator) authenticateClient(r *http.Request, form url.Values, methods []string) (Client, *refusal) {
	method, id, secret, refused := authMethod(r, form)
	if refused != nil {
		return Client{}, refused
	}
	client, ok := e.client(id)
	may := slices.Contains(methods, method)
	switch {
	case id == "":
		return Client{}, refuse(400, "invalid_request", "Could not determine client ID from request.")
	case !ok:
		return Client{}, refuse(401, "invalid_client", "The OAuth client was not found.")
	case method == authNone && may:
		return client, nil
	case method == authNone && slices.Contains(methods, authPost):
		return Client{}, refuse(400, "invalid_request", "client_secret is missing.")
	case !may && !(method == authPost && slices.Contains(methods, authNone)):
		return Client{}, refuse(401, "invalid_client", "The client cannot authenticate like this: "+method)
	case subtle.ConstantTimeCompare([]byte(secret), []byte(client.Secret)) != 1:
		return Client{}, refuse(401, "invalid_client", "The provided client secret is invalid.")
	}
	return client, nil
}

func (e *Emulator) exchangeCode(client Client, form url.Values) (map[string]any, *refusal) {
	now := e.now()
	if form.Get("code") == "" {
		return nil, refuse(400, "invalid_request", "Missing required parameter: code")
	}
	c, ok := e.grants.useCode(form.Get("code"), now)
	switch {
	case !ok:
		return nil, refuse(400, "invalid_grant", "Malformed auth code.")
	case c.grant.client.ID != client.ID:
		return nil, refuse(400, "invalid_grant", "The code was given to another client.")
	case form.Get("redirect_uri") != c.redirectURI:
		return nil, refuse(400, "redirect_uri_mismatch", "Bad Request")
	case form.Get("code_verifier") == "":
		return nil, refuse(400, "invalid_grant", "Missing code verifier.")
	case !verifies(form.Get("code_verifier"), c.challenge):
		return nil, refuse(400, "invalid_grant", "Invalid code verifier.")
	}
	return e.tokens(mint{grant: c.grant, nonce: c.nonce}, c.offline, now)
}

// verifies is RFC 7636 section 4.6 for S256, with the verifier's form of section 4.1.
func verifies(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

func (e *Emulator) exchangeRefresh(client Client, form url.Values) (map[string]any, *refusal) {
	now, old := e.now(), form.Get("refresh_token")
	if old == "" {
		return nil, refuse(400, "invalid_request", "Missing required parameter: refresh_token")
	}
	g, ok := e.grants.byRefreshToken(old)
	switch {
	case !ok:
		return nil, refuse(400, cmp.Or(e.provider().EndedRefresh, "invalid_grant"), "Token has been expired or revoked.")
	case g.client.ID != client.ID:
		return nil, refuse(401, "unauthorized_client", "Unauthorized")
	}
	if subtype := e.grants.reauthOf(g); subtype != "" {
		return nil, &refusal{400, "invalid_grant", "reauth related error (" + subtype + ")", subtype}
	}
	for _, s := range strings.Fields(form.Get("scope")) {
		if !slices.Contains(g.scopes, shortScope(s)) {
			return nil, refuse(400, "invalid_scope", "Some requested scopes were not granted: "+s)
		}
	}
	var rotated string
	if setting(e, func(s *settings) bool { return s.rotate }) {
		if rotated, ok = e.grants.rotate(old, e.opts.RevokeOnReuse); !ok {
			return nil, refuse(400, cmp.Or(e.provider().EndedRefresh, "invalid_grant"), "Token has been expired or revoked.")
		}
	}
	answer, refused := e.tokens(mint{grant: g, refreshed: true}, false, now)
	if refused == nil && rotated != "" {
		answer["refresh_token"] = rotated
	}
	return answer, refused
}

// tokens makes the answer of RFC 6749 section 5.1 and OpenID Connect Core section 3.1.3.3.
func (e *Emulator) tokens(m mint, offline bool, now time.Time) (map[string]any, *refusal) {
	lifetime := setting(e, func(s *settings) time.Duration { return s.lifetime })
	m.accessToken = e.grants.addAccess(m.grant, now, lifetime)
	id, err := e.idToken(m, now)
	if err != nil {
		return nil, refuse(500, "server_error", err.Error())
	}
	answer := map[string]any{
		"access_token": m.accessToken,
		"expires_in":   max(1, int(lifetime/time.Second)-1), // Google says 3599 for an hour
		"scope":        longScopes(m.grant.scopes),
		"token_type":   "Bearer",
		"id_token":     id,
	}
	p := e.provider()
	if p.StringExpiresIn {
		answer["expires_in"] = strconv.Itoa(answer["expires_in"].(int))
	}
	if p.NoIDTokenOnRefresh && m.refreshed {
		delete(answer, "id_token")
	}
	if offline {
		answer["refresh_token"] = e.grants.addRefresh(m.grant)
	}
	return answer, nil
}

// serveRevoke answers as Google does: 400 for a token it does not know, where RFC 7009 section 2.2 wants 200.
func (e *Emulator) serveRevoke(w http.ResponseWriter, r *http.Request) {
	if refused := e.revoke(r); refused != nil {
		refused.write(w)
		return
	}
	noStore(w)
	writeJSON(w, http.StatusOK, map[string]any{})
}

func (e *Emulator) revoke(r *http.Request) *refusal {
	p, form := e.provider(), r.URL.Query() // Google's own example has the token there
	if form.Get("token") == "" {
		var refused *refusal
		if form, refused = postedForm(r); refused != nil {
			return refused
		}
	}
	if len(p.RevocationAuth) > 0 {
		if _, refused := e.authenticateClient(r, form, p.RevocationAuth); refused != nil {
			return refused
		}
	}
	if form.Get("token") == "" {
		return refuse(400, "invalid_request", "Missing required parameter: token")
	}
	if !e.grants.revokeToken(form.Get("token"), e.now(), p.RevokeOne) && !p.RevokeOne {
		return refuse(400, "invalid_token", "Token expired or revoked")
	}
	return nil
}
