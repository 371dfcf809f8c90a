package machine

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
)

// parseKey reads the private key of a key file: PKCS #8, as Google writes it, or
// PKCS #1. It returns nil where there is none, or a weak one.
func parseKey(text string) *rsa.PrivateKey {
	der := decodePEM(text)
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		parsed, err = x509.ParsePKCS1PrivateKey(der)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok || key.N.BitLen() < 2048 {
		return nil
	}
	return key
}

// decodePEM returns what a PEM block holds (RFC 7468). What a key meets on its way
// through variables, secrets of CI services and editors is undone: line ends that were
// written as the two characters \n, became spaces, or went.
func decodePEM(text string) []byte {
	text = strings.NewReplacer(`\r`, "\n", `\n`, "\n").Replace(text)
	if block, _ := pem.Decode([]byte(text)); block != nil {
		return block.Bytes
	}
	_, rest, ok := strings.Cut(text, "-----BEGIN ")
	if !ok {
		return nil
	}
	label, rest, _ := strings.Cut(rest, "-----")
	body, _, ok := strings.Cut(rest, "-----END "+label+"-----")
	if !ok {
		return nil
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(body), ""))
	if err != nil {
		return nil
	}
	return der
}

// encodePEM writes a key as Google does, for Google's library, which reads it strictly.
func encodePEM(key *rsa.PrivateKey) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}
