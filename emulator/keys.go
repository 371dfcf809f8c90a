package emulator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // for SHA-384 and SHA-512
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// keys are the signing keys of now: Google's RSA key for ID tokens, IAP's P-256 key for assertions, and one of each further
// kind for other providers.
type keys struct {
	mu sync.Mutex
	keySet
}

type keySet struct {
	google   *rsa.PrivateKey
	googleID string
	iap      *ecdsa.PrivateKey // signs ID tokens with ES256, too
	iapID    string
	p384     *ecdsa.PrivateKey
	p521     *ecdsa.PrivateKey
	ed25519  ed25519.PrivateKey
	otherID  string // of the last three
}

// algorithm is how an algorithm of RFC 7518 section 3.1, or RFC 8037, signs.
type algorithm struct {
	hash crypto.Hash // of the signature, and of at_hash
	key  func(keySet) (crypto.Signer, string)
	sign func(key crypto.Signer, hash crypto.Hash, input []byte) ([]byte, error)
}

func rsaKey(k keySet) (crypto.Signer, string)     { return k.google, k.googleID }
func p256Key(k keySet) (crypto.Signer, string)    { return k.iap, k.iapID }
func p384Key(k keySet) (crypto.Signer, string)    { return k.p384, k.otherID }
func p521Key(k keySet) (crypto.Signer, string)    { return k.p521, k.otherID }
func ed25519Key(k keySet) (crypto.Signer, string) { return k.ed25519, k.otherID }

var algorithms = map[string]algorithm{
	"RS256": {crypto.SHA256, rsaKey, signPKCS1},
	"RS384": {crypto.SHA384, rsaKey, signPKCS1},
	"RS512": {crypto.SHA512, rsaKey, signPKCS1},
	"PS256": {crypto.SHA256, rsaKey, signPSS},
	"PS384": {crypto.SHA384, rsaKey, signPSS},
	"PS512": {crypto.SHA512, rsaKey, signPSS},
	"ES256": {crypto.SHA256, p256Key, signECDSA},
	"ES384": {crypto.SHA384, p384Key, signECDSA},
	"ES512": {crypto.SHA512, p521Key, signECDSA},
	"EdDSA": {crypto.SHA512, ed25519Key, signEd25519},
}

func signPKCS1(key crypto.Signer, hash crypto.Hash, input []byte) ([]byte, error) {
	return key.Sign(rand.Reader, digest(hash, input), hash)
}

func signPSS(key crypto.Signer, hash crypto.Hash, input []byte) ([]byte, error) {
	return key.Sign(rand.Reader, digest(hash, input), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash})
}

func signEd25519(key crypto.Signer, _ crypto.Hash, input []byte) ([]byte, error) {
	return key.Sign(rand.Reader, input, crypto.Hash(0))
}

// signECDSA returns r and s side by side, each as long as the curve's order (RFC 7518 section 3.4).
func signECDSA(key crypto.Signer, hash crypto.Hash, input []byte) ([]byte, error) {
	private := key.(*ecdsa.PrivateKey)
	r, s, err := ecdsa.Sign(rand.Reader, private, digest(hash, input))
	if err != nil {
		return nil, err
	}
	size := (private.Curve.Params().BitSize + 7) / 8
	sig := make([]byte, 2*size)
	r.FillBytes(sig[:size])
	s.FillBytes(sig[size:])
	return sig, nil
}

func digest(hash crypto.Hash, input []byte) []byte {
	h := hash.New()
	h.Write(input)
	return h.Sum(nil)
}

func (k *keys) rotate() error {
	next, err := newKeySet()
	if err != nil {
		return fmt.Errorf("emulator: make a signing key: %w", err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keySet = next
	return nil
}

func newKeySet() (k keySet, err error) {
	if k.google, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return k, err
	}
	for curve, key := range map[elliptic.Curve]**ecdsa.PrivateKey{elliptic.P256(): &k.iap, elliptic.P384(): &k.p384, elliptic.P521(): &k.p521} {
		if *key, err = ecdsa.GenerateKey(curve, rand.Reader); err != nil {
			return k, err
		}
	}
	if _, k.ed25519, err = ed25519.GenerateKey(rand.Reader); err != nil {
		return k, err
	}
	sum := sha256.Sum256(k.google.N.Bytes())
	k.googleID, k.iapID, k.otherID = hex.EncodeToString(sum[:20]), randomLetters(6), randomLetters(8)
	return k, nil
}

func (k *keys) current() keySet {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.keySet
}

// RotateKeys replaces every signing key at once. The old ones leave the key sets, so tokens signed with them are refused.
func (e *Emulator) RotateKeys() error { return e.keys.rotate() }

func (e *Emulator) serveJWKS(w http.ResponseWriter, _ *http.Request) {
	serveKey(w, e.keys.current(), e.provider().signingAlg())
}

func (e *Emulator) serveIAPKeys(w http.ResponseWriter, _ *http.Request) {
	serveKey(w, e.keys.current(), "ES256")
}

func serveKey(w http.ResponseWriter, k keySet, alg string) {
	key, id := k.public(alg)
	w.Header().Set("Cache-Control", "public, max-age=19800, must-revalidate, no-transform")
	writeJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: id, Algorithm: alg, Use: "sig"}}})
}

// public returns what verifies tokens of an algorithm, and its kid.
func (k keySet) public(alg string) (crypto.PublicKey, string) {
	key, id := algorithms[alg].key(k)
	return key.Public(), id
}

func (k keySet) id(alg string) string {
	_, id := algorithms[alg].key(k)
	return id
}

// sign makes a compact JWS. It is by hand and not go-jose's because tests need tokens that no library agrees to make.
func (k keySet) sign(header, claims map[string]any, hmacKey []byte) (string, error) {
	h, err := json.Marshal(header)
	if err != nil {
		return "", fmt.Errorf("emulator: token header: %w", err)
	}
	c, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("emulator: token claims: %w", err)
	}
	input := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c)
	sig, err := k.signature(header["alg"], []byte(input), hmacKey)
	if err != nil {
		return "", fmt.Errorf("emulator: sign token: %w", err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(sig), nil
}

func (k keySet) signature(alg any, input, hmacKey []byte) ([]byte, error) {
	switch alg {
	case "none":
		return nil, nil
	case "HS256":
		mac := hmac.New(sha256.New, hmacKey)
		mac.Write(input)
		return mac.Sum(nil), nil
	}
	name, _ := alg.(string)
	a, ok := algorithms[name]
	if !ok {
		return nil, fmt.Errorf("unknown alg %v", alg)
	}
	key, _ := a.key(k)
	return a.sign(key, a.hash, input)
}
