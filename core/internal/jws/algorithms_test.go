package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"testing"
)

// signer makes a key for alg and what signs with it.
func signer(t *testing.T, alg string) (public crypto.PublicKey, sign func([]byte) []byte) {
	t.Helper()
	a := algorithms[alg]
	sum := func(data []byte) []byte { return (&Token{Algorithm: alg}).Hash(data) }
	switch a.kind {
	case ecDSA:
		key, err := ecdsa.GenerateKey(a.curve(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return &key.PublicKey, func(data []byte) []byte {
			r, s, err := ecdsa.Sign(rand.Reader, key, sum(data))
			if err != nil {
				t.Fatal(err)
			}
			n := (a.curve().Params().BitSize + 7) / 8
			return append(r.FillBytes(make([]byte, n)), s.FillBytes(make([]byte, n))...)
		}
	case edDSA:
		public, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return public, func(data []byte) []byte { return ed25519.Sign(key, data) }
	}
	key, _ := testKeys()
	return &key.PublicKey, func(data []byte) (sig []byte) {
		var err error
		if a.kind == pss {
			sig, err = rsa.SignPSS(rand.Reader, key, a.hash, sum(data), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		} else {
			sig, err = rsa.SignPKCS1v15(rand.Reader, key, a.hash, sum(data))
		}
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
}

// isEd tells the two names of one algorithm.
func isEd(alg string) bool { return alg == "EdDSA" || alg == "Ed25519" }

// What a provider may sign with by its own choice is verified with its key, and with
// no other, nor under the name of another algorithm.
func TestEveryAlgorithm(t *testing.T) {
	t.Parallel()
	type signed struct {
		public crypto.PublicKey
		token  *Token
	}
	all := map[string]signed{}
	for alg := range algorithms {
		public, sign := signer(t, alg)
		parsed, err := Parse(compact(`{"alg":"`+alg+`"}`, `{"sub":"1"}`, sign))
		if err != nil {
			t.Fatal(err)
		}
		all[alg] = signed{public, parsed}
	}
	for alg, s := range all {
		if err := s.token.Verify(s.public); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		for other := range all {
			renamed := *s.token
			renamed.Algorithm = other
			if err := renamed.Verify(s.public); (err == nil) != (other == alg || isEd(other) && isEd(alg)) {
				t.Errorf("%s under the name of %s: %v", alg, other, err)
			}
		}
		broken := *s.token
		broken.signed = append([]byte("x"), broken.signed...)
		if err := broken.Verify(s.public); !errors.Is(err, ErrSignature) {
			t.Errorf("%s, changed: %v, want ErrSignature", alg, err)
		}
		short := *s.token
		short.signature = short.signature[:len(short.signature)-1]
		if err := short.Verify(s.public); !errors.Is(err, ErrSignature) {
			t.Errorf("%s, cut off: %v, want ErrSignature", alg, err)
		}
	}
}

// Keys of every type are read from a JWK Set (RFC 7518 section 6, RFC 8037).
func TestParseKeysOfEveryType(t *testing.T) {
	t.Parallel()
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	list := []map[string]any{{"kid": "EdDSA", "kty": "OKP", "crv": "Ed25519", "x": b64(ed)}, {"kid": "X", "kty": "OKP", "crv": "X25519", "x": b64(ed)}}
	want := map[string]crypto.PublicKey{"EdDSA": ed}
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := key.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		n := (len(point) - 1) / 2
		name := curve.Params().Name
		list = append(list, map[string]any{"kid": name, "kty": "EC", "crv": name, "x": b64(point[1 : 1+n]), "y": b64(point[1+n:])})
		want[name] = &key.PublicKey
	}
	data, err := json.Marshal(map[string]any{"keys": list})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := ParseKeys(data)
	if err != nil || len(keys) != len(want) {
		t.Fatalf("%d keys, %v; want %d", len(keys), err, len(want))
	}
	for _, k := range keys {
		if !want[k.ID].(interface{ Equal(crypto.PublicKey) bool }).Equal(k.Public) {
			t.Errorf("%s is not the key that was written", k.ID)
		}
	}
}

// Libraries of the field read a number that is written as a string; nothing else is
// one.
func TestNumber(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]float64{`3599`: 3599, `"3599"`: 3599, `3599.5`: 3599.5, `1.7e9`: 1.7e9, `"1.7e9"`: 1.7e9, `null`: 0, ``: 0, `-1`: -1} {
		if got, ok := Number([]byte(raw)); !ok || got != want {
			t.Errorf("%s: %v, %t, want %v", raw, got, ok, want)
		}
	}
	for _, raw := range []string{`""`, `" 3599"`, `"3599 "`, `"0x10"`, `"1_000"`, `"Infinity"`, `"NaN"`, `"one"`, `true`, `[3599]`, `{}`, `1e999`, `"1e999"`} {
		if got, ok := Number([]byte(raw)); ok {
			t.Errorf("%s was read as %v", raw, got)
		}
	}
}
