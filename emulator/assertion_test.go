package emulator_test

import (
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/tokentoss/tokentoss/emulator"
)

// assertionVia sends a request through IAP and returns the signed header that the app got.
func assertionVia(t *testing.T, e *emulator.Emulator, idToken, path string) string {
	t.Helper()
	e.ResetCalls()
	if a := iapGet(t, e, path, "Authorization", "Bearer "+idToken); a.status != 200 {
		t.Fatalf("%s: %d", path, a.status)
	}
	return e.Requests(emulator.Upstream)[0].Header.Get("X-Goog-Iap-Jwt-Assertion")
}

func TestAssertion(t *testing.T) {
	t.Parallel()
	clock := newClock()
	e := start(t, emulator.Options{Now: clock.Now, Accounts: []emulator.Account{{Email: "ada@corp.example", HostedDomain: "corp.example"}}})
	token := assertionVia(t, e, signIn(t, e, "ada@corp.example").str("id_token"), "/whoami")
	claims := verify(t, token, jose.ES256, fetchKeys(t, e.AssertionKeysURL()))
	now := float64(clock.Now().Unix())
	for name, want := range map[string]any{
		"iss": "https://cloud.google.com/iap", "aud": e.AssertionAudience(), "email": "ada@corp.example", "hd": "corp.example",
		"sub": "accounts.google.com:" + e.Accounts()[0].Sub, "iat": now, "exp": now + 600,
	} {
		if claims[name] != want {
			t.Errorf("%s = %v, want %v", name, claims[name], want)
		}
	}
}

// The six kinds of SECURE_TOKEN_TEST; a verifier by the book takes the first and refuses the others.
func TestSecureTokenTest(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{AssertionAudience: "/projects/1/apps/mine"})
	id := signIn(t, e, user).str("id_token")
	keys := fetchKeys(t, e.AssertionKeysURL())
	for kind, fails := range map[string]error{
		"NOT_SET": nil, "FUTURE_ISSUE": jwt.ErrIssuedInTheFuture, "PAST_EXPIRATION": jwt.ErrExpired,
		"ISSUER": jwt.ErrInvalidIssuer, "AUDIENCE": jwt.ErrInvalidAudience, "SIGNATURE": jose.ErrCryptoFailure,
	} {
		token := assertionVia(t, e, id, "/?gcp-iap-mode=SECURE_TOKEN_TEST&iap-secure-token-test-type="+kind)
		parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.ES256})
		if err != nil {
			t.Fatal(err)
		}
		var claims jwt.Claims
		if err = parsed.Claims(keys, &claims); err == nil {
			err = claims.ValidateWithLeeway(jwt.Expected{Issuer: "https://cloud.google.com/iap",
				AnyAudience: jwt.Audience{"/projects/1/apps/mine"}, Time: time.Now()}, 30*time.Second)
		}
		if err != fails {
			t.Errorf("%s: %v, want %v", kind, err, fails)
		}
	}
}
