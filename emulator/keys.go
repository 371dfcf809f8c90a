package emulator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// keys are the signing keys of now: Google's RSA key for ID tokens, IAP's P-256 key for assertions.
type keys struct {
	mu sync.Mutex
	pair
}

type pair struct {
	google   *rsa.PrivateKey
	googleID string
	iap      *ecdsa.PrivateKey
	iapID    string
}

func (k *keys) rotate() error {
	var next pair
	var err error
	if next.google, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return fmt.Errorf("emulator: make a signing key: %w", err)
	}
	if next.iap, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return fmt.Errorf("emulator: make a signing key: %w", err)
	}
	sum := sha256.Sum256(next.google.N.Bytes())
	next.googleID = hex.EncodeToString(sum[:20])
	next.iapID = randomLetters(6)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.pair = next
	return nil
}

func (k *keys) current() pair {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.pair
}

// RotateKeys replaces every signing key at once. The old ones leave the key sets, so tokens signed with them are refused.
func (e *Emulator) RotateKeys() error { return e.keys.rotate() }

func (e *Emulator) serveJWKS(w http.ResponseWriter, _ *http.Request) {
	k := e.keys.current()
	serveKeys(w, jose.JSONWebKey{Key: &k.google.PublicKey, KeyID: k.googleID, Algorithm: "RS256", Use: "sig"})
}

func (e *Emulator) serveIAPKeys(w http.ResponseWriter, _ *http.Request) {
	k := e.keys.current()
	serveKeys(w, jose.JSONWebKey{Key: &k.iap.PublicKey, KeyID: k.iapID, Algorithm: "ES256", Use: "sig"})
}

func serveKeys(w http.ResponseWriter, key jose.JSONWebKey) {
	w.Header().Set("Cache-Control", "public, max-age=19800, must-revalidate, no-transform")
	writeJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key}})
}

// sign makes a compact JWS. It is by hand and not go-jose's because tests need tokens that no library agrees to make.
func (k pair) sign(header, claims map[string]any, hmacKey []byte) (string, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("emulator: token header: %w", err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("emulator: token claims: %w", err)
	}
	input := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c)
	digest := sha256.Sum256([]byte(input))
	var sig []byte
	switch header["alg"] {
	case "RS256":
		sig, err = rsa.SignPKCS1v15(nil, k.google, crypto.SHA256, digest[:])
	case "ES256":
		sig, err = signES256(k.iap, digest[:])
	case "HS256":
		mac := hmac.New(sha256.New, hmacKey)
		mac.Write([]byte(input))
		sig = mac.Sum(nil)
	case "none":
	default:
		err = fmt.Errorf("unknown alg %v", header["alg"])
	}
	if err != nil {
		return "", fmt.Errorf("emulator: sign token: %w", err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}

// signES256 returns r and s side by side, 32 bytes each (RFC 7518 section 3.4).
func signES256(key *ecdsa.PrivateKey, digest []byte) ([]byte, error) {
	r, s, err := ecdsa.Sign(rand.Reader, key, digest)
	if err != nil {
		return nil, err
	}
	sig := make([]byte, 64)
	r.FillBytes(sig[:32])
	s.FillBytes(sig[32:])
	return sig, nil
}
