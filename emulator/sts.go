package emulator

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// workloadAudience names the one provider of the one workload identity pool. Its tokens are [Emulator.WorkloadToken]'s.
const workloadAudience = "//iam.googleapis.com/projects/" + projectNumber +
	"/locations/global/workloadIdentityPools/emulator/providers/oidc"

const (
	exchangeGrant   = "urn:ietf:params:oauth:grant-type:token-exchange"
	tokenTypeAccess = "urn:ietf:params:oauth:token-type:access_token"
	tokenTypeJWT    = "urn:ietf:params:oauth:token-type:jwt"
	tokenTypeID     = "urn:ietf:params:oauth:token-type:id_token"
)

// WorkloadToken returns what a workload outside Google Cloud, such as a job of a CI service, is given by its own
// provider to prove what it is. The token exchange makes an access token of it, whose principal is the subject.
func (e *Emulator) WorkloadToken(subject string) (string, error) {
	now, k := e.now(), e.keys.current()
	return k.sign(map[string]any{"alg": "RS256", "kid": k.googleID, "typ": "JWT"}, map[string]any{
		"iss": e.google.url, "aud": "https:" + workloadAudience, "sub": subject, "iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}, nil)
}

// ExternalAccount returns the configuration of workload identity federation, in the form of
// "gcloud iam workload-identity-pools create-cred-config", for a workload that finds its own provider's token in
// tokenFile and becomes the service account.
func (e *Emulator) ExternalAccount(serviceAccount, tokenFile string) []byte {
	b, _ := json.MarshalIndent(map[string]any{ // strings always marshal
		"type":                              "external_account",
		"audience":                          workloadAudience,
		"subject_token_type":                tokenTypeJWT,
		"token_url":                         e.google.url + pathSTS,
		"service_account_impersonation_url": e.google.url + pathIAMCredentials + serviceAccount + ":generateAccessToken",
		"credential_source":                 map[string]any{"file": tokenFile},
	}, "", "  ")
	return append(b, '\n')
}

// serveSTS is Google's token exchange. https://docs.cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
func (e *Emulator) serveSTS(w http.ResponseWriter, r *http.Request) {
	form, refused := postedForm(r)
	if refused != nil {
		refused.write(w)
		return
	}
	for _, must := range []struct {
		name   string
		values []string
	}{
		{"grant_type", []string{exchangeGrant}}, {"requested_token_type", []string{tokenTypeAccess}},
		{"subject_token_type", []string{tokenTypeJWT, tokenTypeID}}, {"audience", []string{workloadAudience}}, {"scope", []string{scopeCloud}},
	} {
		if !slices.Contains(must.values, form.Get(must.name)) {
			oauthError(w, 400, "invalid_request", "Invalid value for "+must.name+".")
			return
		}
	}
	subject, ok := e.workload(form.Get("subject_token"))
	if !ok {
		oauthError(w, 400, "invalid_grant", "The subject token is not one of the provider's, or has expired.")
		return
	}
	answer := e.machineAccess(Account{Sub: subject}, form.Get("scope"), e.now())
	answer["issued_token_type"] = tokenTypeAccess
	noStore(w)
	writeJSON(w, http.StatusOK, answer)
}

// workload verifies a token of the workload's own provider.
func (e *Emulator) workload(token string) (subject string, ok bool) {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return "", false
	}
	var claims jwt.Claims
	if err := parsed.Claims(&e.keys.current().google.PublicKey, &claims); err != nil {
		return "", false
	}
	err = claims.ValidateWithLeeway(jwt.Expected{Issuer: e.google.url, AnyAudience: jwt.Audience{"https:" + workloadAudience}, Time: e.now()}, 0)
	return claims.Subject, err == nil && claims.Expiry != nil && claims.Subject != ""
}
