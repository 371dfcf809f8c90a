package googleid_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core/googleid"
	"github.com/tokentoss/tokentoss/emulator/emulatortest"
)

// What Google and IAP sign is taken, in every form that they may give it.
func TestGood(t *testing.T) {
	t.Parallel()
	c, s := newClock(), newKeyServer(t)
	now := c.now()
	for name, claims := range map[string]m{
		"plain": nil, "a list of one audience": {"aud": []string{audience}}, "a date with a fraction": {"exp": float64(now.Unix()) + 599.5},
		"an exponent": {"iat": 1.9356e9, "exp": 1.9356e9 + 600}, "30 s too old": {"iat": now.Unix() - 629, "exp": now.Unix() - 29},
		"30 s too young": {"iat": now.Unix() + 30, "exp": now.Unix() + 630}, "nbf": {"nbf": now.Unix() + 30},
		"the longest life": {"exp": now.Unix() + 660},
		"access levels":    {"google": m{"access_levels": []string{"accessPolicies/1/accessLevels/office"}}, "hd": "example.com"},
	} {
		if name == "an exponent" {
			c := &clock{emulatortest.NewClock(time.Unix(1.9356e9+10, 0))}
			if _, err := assertions(t, s, c).Verify(t.Context(), es256(t, c.assertion(claims))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		who, err := assertions(t, s, c).Verify(t.Context(), es256(t, c.assertion(claims)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if who.Email != "ada@example.com" || who.Subject != "accounts.google.com:1" || who.Audience != audience || who.Issuer != googleid.IAPIssuer {
			t.Errorf("%s: %+v", name, who)
		}
		if name == "access levels" && (who.HostedDomain != "example.com" || !slices.Equal(who.AccessLevels, []string{"accessPolicies/1/accessLevels/office"})) {
			t.Errorf("%+v", who)
		}
	}
	for name, claims := range map[string]m{
		"plain": nil, "the other spelling of the issuer": {"iss": "accounts.google.com"}, "verified as a text": {"email_verified": "true"},
		"azp of a service account": {"azp": "103"}, "claims that nobody knows": {"locale": "de", "x": m{"y": []int{1}}},
	} {
		who, err := idTokens(t, s, c).Verify(t.Context(), rs256(t, c.idToken(claims)))
		if err != nil || who.Email != "ada@example.com" || who.Audience != clientID || !who.Expiry.Equal(now.Add(time.Hour)) {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
	var more struct{ Picture string }
	who, err := idTokens(t, s, c).Verify(t.Context(), rs256(t, c.idToken(m{"picture": "p"})))
	if err != nil || who.Claims(&more) != nil || more.Picture != "p" || who.String() != "ada@example.com" {
		t.Errorf("%+v, %v, %+v", who, err, more)
	}
}

// A token that names no address passes only where that is wanted, and then names
// none: an address that nobody verified is none.
func TestEmailOptional(t *testing.T) {
	t.Parallel()
	c, s := newClock(), newKeyServer(t)
	o := s.options(c, clientID)
	o.EmailOptional = true
	v, err := googleid.NewIDTokenVerifier(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, claims := range []m{{"email": nil}, {"email_verified": false}, {"email_verified": nil}, {"email_verified": 1}} {
		who, err := v.Verify(t.Context(), rs256(t, c.idToken(claims)))
		if err != nil || who.Email != "" || who.String() != "1" {
			t.Errorf("%v: %v, %v", claims, who, err)
		}
	}
}

// Claims that are not for this service, not now, or not whole are refused, each for
// its reason. Google's own library takes a third of these.
func TestClaimsRefused(t *testing.T) {
	t.Parallel()
	c, s := newClock(), newKeyServer(t)
	now := c.now().Unix()
	year := int64(365 * 24 * 3600)
	both := []struct {
		name   string
		reason googleid.Reason
		claims m
	}{
		{"wrong issuer", googleid.WrongIssuer, m{"iss": "https://evil.example"}},
		{"no issuer", googleid.WrongIssuer, m{"iss": nil}},
		{"issuer in another case", googleid.WrongIssuer, m{"iss": "HTTPS://accounts.google.com"}},
		{"issuer with a slash", googleid.WrongIssuer, m{"iss": "https://cloud.google.com/iap/"}},
		{"name in another case", googleid.WrongIssuer, m{"iss": nil, "Iss": "https://cloud.google.com/iap", "ISS": "https://accounts.google.com"}},
		{"wrong audience", googleid.WrongAudience, m{"aud": "/projects/1/global/backendServices/43"}},
		{"no audience", googleid.WrongAudience, m{"aud": nil}},
		{"empty audience", googleid.WrongAudience, m{"aud": ""}},
		{"empty list", googleid.WrongAudience, m{"aud": []string{}}},
		{"others beside", googleid.WrongAudience, m{"aud": []string{audience, clientID}}},
		{"expired 31 s ago", googleid.Expired, m{"iat": now - 600, "exp": now - 31}},
		{"expired a year ago", googleid.Expired, m{"iat": now - year, "exp": now - year + 600}},
		{"of the next hour", googleid.NotYetValid, m{"iat": now + 3600, "exp": now + 4200}},
		{"31 s too young", googleid.NotYetValid, m{"iat": now + 31, "exp": now + 600}},
		{"nbf in an hour", googleid.NotYetValid, m{"nbf": now + 3600}},
		{"ten years", googleid.TooLongLived, m{"exp": now + 10*year}},
		{"since ten years", googleid.TooLongLived, m{"iat": now - 10*year}},
		{"expires before it is issued", googleid.TooLongLived, m{"iat": now + 20, "exp": now + 10}},
		{"no exp", googleid.Incomplete, m{"exp": nil}},
		{"no iat", googleid.Incomplete, m{"iat": nil}},
		{"no sub", googleid.Incomplete, m{"sub": nil}},
		{"empty sub", googleid.Incomplete, m{"sub": ""}},
		{"no email", googleid.Incomplete, m{"email": nil}},
		{"exp a text", googleid.Malformed, m{"exp": "2031"}},
		{"exp negative", googleid.Malformed, m{"exp": -1}},
		{"exp of the stars", googleid.Malformed, m{"exp": 1e300}},
		{"iat null", googleid.Malformed, m{"iat": []int(nil)}},
		{"aud a number", googleid.Malformed, m{"aud": 5}},
		{"aud a list of numbers", googleid.Malformed, m{"aud": []int{5}}},
		{"iss a list", googleid.Malformed, m{"iss": []string{"https://cloud.google.com/iap"}}},
		{"email an object", googleid.Malformed, m{"email": m{}}},
		{"google a text", googleid.Malformed, m{"google": "x"}},
	}
	va, vi := assertions(t, s, c), idTokens(t, s, c)
	for _, tt := range both {
		_, err := va.Verify(t.Context(), es256(t, c.assertion(tt.claims)))
		wantReason(t, tt.name+", assertion", err, tt.reason)
		_, err = vi.Verify(t.Context(), rs256(t, c.idToken(tt.claims)))
		wantReason(t, tt.name+", ID token", err, tt.reason)
	}
	_, err := va.Verify(t.Context(), es256(t, c.assertion(m{"exp": now + 661})))
	wantReason(t, "an assertion of 11 minutes and a second", err, googleid.TooLongLived)
	_, err = vi.Verify(t.Context(), rs256(t, c.idToken(m{"email_verified": false})))
	wantReason(t, "an address that is not verified", err, googleid.Incomplete)
	_, err = vi.Verify(t.Context(), rs256(t, c.idToken(m{"iss": "http://accounts.google.com"})))
	wantReason(t, "an issuer by http", err, googleid.WrongIssuer)
}

func wantReason(t *testing.T, name string, err error, want googleid.Reason) {
	t.Helper()
	var e *googleid.TokenError
	if !errors.As(err, &e) || e.Reason != want {
		t.Errorf("%s: %v, want %s", name, err, want)
	}
}

// A form is what comes in a token's place.
type form struct {
	name   string
	v      *googleid.Verifier
	token  string
	reason googleid.Reason
}

// What is no token, is not signed, or is signed by somebody else is an error, and
// none of it a panic: a short ES256 signature and a header of null have felled
// Google's libraries.
func TestForms(t *testing.T) {
	t.Parallel()
	c, s := newClock(), newKeyServer(t)
	good := es256(t, c.assertion(nil))
	parts := strings.Split(good, ".")
	va, vi := assertions(t, s, c), idTokens(t, s, c)
	forms := append(oddForms(t, c, va, good), oddSignatures(t, c, va, vi)...)
	forms = append(forms, form{"another payload", va, parts[0] + "." + b64([]byte(text(t, c.assertion(m{"email": "eve@example.com"})))) + "." + parts[2], googleid.WrongSignature})
	for _, tt := range append(forms, oddAlgorithms(t, c, va, vi)...) {
		who, err := tt.v.Verify(t.Context(), tt.token)
		if who != nil {
			t.Errorf("%s: taken", tt.name)
		}
		wantReason(t, tt.name, err, tt.reason)
		if err != nil && strings.Contains(err.Error(), parts[2]) {
			t.Errorf("%s: the error quotes the token", tt.name)
		}
	}
}

const (
	esHeader = `{"alg":"ES256","kid":"ec"}`
	rsHeader = `{"alg":"RS256","kid":"rsa"}`
)

// oddForms are no JSON Web Signatures of two objects.
func oddForms(t *testing.T, c *clock, v *googleid.Verifier, good string) []form {
	_, ecKey := testKeys()
	a := text(t, c.assertion(nil))
	var forms []form
	for name, token := range map[string]string{
		"nothing": "", "text": "hello", "dots": "..", "four parts": good + ".", "a blank in front": " " + good, "padding": good + "==",
		"very long":   strings.Repeat("a", 1<<20),
		"header null": compact("null", a, byEC(ecKey)), "payload null": compact(esHeader, "null", byEC(ecKey)),
		"payload a list": compact(esHeader, "[]", byEC(ecKey)), "header a text": compact(`"x"`, a, byEC(ecKey)),
		"critical header": compact(`{"alg":"ES256","kid":"ec","crit":["x"],"x":1}`, a, byEC(ecKey)),
	} {
		forms = append(forms, form{name, v, token, googleid.Malformed})
	}
	return forms
}

// oddSignatures are of the right kind, and wrong.
func oddSignatures(t *testing.T, c *clock, va, vi *googleid.Verifier) []form {
	_, ecKey := testKeys()
	otherRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	a, id := text(t, c.assertion(nil)), text(t, c.idToken(nil))
	return []form{
		{"4 bytes of signature", va, compact(esHeader, a, fixed([]byte{1, 2, 3, 4})), googleid.WrongSignature},
		{"no signature", va, compact(esHeader, a, fixed(nil)), googleid.WrongSignature},
		{"63 bytes", va, compact(esHeader, a, func(b []byte) []byte { return byEC(ecKey)(b)[1:] }), googleid.WrongSignature},
		{"65 bytes", va, compact(esHeader, a, func(b []byte) []byte { return append(byEC(ecKey)(b), 0) }), googleid.WrongSignature},
		{"zeros", va, compact(esHeader, a, fixed(make([]byte, 64))), googleid.WrongSignature},
		{"4 bytes, RS256", vi, compact(rsHeader, id, fixed([]byte{1, 2, 3, 4})), googleid.WrongSignature},
		{"no signature, RS256", vi, compact(rsHeader, id, fixed(nil)), googleid.WrongSignature},
		{"a stranger's key", va, compact(esHeader, a, byEC(newEC())), googleid.WrongSignature},
		{"a stranger's RSA key", vi, compact(rsHeader, id, byRSA(otherRSA)), googleid.WrongSignature},
	}
}

// oddAlgorithms are of another kind than the verifier's, or by a key of no one's.
func oddAlgorithms(t *testing.T, c *clock, va, vi *googleid.Verifier) []form {
	rsaKey, ecKey := testKeys()
	der, err := x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	mac := func(signed []byte) []byte {
		h := hmac.New(sha256.New, der)
		h.Write(signed)
		return h.Sum(nil)
	}
	a, id := text(t, c.assertion(nil)), text(t, c.idToken(nil))
	return []form{
		{"none", va, compact(`{"alg":"none"}`, a, fixed(nil)), googleid.WrongAlgorithm},
		{"HS256 under the public key", vi, compact(`{"alg":"HS256","kid":"rsa"}`, id, mac), googleid.WrongAlgorithm},
		{"RS256 for an assertion", va, compact(rsHeader, a, byRSA(rsaKey)), googleid.WrongAlgorithm},
		{"ES256 for an ID token", vi, compact(esHeader, id, byEC(ecKey)), googleid.WrongAlgorithm},
		{"ES256 with the RSA key", va, compact(`{"alg":"ES256","kid":"rsa"}`, a, byEC(ecKey)), googleid.WrongAlgorithm},
		{"RS256 with the EC key", vi, compact(`{"alg":"RS256","kid":"ec"}`, id, byRSA(rsaKey)), googleid.WrongAlgorithm},
		{"no key ID", va, compact(`{"alg":"ES256"}`, a, byEC(ecKey)), googleid.UnknownKey},
		{"an unknown key", va, compact(`{"alg":"ES256","kid":"x"}`, a, byEC(ecKey)), googleid.UnknownKey},
		{"a key of its own", va, compact(`{"alg":"ES256","kid":"y","jwk":{"kty":"EC"},"jku":"https://evil.example/"}`, a, byEC(newEC())), googleid.UnknownKey},
	}
}

// A verifier that would take any audience, or keys from anywhere, is not made.
func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]googleid.Options{
		"no audience":         {},
		"an empty audience":   {Audiences: []string{clientID, ""}},
		"keys by http":        {Audiences: []string{audience}, KeysURL: "http://keys.example/"},
		"keys by loopback":    {Audiences: []string{audience}, KeysURL: "http://127.0.0.1:1/"},
		"keys of localhost":   {Audiences: []string{audience}, KeysURL: "http://localhost:1/", InsecureLoopback: true},
		"keys of nobody":      {Audiences: []string{audience}, KeysURL: "https:///keys"},
		"keys with a user":    {Audiences: []string{audience}, KeysURL: "https://a:b@keys.example/"},
		"keys in a file":      {Audiences: []string{audience}, KeysURL: "file:///etc/keys"},
		"keys of a bad URL":   {Audiences: []string{audience}, KeysURL: "https://%zz/"},
		"a relative keys URL": {Audiences: []string{audience}, KeysURL: "/keys"},
	} {
		if _, err := googleid.NewIDTokenVerifier(o); err == nil {
			t.Errorf("%s: taken", name)
		}
		if _, err := googleid.NewAssertionVerifier(o); err == nil {
			t.Errorf("%s, for assertions: taken", name)
		}
	}
	for _, a := range []string{clientID, "projects/1/apps/x", "/projects/my-project/apps/x", "/projects/1/", "https://x.example"} {
		if _, err := googleid.NewAssertionVerifier(googleid.Options{Audiences: []string{a}}); err == nil || !strings.Contains(err.Error(), "number") {
			t.Errorf("%s: %v", a, err)
		}
	}
}
