// Package jws reads and verifies compact JSON Web Signatures (RFC 7515) of the
// two kinds that OpenID providers and Google's IAP use: RS256 and ES256.
//
// It knows no other algorithm, so neither "none" nor an HMAC under a public key
// can pass, and it checks that the key's type fits the algorithm (RFC 8725
// section 3.1).
package jws

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// MaxSize is the length of the longest token that is looked at, in bytes.
const MaxSize = 16 << 10

// Errors of Parse and Verify.
var (
	ErrMalformed = errors.New("not a JSON Web Token")
	ErrAlgorithm = errors.New("signature algorithm is not RS256 or ES256")
	ErrKeyType   = errors.New("the key does not fit the signature algorithm")
	ErrSignature = errors.New("wrong signature")
)

// A Token is a parsed, not yet verified, JSON Web Signature.
type Token struct {
	Algorithm string // "RS256" or "ES256"
	KeyID     string // may be empty
	Payload   []byte // the JSON object that was signed

	signed    []byte
	signature []byte
}

// Parse splits a compact token and decodes its parts. It accepts only JSON
// objects for header and payload, and only RS256 and ES256.
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
	if h.Alg != "RS256" && h.Alg != "ES256" {
		return nil, ErrAlgorithm
	}
	return &Token{
		Algorithm: h.Alg, KeyID: h.Kid, Payload: payload,
		signed: []byte(compact[:last]), signature: signature,
	}, nil
}

// Payload returns the payload of a compact token and looks at nothing else.
func Payload(compact string) ([]byte, error) {
	_, rest, _ := strings.Cut(compact, ".")
	payload, _, ok := strings.Cut(rest, ".")
	if !ok || len(compact) > MaxSize {
		return nil, ErrMalformed
	}
	return decode(payload)
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

// Verify checks the signature against one key, an *rsa.PublicKey or an
// *ecdsa.PublicKey.
func (t *Token) Verify(key crypto.PublicKey) error {
	digest := sha256.Sum256(t.signed)
	switch k := key.(type) {
	case *rsa.PublicKey:
		if t.Algorithm != "RS256" {
			return ErrKeyType
		}
		if rsa.VerifyPKCS1v15(k, crypto.SHA256, digest[:], t.signature) != nil {
			return ErrSignature
		}
		return nil
	case *ecdsa.PublicKey:
		if t.Algorithm != "ES256" {
			return ErrKeyType
		}
		// RFC 7518 section 3.4: R and S, 32 bytes each. The length is checked
		// before slicing, unlike in libraries that panic on a short signature.
		if len(t.signature) != 64 {
			return ErrSignature
		}
		r := new(big.Int).SetBytes(t.signature[:32])
		s := new(big.Int).SetBytes(t.signature[32:])
		if !ecdsa.Verify(k, digest[:], r, s) {
			return ErrSignature
		}
		return nil
	}
	return ErrKeyType
}
