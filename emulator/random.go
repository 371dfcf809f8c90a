package emulator

import (
	"crypto/rand"
	"encoding/base64"
)

// randomToken returns n random bytes in base64url.
func randomToken(n int) string {
	b := make([]byte, n)
	rand.Read(b) // never fails, see crypto/rand
	return base64.RawURLEncoding.EncodeToString(b)
}

// randomLetters returns n letters without vowels and look-alikes, so that a code spells no word and is easy to type
// (RFC 8628 section 6.1).
func randomLetters(n int) string {
	const alphabet = "BCDFGHJKLMNPQRSTVWXZ"
	b := make([]byte, n)
	rand.Read(b)
	for i, c := range b {
		b[i] = alphabet[int(c)%len(alphabet)]
	}
	return string(b)
}
