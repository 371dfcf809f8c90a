package core_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// The signature must be one of RS256 or ES256, made by a key of the
// provider that fits the algorithm.
func TestSignInRefusesSignatures(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	modulus, jwk := providerKey(t, w)
	tests := []struct {
		name   string
		claim  string
		hmac   []byte
		change func(h claims)
	}{
		{"alg none", "form", nil, func(h claims) { h["alg"] = "none" }},
		{"HS256 with the client secret", "form", nil, func(h claims) { h["alg"] = "HS256" }},
		{"HS256 with the RSA modulus", "form", modulus, func(h claims) { h["alg"] = "HS256" }},
		{"HS256 with the RSA key's JWK", "form", jwk, func(h claims) { h["alg"] = "HS256" }},
		{"a key of the wrong type", "signature", nil, func(h claims) { h["alg"] = "ES256" }},
		{"unknown kid", "kid", nil, func(h claims) { h["kid"] = "made-up" }},
		{"critical header", "form", nil, func(h claims) { h["crit"] = []string{"exp"} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := w.session()
			w.emu.SetHMACKey(tt.hmac)
			err := refusedSignIn(t, w, s, func(h, _ claims) { tt.change(h) })
			wantClaim(t, err, tt.claim)
		})
	}
}

// A token that somebody else signed is refused although it names the
// provider's key: the provider's keys are replaced, with the old name.
func TestSignatureOfAnotherKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session()
	var kid any
	w.emu.SetIDTokenClaims(func(h, _ claims) { kid = h["kid"] })
	w.signIn(s) // the session knows the first key now
	if err := w.emu.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	first := kid
	w.emu.SetIDTokenClaims(func(h, _ claims) { h["kid"] = first })
	_, err := s.SignIn(w.ctx, nobody)
	wantClaim(t, err, "signature")
}

// An unknown kid makes the keys be fetched again, at most once in 5
// minutes, so that made-up kids make no stream of requests.
func TestKeysAreFetchedAgainRarely(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	if n := w.emu.Calls(emulator.JWKS); n != 1 {
		t.Fatalf("%d fetches of the keys for the first sign-in, want 1", n)
	}
	w.emu.SetIDTokenClaims(func(h, _ claims) { h["kid"] = "made-up" })
	for range 10 {
		_, err := s.SignIn(w.ctx, nobody)
		wantClaim(t, err, "kid")
	}
	if n := w.emu.Calls(emulator.JWKS); n != 1 {
		t.Errorf("%d fetches of the keys within 5 minutes, want 1", n)
	}
	w.clock.advance(5*time.Minute + time.Second)
	for range 10 {
		_, err := s.SignIn(w.ctx, nobody)
		wantClaim(t, err, "kid")
	}
	if n := w.emu.Calls(emulator.JWKS); n != 2 {
		t.Errorf("%d fetches of the keys after 5 minutes, want 2", n)
	}
	// A real rotation is found the same way.
	w.emu.SetIDTokenClaims(nil)
	if err := w.emu.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(5*time.Minute + time.Second)
	w.signIn(s)
	if n := w.emu.Calls(emulator.JWKS); n != 3 {
		t.Errorf("%d fetches of the keys after the rotation, want 3", n)
	}
}

// Where the answer does not come over TLS, keys that cannot be had are a
// refusal, not a pass.
func TestKeysThatCannotBeHad(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.emu.SetFault(emulator.JWKS, &emulator.Fault{Status: 500})
	_, err := w.session().SignIn(w.ctx, nobody)
	if pe := wantProvider(t, err); pe.Endpoint != "keys" {
		t.Errorf("error of the %s endpoint, want keys", pe.Endpoint)
	}
	w.emu.SetFault(emulator.JWKS, &emulator.Fault{Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"no":"keys"}`)})
	_, err = w.session().SignIn(w.ctx, nobody)
	wantProvider(t, err)
}

// providerKey returns the RSA modulus and the whole JWK of the provider's key.
func providerKey(t *testing.T, w *world) (modulus, jwk []byte) {
	t.Helper()
	res, err := http.Get(w.emu.GoogleURL() + "/oauth2/v3/certs")
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer res.Body.Close()
	var set struct{ Keys []json.RawMessage }
	if err := json.NewDecoder(res.Body).Decode(&set); err != nil {
		t.Fatal(err)
	}
	var key struct{ N string }
	if err := json.Unmarshal(set.Keys[0], &key); err != nil {
		t.Fatal(err)
	}
	modulus, err = base64.RawURLEncoding.DecodeString(key.N)
	if err != nil || len(modulus) < 256 {
		t.Fatalf("modulus of %d bytes, %v", len(modulus), err)
	}
	return modulus, set.Keys[0]
}
