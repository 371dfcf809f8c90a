package encrypted

import (
	"strconv"

	"filippo.io/age"
)

// capped is a passphrase that tells by a type of error that it would cost too
// much to try.
type capped struct{ *age.ScryptIdentity }

// Unwrap implements [age.Identity].
func (c capped) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		if s.Type != "scrypt" || len(s.Args) != 2 {
			continue
		}
		if logN, err := strconv.Atoi(s.Args[1]); err == nil && logN > maxWorkFactor {
			return nil, &WorkFactorError{LogN: logN}
		}
	}
	return c.ScryptIdentity.Unwrap(stanzas)
}
