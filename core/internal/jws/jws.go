// Package jws reads and verifies compact JSON Web Signatures (RFC 7515) that were
// made with a private key: RS, PS and ES with 256, 384 or 512 bits (RFC 7518 section
// 3.1), and EdDSA with Ed25519 (RFC 8037 section 3.1).
//
// It knows no other algorithm, so neither "none" nor an HMAC under a public key
// can pass, and it checks that the key's type fits the algorithm (RFC 8725
// section 3.1). Which of them a token may have is for the caller to say.
package jws

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // for crypto.Hash.New
	_ "crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// An algorithm is how a signature is made.
type algorithm struct {
	kind  byte // of key and padding: one of the constants
	hash  crypto.Hash
	curve func() elliptic.Curve // of ECDSA
}

const (
	pkcs1v15 = 'R'
	pss      = 'P'
	ecDSA    = 'E'
	edDSA    = 'D'
)

var algorithms = map[string]algorithm{
	"RS256": {pkcs1v15, crypto.SHA256, nil}, "RS384": {pkcs1v15, crypto.SHA384, nil}, "RS512": {pkcs1v15, crypto.SHA512, nil},
	"PS256": {pss, crypto.SHA256, nil}, "PS384": {pss, crypto.SHA384, nil}, "PS512": {pss, crypto.SHA512, nil},
	"ES256": {ecDSA, crypto.SHA256, elliptic.P256}, "ES384": {ecDSA, crypto.SHA384, elliptic.P384}, "ES512": {ecDSA, crypto.SHA512, elliptic.P521},
	"EdDSA": {edDSA, crypto.SHA512, nil}, "Ed25519": {edDSA, crypto.SHA512, nil}, // two names of one (RFC 9864 section 2.2)
}

// Known tells whether alg names an algorithm of this package.
func Known(alg string) bool { return algorithms[alg].kind != 0 }

// MaxSize is the length of the longest token that is looked at, in bytes.
const MaxSize = 16 << 10

// Errors of Parse and Verify.
var (
	ErrMalformed = errors.New("not a JSON Web Token")
	ErrAlgorithm = errors.New("the signature algorithm is not one that a private key signs with")
	ErrKeyType   = errors.New("the key does not fit the signature algorithm")
	ErrSignature = errors.New("wrong signature")
)

// A Token is a parsed, not yet verified, JSON Web Signature.
type Token struct {
	Algorithm string // such as "RS256"
	KeyID     string // may be empty
	Payload   []byte // the JSON object that was signed

	signed    []byte
	signature []byte
}

// Parse splits a compact token and decodes its parts. It accepts only JSON
// objects for header and payload, and only the algorithms of this package.
func Parse(compact string) (*Token, error) {
	if len(compact) > MaxSize {
		return nil, fmt.Errorf("%w: longer than %d bytes", ErrMalformed, MaxSize)
	}
	first := strings.IndexByte(compact, '.')
	last := strings.LastIndexByte(compact, '.')
	if first < 0 || last <= first || strings.IndexByte(compact[first+1:last], '.') >= 0 {
		return nil, fmt.Errorf("%w: it does not have three parts", ErrMalformed)
	}
	header, err := decode(compact[:first])
	if err != nil {
		return nil, err
	}
	payload, err := decode(compact[first+1 : last])
	if err != nil {
		return nil, err
	}
	signature, err := decode(compact[last+1:])
	if err != nil {
		return nil, err
	}
	if !isObject(header) || !isObject(payload) {
		return nil, fmt.Errorf("%w: a part is not a JSON object", ErrMalformed)
	}
	var h struct {
		Alg  string          `json:"alg"`
		Kid  string          `json:"kid"`
		Crit json.RawMessage `json:"crit"`
	}
	if err := json.Unmarshal(header, &h); err != nil {
		return nil, fmt.Errorf("%w: odd header", ErrMalformed)
	}
	if h.Crit != nil {
		return nil, fmt.Errorf("%w: unknown critical header", ErrMalformed)
	}
	if !Known(h.Alg) {
		return nil, ErrAlgorithm
	}
	return &Token{
		Algorithm: h.Alg, KeyID: h.Kid, Payload: payload,
		signed: []byte(compact[:last]), signature: signature,
	}, nil
}

func decode(part string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(part)
	// The decoder passes over line ends, which no header may hold.
	if err != nil || strings.ContainsAny(part, "\r\n") {
		return nil, fmt.Errorf("%w: a part is not base64url", ErrMalformed)
	}
	return b, nil
}

// isObject tells whether b is one JSON object; "null" is not.
func isObject(b []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte("{")) && json.Valid(b)
}

// Hash returns the sum of data by the hash function of the token's algorithm, as
// at_hash wants it (OpenID Connect Core section 3.1.3.6). EdDSA's is SHA-512.
func (t *Token) Hash(data []byte) []byte {
	h := algorithms[t.Algorithm].hash.New()
	h.Write(data)
	return h.Sum(nil)
}

// Verify checks the signature against one key: an *rsa.PublicKey, an
// *ecdsa.PublicKey or an ed25519.PublicKey.
func (t *Token) Verify(key crypto.PublicKey) error {
	if !t.fits(key) {
		return ErrKeyType
	}
	a, ok := algorithms[t.Algorithm], false
	switch k := key.(type) {
	case *rsa.PublicKey:
		if a.kind == pss {
			// RFC 7518 section 3.5: the salt is as long as the hash.
			ok = rsa.VerifyPSS(k, a.hash, t.Hash(t.signed), t.signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash}) == nil
		} else {
			ok = rsa.VerifyPKCS1v15(k, a.hash, t.Hash(t.signed), t.signature) == nil
		}
	case *ecdsa.PublicKey:
		// RFC 7518 section 3.4: R and S, as long as the curve's order. The length is
		// checked before slicing, unlike in libraries that panic on a short signature.
		if n := (a.curve().Params().BitSize + 7) / 8; len(t.signature) == 2*n {
			r := new(big.Int).SetBytes(t.signature[:n])
			s := new(big.Int).SetBytes(t.signature[n:])
			ok = ecdsa.Verify(k, t.Hash(t.signed), r, s)
		}
	case ed25519.PublicKey:
		ok = ed25519.Verify(k, t.signed, t.signature)
	}
	if !ok {
		return ErrSignature
	}
	return nil
}

// fits tells whether key is of the type that the token's algorithm wants.
func (t *Token) fits(key crypto.PublicKey) bool {
	a := algorithms[t.Algorithm]
	switch k := key.(type) {
	case *rsa.PublicKey:
		return a.kind == pkcs1v15 || a.kind == pss
	case *ecdsa.PublicKey:
		return a.kind == ecDSA && k.Curve == a.curve()
	case ed25519.PublicKey:
		return a.kind == edDSA
	}
	return false
}
