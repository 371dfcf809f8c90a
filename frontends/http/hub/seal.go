package hub

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/tokentoss/tokentoss/core/oidc"
)

// sealed is what a sealed refresh token begins with.
const sealed = "hub1."

// A sealer seals refresh tokens for their users: who finds one of another user cannot use
// it here, and nobody elsewhere. The key is made of the client's secret, without which a
// refresh token is of no use either.
type sealer struct{ cipher.AEAD }

func newSealer(secret oidc.Secret) (sealer, error) {
	key, err := hkdf.Key(sha256.New, []byte(secret.Reveal()), nil, "tokentoss hub: refresh tokens", 32)
	if err != nil {
		return sealer{}, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return sealer{aead}, err
}

func (s sealer) seal(user, token string) string {
	return sealed + base64.RawURLEncoding.EncodeToString(s.Seal(nil, nil, []byte(token), []byte(user)))
}

func (s sealer) open(user, text string) (token string, ok bool) {
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(text, sealed))
	if err != nil || !strings.HasPrefix(text, sealed) {
		return "", false
	}
	plain, err := s.Open(nil, nil, data, []byte(user))
	return string(plain), err == nil
}

// sealAnswer returns the answer of a token endpoint with its refresh token sealed. One
// that it cannot read it does not pass on.
func (s sealer) sealAnswer(user string, body []byte) ([]byte, bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return nil, false
	}
	raw, ok := fields["refresh_token"]
	if !ok {
		return body, true
	}
	var token string
	if json.Unmarshal(raw, &token) != nil {
		return nil, false
	}
	fields["refresh_token"], _ = json.Marshal(s.seal(user, token))
	body, err := json.Marshal(fields)
	return body, err == nil
}
