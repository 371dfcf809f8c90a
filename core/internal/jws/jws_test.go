package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
)

// testKeys are a key of each type, made once: that takes time.
var testKeys = sync.OnceValues(func() (*rsa.PrivateKey, *ecdsa.PrivateKey) {
	r, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	e, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return r, e
})

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// compact makes a token with a signature by sign.
func compact(header, payload string, sign func(signed []byte) []byte) string {
	signed := b64([]byte(header)) + "." + b64([]byte(payload))
	return signed + "." + b64(sign([]byte(signed)))
}

func signRS256(t testing.TB, k *rsa.PrivateKey) func([]byte) []byte {
	return func(signed []byte) []byte {
		digest := sha256.Sum256(signed)
		s, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

func signES256(t testing.TB, k *ecdsa.PrivateKey) func([]byte) []byte {
	return func(signed []byte) []byte {
		digest := sha256.Sum256(signed)
		r, s, err := ecdsa.Sign(rand.Reader, k, digest[:])
		if err != nil {
			t.Fatal(err)
		}
		return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
}

func fixed(b []byte) func([]byte) []byte { return func([]byte) []byte { return b } }

// Both kinds are verified with their key, and with no other.
func TestVerify(t *testing.T) {
	t.Parallel()
	rsaKey, ecKey := testKeys()
	otherRSA, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	otherEC, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs := compact(`{"alg":"RS256"}`, `{"sub":"1"}`, signRS256(t, rsaKey))
	es := compact(`{"alg":"ES256"}`, `{"sub":"1"}`, signES256(t, ecKey))
	for _, tt := range []struct {
		name, token string
		key         crypto.PublicKey
		want        error
	}{
		{"RS256", rs, &rsaKey.PublicKey, nil},
		{"ES256", es, &ecKey.PublicKey, nil},
		{"RS256, another key", rs, &otherRSA.PublicKey, ErrSignature},
		{"ES256, another key", es, &otherEC.PublicKey, ErrSignature},
		{"RS256 with an EC key", rs, &ecKey.PublicKey, ErrKeyType},
		{"ES256 with an RSA key", es, &rsaKey.PublicKey, ErrKeyType},
		{"ES256 with a P-384 key", es, &p384.PublicKey, ErrKeyType},
		{"an HMAC key", rs, []byte("secret"), ErrKeyType},
		{"no key", rs, nil, ErrKeyType},
		{"a private key", rs, rsaKey, ErrKeyType},
		{"another payload", swapPayload(rs, `{"sub":"2"}`), &rsaKey.PublicKey, ErrSignature},
		{"another payload, ES256", swapPayload(es, `{"sub":"2"}`), &ecKey.PublicKey, ErrSignature},
		{"another header", strings.Replace(rs, b64([]byte(`{"alg":"RS256"}`)), b64([]byte(`{"alg":"RS256","kid":"x"}`)), 1), &rsaKey.PublicKey, ErrSignature},
	} {
		parsed, err := Parse(tt.token)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if err := parsed.Verify(tt.key); !errors.Is(err, tt.want) || (tt.want == nil) != (err == nil) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func swapPayload(token, payload string) string {
	parts := strings.Split(token, ".")
	return parts[0] + "." + b64([]byte(payload)) + "." + parts[2]
}

// Only RS256 and ES256 are known, so nothing passes
// without a signature or with an HMAC under what everybody knows.
func TestAlgorithms(t *testing.T) {
	t.Parallel()
	rsaKey, _ := testKeys()
	der, err := x509.MarshalPKIXPublicKey(&rsaKey.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	mac := func(key []byte) func([]byte) []byte {
		return func(signed []byte) []byte {
			m := hmac.New(sha256.New, key)
			m.Write(signed)
			return m.Sum(nil)
		}
	}
	for name, token := range map[string]string{
		"none":                      compact(`{"alg":"none"}`, `{}`, fixed(nil)),
		"None":                      compact(`{"alg":"None"}`, `{}`, fixed(nil)),
		"empty":                     compact(`{"alg":""}`, `{}`, fixed(nil)),
		"missing":                   compact(`{}`, `{}`, fixed(nil)),
		"HS256, the client secret":  compact(`{"alg":"HS256"}`, `{}`, mac([]byte("GOCSPX-x"))),
		"HS256, the public key":     compact(`{"alg":"HS256"}`, `{}`, mac(der)),
		"HS256, the public modulus": compact(`{"alg":"HS256"}`, `{}`, mac(rsaKey.N.Bytes())),
		"rs256":                     compact(`{"alg":"rs256"}`, `{}`, signRS256(t, rsaKey)),
		"RS256 with a blank":        compact(`{"alg":"RS256 "}`, `{}`, signRS256(t, rsaKey)),
		"ES256K":                    compact(`{"alg":"ES256K"}`, `{}`, fixed(make([]byte, 64))),
		"HS512":                     compact(`{"alg":"HS512"}`, `{}`, fixed(make([]byte, 64))),
	} {
		if _, err := Parse(token); !errors.Is(err, ErrAlgorithm) {
			t.Errorf("%s: %v, want ErrAlgorithm", name, err)
		}
	}
}

// Signatures of any length and value are errors, not panics: four
// bytes under ES256 have felled other libraries.
func TestOddSignatures(t *testing.T) {
	t.Parallel()
	rsaKey, ecKey := testKeys()
	n := ecKey.Curve.Params().N.FillBytes(make([]byte, 32))
	zero := make([]byte, 32)
	one := big.NewInt(1).FillBytes(make([]byte, 32))
	var signatures [][]byte
	for _, length := range []int{0, 1, 4, 31, 32, 63, 64, 65, 72, 128, 255, 256, 257, 512} {
		signatures = append(signatures, make([]byte, length))
	}
	for _, r := range [][]byte{zero, one, n} {
		for _, s := range [][]byte{zero, one, n} {
			signatures = append(signatures, append(append([]byte{}, r...), s...))
		}
	}
	for _, sig := range signatures {
		for alg, key := range map[string]crypto.PublicKey{"RS256": &rsaKey.PublicKey, "ES256": &ecKey.PublicKey} {
			token, err := Parse(compact(`{"alg":"`+alg+`"}`, `{}`, fixed(sig)))
			if err != nil {
				t.Fatal(err)
			}
			if err := token.Verify(key); !errors.Is(err, ErrSignature) {
				t.Errorf("%s with a signature of %d bytes: %v", alg, len(sig), err)
			}
		}
	}
	// A good signature with a byte too many is none, wherever the byte is.
	for _, at := range []int{0, 32, 64} {
		for alg, sign := range map[string]func([]byte) []byte{"RS256": signRS256(t, rsaKey), "ES256": signES256(t, ecKey)} {
			token, err := Parse(compact(`{"alg":"`+alg+`"}`, `{}`, func(signed []byte) []byte { return slices.Insert(sign(signed), at, 0) }))
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range []crypto.PublicKey{&rsaKey.PublicKey, &ecKey.PublicKey} {
				if token.Verify(key) == nil {
					t.Errorf("%s: a signature with a byte too many at %d was taken", alg, at)
				}
			}
		}
	}
	// An ES256 signature in ASN.1, as crypto/ecdsa makes them, is none here.
	digest := sha256.Sum256([]byte(b64([]byte(`{"alg":"ES256"}`)) + "." + b64([]byte(`{}`))))
	asn1, err := ecdsa.SignASN1(rand.Reader, ecKey, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	token, err := Parse(compact(`{"alg":"ES256"}`, `{}`, fixed(asn1)))
	if err != nil {
		t.Fatal(err)
	}
	if err := token.Verify(&ecKey.PublicKey); !errors.Is(err, ErrSignature) {
		t.Errorf("an ASN.1 signature: %v", err)
	}
}

// What is not a compact JWS of two JSON objects is an error that does not quote
// it.
func TestMalformed(t *testing.T) {
	t.Parallel()
	header, payload, sig := b64([]byte(`{"alg":"RS256"}`)), b64([]byte(`{}`)), b64([]byte("secret-signature"))
	good := header + "." + payload + "." + sig
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	part := func(s string) string { return b64([]byte(s)) }
	for name, token := range map[string]string{
		"empty": "", "one part": header, "two parts": header + "." + payload, "four parts": good + "." + sig,
		"five parts": "a.b.c.d.e", "dots": "..", "JSON": `{"alg":"RS256"}`,
		"padding": header + "." + payload + "==." + sig, "standard base64": header + ".+/+/." + sig,
		"bits left over": header + ".e31." + sig, // "e30" is {}
		"blank":          header + "." + payload + ". " + sig, "newline": header + "\n." + payload + "." + sig,
		"header no JSON":      part("x") + "." + payload + "." + sig,
		"header a list":       part("[]") + "." + payload + "." + sig,
		"header null":         part("null") + "." + payload + "." + sig,
		"header alg a number": part(`{"alg":5}`) + "." + payload + "." + sig,
		"header kid a list":   part(`{"alg":"RS256","kid":[]}`) + "." + payload + "." + sig,
		"critical":            part(`{"alg":"RS256","crit":["b64"],"b64":false}`) + "." + payload + "." + sig,
		"critical null":       part(`{"alg":"RS256","crit":[]}`) + "." + payload + "." + sig,
		"payload no JSON":     header + "." + part("x") + "." + sig,
		"payload text":        header + "." + part(`"x"`) + "." + sig,
		"payload null":        header + "." + part("null") + "." + sig,
		"payload half":        header + "." + part(`{"a":`) + "." + sig,
		"payload two":         header + "." + part(`{}{}`) + "." + sig,
		"no payload":          header + ".." + sig,
		"too long":            header + "." + part(`{"x":"`+strings.Repeat("a", MaxSize)+`"}`) + "." + sig,
		"five parts of JWE":   strings.Repeat("a.", 4) + "a",
	} {
		if _, err := Parse(token); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		} else if strings.Contains(err.Error(), sig) {
			t.Errorf("%s: the error quotes the token: %v", name, err)
		}
	}
}

// jwk is a public key as a member of a JWK Set.
func jwk(t *testing.T, kid string, key crypto.PublicKey, more map[string]any) map[string]any {
	t.Helper()
	m := map[string]any{"kid": kid, "use": "sig"}
	switch k := key.(type) {
	case *rsa.PublicKey:
		m["kty"], m["n"], m["e"] = "RSA", b64(k.N.Bytes()), b64(big.NewInt(int64(k.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		m["kty"], m["crv"], m["x"], m["y"] = "EC", k.Curve.Params().Name, b64(point[1:33]), b64(point[33:])
	}
	for name, v := range more {
		m[name] = v
	}
	return m
}

func set(t *testing.T, keys ...map[string]any) []byte {
	t.Helper()
	if keys == nil {
		keys = []map[string]any{}
	}
	b, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Keys are found by their ID; what cannot be a key for RS256 or ES256 is passed
// over (RFC 7517 section 5).
func TestParseKeys(t *testing.T) {
	t.Parallel()
	rsaKey, ecKey := testKeys()
	r, e := &rsaKey.PublicKey, &ecKey.PublicKey
	small := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1023), E: 65537}
	keys, err := ParseKeys(set(t,
		jwk(t, "rsa", r, nil), jwk(t, "ec", e, nil), jwk(t, "no use", r, map[string]any{"use": ""}),
		jwk(t, "enc", r, map[string]any{"use": "enc"}), jwk(t, "small", small, nil),
		jwk(t, "even e", r, map[string]any{"e": b64([]byte{4})}), jwk(t, "e is 1", r, map[string]any{"e": b64([]byte{1})}),
		jwk(t, "no e", r, map[string]any{"e": ""}), jwk(t, "long e", r, map[string]any{"e": b64([]byte{1, 0, 0, 0, 1})}),
		jwk(t, "bad n", r, map[string]any{"n": "!"}), jwk(t, "no n", r, map[string]any{"n": ""}),
		jwk(t, "off the curve", e, map[string]any{"x": b64(make([]byte, 32))}), jwk(t, "short x", e, map[string]any{"x": b64(make([]byte, 31))}),
		jwk(t, "other curve", e, map[string]any{"crv": "P-384"}), jwk(t, "bad y", e, map[string]any{"y": "="}),
		map[string]any{"kid": "oct", "kty": "oct", "k": b64([]byte("secret"))}, map[string]any{"kid": "nothing"},
	))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.ID)
	}
	if want := []string{"rsa", "ec", "no use"}; !slices.Equal(ids, want) {
		t.Errorf("keys %q, want %q", ids, want)
	}
	for name, token := range map[string]string{
		"rsa": compact(`{"alg":"RS256","kid":"rsa"}`, `{}`, signRS256(t, rsaKey)),
		"ec":  compact(`{"alg":"ES256","kid":"ec"}`, `{}`, signES256(t, ecKey)),
	} {
		parsed, err := Parse(token)
		if err != nil {
			t.Fatal(err)
		}
		key, ok := keys.Find(parsed)
		if !ok || parsed.Verify(key) != nil {
			t.Errorf("%s: not verified with the parsed key", name)
		}
	}
	for _, data := range []string{"", "null", "[]", "{}", `{"keys":null}`, `{"keys":{}}`, `{"keys":[5]}`, `{"keys":[{"kty":5}]}`, "<html>"} {
		if _, err := ParseKeys([]byte(data)); err == nil {
			t.Errorf("%q was taken", data)
		}
	}
	if keys, err := ParseKeys(set(t)); err != nil || len(keys) != 0 {
		t.Errorf("an empty set: %v, %v", keys, err)
	}
}

// A token without a key ID may be from the only key of its algorithm; with one, only
// from the key of that name (OpenID Connect Core section 10.1).
func TestFind(t *testing.T) {
	t.Parallel()
	rsaKey, ecKey := testKeys()
	one := Keys{{"a", "", &rsaKey.PublicKey}}
	two := Keys{{"a", "", &rsaKey.PublicKey}, {"b", "", &ecKey.PublicKey}}
	unnamed := Keys{{"", "", &rsaKey.PublicKey}, {"b", "", &ecKey.PublicKey}}
	alike := Keys{{"a", "", &rsaKey.PublicKey}, {"b", "", &rsaKey.PublicKey}}
	forPS := Keys{{"a", "PS256", &rsaKey.PublicKey}, {"b", "RS256", &rsaKey.PublicKey}}
	for _, tt := range []struct {
		keys Keys
		kid  string
		want bool
	}{{one, "a", true}, {one, "", true}, {one, "x", false}, {two, "b", true}, {two, "", true}, {alike, "", false}, {alike, "b", true}, {forPS, "", true}, {unnamed, "", true}, {nil, "", false}, {nil, "a", false}} {
		if _, ok := tt.keys.Find(&Token{Algorithm: "RS256", KeyID: tt.kid}); ok != tt.want {
			t.Errorf("%d keys, kid %q: found %v", len(tt.keys), tt.kid, ok)
		}
	}
}

// No token and no key set makes a panic, and what verifies was signed.
func FuzzParseJWS(f *testing.F) {
	rsaKey, ecKey := testKeys()
	signed := []string{
		compact(`{"alg":"RS256","kid":"a"}`, `{"sub":"1"}`, signRS256(f, rsaKey)),
		compact(`{"alg":"ES256"}`, `{"aud":["x"]}`, signES256(f, ecKey)),
	}
	for _, s := range signed {
		f.Add(s, []byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`))
	}
	f.Fuzz(func(t *testing.T, compact string, set []byte) {
		token, err := Parse(compact)
		if err != nil {
			if token != nil {
				t.Error("a token and an error")
			}
			return
		}
		if !Known(token.Algorithm) || !json.Valid(token.Payload) {
			t.Errorf("algorithm %q, payload %q", token.Algorithm, token.Payload)
		}
		keys, err := ParseKeys(set)
		if err != nil {
			keys = nil
		}
		if key, ok := keys.Find(token); ok {
			_ = token.Verify(key)
		}
		for _, key := range []crypto.PublicKey{&rsaKey.PublicKey, &ecKey.PublicKey} {
			if token.Verify(key) == nil && !slices.Contains(signed, compact) {
				t.Errorf("verified: %s", compact)
			}
		}
	})
}
