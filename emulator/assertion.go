package emulator

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/http"
	"time"
)

// The header's fixed parts. https://docs.cloud.google.com/iap/docs/signed-headers-howto
const (
	assertionIssuer   = "https://cloud.google.com/iap"
	assertionLifetime = 10 * time.Minute
)

// assertion makes the signed header for the app. With gcp-iap-mode=SECURE_TOKEN_TEST it is wrong in the way that the
// request asks for; an app must refuse all but NOT_SET.
// https://docs.cloud.google.com/iap/docs/query-parameters-and-headers-howto
func (e *Emulator) assertion(r *http.Request, who *identity) (string, error) {
	now := e.now()
	k := e.keys.current()
	claims := map[string]any{
		"iss":             assertionIssuer,
		"aud":             e.opts.AssertionAudience,
		"sub":             "accounts.google.com:" + who.sub,
		"email":           who.email,
		"identity_source": "GOOGLE",
		"iat":             now.Unix(),
		"exp":             now.Add(assertionLifetime).Unix(),
	}
	if who.hd != "" {
		claims["hd"] = who.hd
	}
	q := r.URL.Query()
	if q.Get("gcp-iap-mode") == "SECURE_TOKEN_TEST" {
		switch q.Get("iap-secure-token-test-type") {
		case "FUTURE_ISSUE":
			claims["iat"], claims["exp"] = now.Add(time.Hour).Unix(), now.Add(time.Hour+assertionLifetime).Unix()
		case "PAST_EXPIRATION":
			claims["iat"], claims["exp"] = now.Add(-time.Hour).Unix(), now.Add(assertionLifetime-time.Hour).Unix()
		case "ISSUER":
			claims["iss"] = assertionIssuer + "/wrong"
		case "AUDIENCE":
			claims["aud"] = e.opts.AssertionAudience + "/wrong"
		case "SIGNATURE":
			stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				return "", fmt.Errorf("emulator: make a key: %w", err)
			}
			k.iap = stranger // under the right kid
		}
	}
	return k.sign(map[string]any{"alg": "ES256", "typ": "JWT", "kid": k.iapID}, claims, nil)
}
