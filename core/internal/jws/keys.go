package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
)

// minRSABits is the smallest RSA key that RFC 7518 section 3.3 allows.
const minRSABits = 2048

// Keys are the public keys of a JWK Set.
type Keys []Key

// A Key is one of them. ID and Algorithm may be empty.
type Key struct {
	ID, Algorithm string
	Public        crypto.PublicKey
}

// ParseKeys reads a JWK Set (RFC 7517). Keys of other kinds, or for encryption,
// are passed over, as section 5 of the RFC asks.
func ParseKeys(data []byte) (Keys, error) {
	var set struct {
		Keys []struct {
			Kty, Kid, Use, Alg, Crv, N, E, X, Y string
		} `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil || set.Keys == nil {
		return nil, fmt.Errorf("not a JWK Set")
	}
	keys := make(Keys, 0, len(set.Keys))
	for _, k := range set.Keys {
		if k.Use != "" && k.Use != "sig" {
			continue
		}
		var key crypto.PublicKey
		switch {
		case k.Kty == "RSA":
			key = rsaKey(k.N, k.E)
		case k.Kty == "EC":
			key = ecKey(k.Crv, k.X, k.Y)
		case k.Kty == "OKP" && k.Crv == "Ed25519":
			key = edKey(k.X)
		}
		if key != nil {
			keys = append(keys, Key{k.Kid, k.Alg, key})
		}
	}
	return keys, nil
}

func rsaKey(n, e string) crypto.PublicKey {
	nb, err := base64.RawURLEncoding.DecodeString(n)
	if err != nil {
		return nil
	}
	eb, err := base64.RawURLEncoding.DecodeString(e)
	if err != nil || len(eb) > 4 {
		return nil
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(nb), E: int(new(big.Int).SetBytes(eb).Int64())}
	if key.N.BitLen() < minRSABits || key.E < 3 || key.E%2 == 0 {
		return nil
	}
	return key
}

func ecKey(crv, x, y string) crypto.PublicKey {
	curve, ok := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}[crv]
	if !ok {
		return nil
	}
	n := (curve.Params().BitSize + 7) / 8
	xb, errX := base64.RawURLEncoding.DecodeString(x)
	yb, errY := base64.RawURLEncoding.DecodeString(y)
	if errX != nil || errY != nil || len(xb) != n || len(yb) != n {
		return nil
	}
	point := append(append([]byte{4}, xb...), yb...) // uncompressed, SEC 1 section 2.3.3
	key, err := ecdsa.ParseUncompressedPublicKey(curve, point)
	if err != nil {
		return nil
	}
	return key
}

func edKey(x string) crypto.PublicKey {
	b, err := base64.RawURLEncoding.DecodeString(x)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil
	}
	return ed25519.PublicKey(b)
}

// Find returns the key that should have signed t: one with its key ID, of the type
// that its algorithm wants if there is one. A token without a key ID may come from
// the only key of that type (OpenID Connect Core section 10.1).
func (ks Keys) Find(t *Token) (crypto.PublicKey, bool) {
	var named, fitting []crypto.PublicKey
	for _, k := range ks {
		if t.KeyID != "" && k.ID != t.KeyID {
			continue
		}
		named = append(named, k.Public)
		if t.fits(k.Public) && (k.Algorithm == "" || k.Algorithm == t.Algorithm) {
			fitting = append(fitting, k.Public)
		}
	}
	switch {
	case len(fitting) == 1, len(fitting) > 1 && t.KeyID != "":
		return fitting[0], true
	case len(named) > 0 && t.KeyID != "", len(named) == 1:
		return named[0], true // of another type, as Verify says
	}
	return nil, false
}
