package googleid_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/tokentoss/tokentoss/core/googleid"
	"github.com/tokentoss/tokentoss/emulator"
)

func emulate(t *testing.T, o emulator.Options) *emulator.Emulator {
	t.Helper()
	e, err := emulator.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// idTokenOf signs somebody in at the emulator.
func idTokenOf(t *testing.T, e *emulator.Emulator) string {
	t.Helper()
	token, err := e.IDToken(e.Accounts()[0].Email)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// assertionVia sends a request through the emulator's IAP and returns what the
// service behind it got.
func assertionVia(t *testing.T, e *emulator.Emulator, idToken, query string) string {
	t.Helper()
	e.ResetCalls()
	req, err := http.NewRequestWithContext(t.Context(), "GET", e.IAPURL()+"/whoami?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+idToken)
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		t.Fatalf("%s: %s", query, res.Status)
	}
	return e.Requests(emulator.Upstream)[0].Header.Get("X-Goog-IAP-JWT-Assertion")
}

func ofEmulator(t *testing.T, e *emulator.Emulator) *googleid.Verifier {
	t.Helper()
	v, err := googleid.NewAssertionVerifier(googleid.Options{
		Audiences: []string{e.AssertionAudience()}, KeysURL: e.AssertionKeysURL(), InsecureLoopback: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// IAP sends a service tokens that are wrong in five ways, when asked to: a service
// must refuse all but the one that is right.
func TestSecureTokenTest(t *testing.T) {
	t.Parallel()
	e := emulate(t, emulator.Options{Accounts: []emulator.Account{{Email: "ada@corp.example", HostedDomain: "corp.example"}}})
	v, id := ofEmulator(t, e), idTokenOf(t, e)
	for kind, want := range map[string]googleid.Reason{
		"NOT_SET": "", "FUTURE_ISSUE": googleid.NotYetValid, "PAST_EXPIRATION": googleid.Expired, "ISSUER": googleid.WrongIssuer,
		"AUDIENCE": googleid.WrongAudience, "SIGNATURE": googleid.WrongSignature,
	} {
		q := url.Values{"gcp-iap-mode": {"SECURE_TOKEN_TEST"}, "iap-secure-token-test-type": {kind}}
		who, err := v.Verify(t.Context(), assertionVia(t, e, id, q.Encode()))
		if want != "" {
			wantReason(t, kind, err, want)
			continue
		}
		if err != nil || who.Email != "ada@corp.example" || who.HostedDomain != "corp.example" || who.Subject != "accounts.google.com:"+e.Accounts()[0].Sub {
			t.Errorf("%s: %+v, %v", kind, who, err)
		}
	}
}

// IAP's keys are changed: one fetch, and the service goes on.
func TestRotation(t *testing.T) {
	t.Parallel()
	e := emulate(t, emulator.Options{})
	v := ofEmulator(t, e)
	if _, err := v.Verify(t.Context(), assertionVia(t, e, idTokenOf(t, e), "")); err != nil {
		t.Fatal(err)
	}
	if err := e.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		token := assertionVia(t, e, idTokenOf(t, e), "")
		if _, err := v.Verify(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		if n := e.Calls(emulator.IAPKeys); n > 1 {
			t.Errorf("%d fetches", n)
		}
	}
}

// The ID token of a person at the emulator.
func TestIDToken(t *testing.T) {
	t.Parallel()
	e := emulate(t, emulator.Options{})
	v, err := googleid.NewIDTokenVerifier(googleid.Options{
		Audiences: []string{e.Clients()[0].ID}, Issuer: e.Issuer(), KeysURL: e.GoogleURL() + "/oauth2/v3/certs", InsecureLoopback: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	who, err := v.Verify(t.Context(), idTokenOf(t, e))
	if err != nil || who.Email != e.Accounts()[0].Email || who.Audience != e.Clients()[0].ID {
		t.Errorf("%+v, %v", who, err)
	}
	e.SetClockOffset(-2 * time.Hour)
	_, err = v.Verify(t.Context(), idTokenOf(t, e))
	wantReason(t, "of two hours ago", err, googleid.Expired)
}

// No input makes a panic, and what passes is what was signed, in go-jose's judgement
// too.
func FuzzVerify(f *testing.F) {
	c, s := newClock(), newKeyServer(f)
	va, vi := assertions(f, s, c), idTokens(f, s, c)
	r, e := testKeys()
	judges := map[*googleid.Verifier]func(string) error{
		va: func(token string) error { return judge(token, jose.ES256, &e.PublicKey, c.now(), audience) },
		vi: func(token string) error { return judge(token, jose.RS256, &r.PublicKey, c.now(), clientID) },
	}
	for _, more := range []m{nil, {"aud": nil}, {"exp": 1e300}, {"iat": "x"}, {"aud": []any{audience, 5}}, {"google": nil}} {
		f.Add(es256(f, c.assertion(more)))
		f.Add(rs256(f, c.idToken(more)))
	}
	f.Add(compact(`{"alg":"ES256","kid":"ec"}`, "{}", fixed([]byte{1, 2, 3, 4})))
	f.Add(compact("null", "null", fixed(nil)))
	f.Add("..")
	f.Fuzz(func(t *testing.T, token string) {
		for v, judge := range judges {
			who, err := v.Verify(context.Background(), token)
			if (who == nil) == (err == nil) {
				t.Errorf("%v and %v", who, err)
			}
			var te *googleid.TokenError
			switch {
			case err == nil:
				if err := judge(token); err != nil {
					t.Errorf("go-jose says: %v", err)
				}
			case !errors.As(err, &te):
				t.Errorf("%v", err)
			}
		}
	})
}

// judge verifies a token by go-jose.
func judge(token string, alg jose.SignatureAlgorithm, key any, now time.Time, audience string) error {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{alg})
	if err != nil {
		return err
	}
	var claims jwt.Claims
	if err := parsed.Claims(key, &claims); err != nil {
		return err
	}
	return claims.ValidateWithLeeway(jwt.Expected{AnyAudience: jwt.Audience{audience}, Time: now}, 30*time.Second)
}
