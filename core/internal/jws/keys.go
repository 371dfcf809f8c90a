package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
)

// minRSABits is the smallest RSA key that RFC 7518 section 3.3 allows.
const minRSABits = 2048

// Keys are public keys by key ID.
type Keys map[string]crypto.PublicKey

// ParseKeys reads a JWK Set (RFC 7517). Keys of other kinds, or for encryption,
// are passed over, as section 5 of the RFC asks.
func ParseKeys(data []byte) (Keys, error) {
	var set struct {
		Keys []struct {
			Kty, Kid, Use, Crv, N, E, X, Y string
		} `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil || set.Keys == nil {
		return nil, fmt.Errorf("not a JWK Set")
	}
	keys := make(Keys)
	for _, k := range set.Keys {
		if k.Use != "" && k.Use != "sig" {
			continue
		}
		var key crypto.PublicKey
		switch {
		case k.Kty == "RSA":
			key = rsaKey(k.N, k.E)
		case k.Kty == "EC" && k.Crv == "P-256":
			key = ecKey(k.X, k.Y)
		}
		if key != nil {
			keys[k.Kid] = key
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

func ecKey(x, y string) crypto.PublicKey {
	xb, errX := base64.RawURLEncoding.DecodeString(x)
	yb, errY := base64.RawURLEncoding.DecodeString(y)
	if errX != nil || errY != nil || len(xb) != 32 || len(yb) != 32 {
		return nil
	}
	point := append(append([]byte{4}, xb...), yb...) // uncompressed, SEC 1 section 2.3.3
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil
	}
	return key
}

// Find returns the key that should have signed t: the one with its key ID, or
// the only one when t names none.
func (ks Keys) Find(t *Token) (crypto.PublicKey, bool) {
	if t.KeyID == "" && len(ks) == 1 {
		for _, k := range ks {
			return k, true
		}
	}
	k, ok := ks[t.KeyID]
	return k, ok
}
