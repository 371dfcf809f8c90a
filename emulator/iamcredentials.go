package emulator

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// scopeCloud is what a token needs for Google Cloud's APIs.
const scopeCloud = "https://www.googleapis.com/auth/cloud-platform"

// longestSigned is how long a JWT may live that signJwt signs.
const longestSigned = 12 * time.Hour

// apiError is how Google's APIs say no.
func apiError(w http.ResponseWriter, code int, status, message string) {
	noStore(w)
	writeJSON(w, code, map[string]any{"error": map[string]any{"code": code, "message": message, "status": status}})
}

// serveIAMCredentials is generateIdToken and signJwt of the IAM Service Account Credentials API.
// https://docs.cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts
func (e *Emulator) serveIAMCredentials(w http.ResponseWriter, r *http.Request) {
	now := e.now()
	token, _ := bearer(r.Header.Get("Authorization"))
	g, ok := e.grants.byAccessToken(token, now)
	if !ok {
		apiError(w, 401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
		return
	}
	if !slices.Contains(g.scopes, scopeCloud) {
		apiError(w, 403, "PERMISSION_DENIED", "Request had insufficient authentication scopes.")
		return
	}
	email, method, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, pathIAMCredentials), ":")
	a, ok := e.serviceAccount(email)
	caller := g.account.Email
	if caller == "" {
		caller = g.account.Sub
	}
	if permission := "iam.serviceAccounts." + iamPermissions[method]; !ok || !slices.Contains(a.Impersonators, caller) {
		apiError(w, 403, "PERMISSION_DENIED", "Permission '"+permission+"' denied on resource (or it may not exist).")
		return
	}
	switch method {
	case "generateIdToken":
		e.generateIDToken(w, r, a, now)
	case "signJwt":
		e.signJWT(w, r, a, now)
	default:
		apiError(w, 404, "NOT_FOUND", "Method not found.")
	}
}

var iamPermissions = map[string]string{"generateIdToken": "getOpenIdToken", "signJwt": "signJwt"}

// readAPI reads the body of an API's request into v; a field that the API does not have is an error.
func readAPI(w http.ResponseWriter, r *http.Request, v any) bool {
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		apiError(w, 400, "INVALID_ARGUMENT", "Invalid JSON payload received.")
		return false
	}
	return true
}

func (e *Emulator) generateIDToken(w http.ResponseWriter, r *http.Request, a ServiceAccount, now time.Time) {
	var body struct {
		Audience     string   `json:"audience"`
		IncludeEmail bool     `json:"includeEmail"`
		Delegates    []string `json:"delegates"`
	}
	if !readAPI(w, r, &body) {
		return
	}
	if body.Audience == "" {
		apiError(w, 400, "INVALID_ARGUMENT", "Audience must not be empty.")
		return
	}
	token, err := e.machineToken(a, body.Audience, body.IncludeEmail, now)
	if err != nil {
		apiError(w, 500, "INTERNAL", err.Error())
		return
	}
	noStore(w)
	writeJSON(w, http.StatusOK, map[string]any{"token": token})
}

func (e *Emulator) signJWT(w http.ResponseWriter, r *http.Request, a ServiceAccount, now time.Time) {
	var body struct {
		Payload   string   `json:"payload"`
		Delegates []string `json:"delegates"`
	}
	if !readAPI(w, r, &body) {
		return
	}
	var claims struct {
		Exp float64 `json:"exp"`
	}
	if json.Unmarshal([]byte(body.Payload), &claims) != nil || time.Unix(int64(claims.Exp), 0).After(now.Add(longestSigned)) {
		apiError(w, 400, "INVALID_ARGUMENT", "The payload must be a JSON object, and exp at most 12 hours in the future.")
		return
	}
	id, key, err := e.serviceKeys.managed(a)
	if err != nil {
		apiError(w, 500, "INTERNAL", err.Error())
		return
	}
	input := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","kid":"`+id+`","typ":"JWT"}`)) + "." +
		base64.RawURLEncoding.EncodeToString([]byte(body.Payload))
	digest := sha256.Sum256([]byte(input))
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
	if err != nil {
		apiError(w, 500, "INTERNAL", err.Error())
		return
	}
	noStore(w)
	writeJSON(w, http.StatusOK, map[string]any{"keyId": id, "signedJwt": input + "." + base64.RawURLEncoding.EncodeToString(sig)})
}
