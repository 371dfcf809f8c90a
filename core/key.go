package core

import (
	"fmt"
	"strings"
)

// DefaultKey is the key of the session of the default profile.
const DefaultKey = "default"

// maxKeyLen leaves room for suffixes in every file system's name limit.
const maxKeyLen = 64

// CheckKey tells whether key can name a session: 1 to 64 lower-case letters,
// digits, '.', '_' and '-', beginning with a letter or digit, and no name that
// Windows reserves. Such keys are file names on every system, also where case
// does not count. The error wraps [ErrBadKey].
func CheckKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("%w: empty name", ErrBadKey)
	case len(key) > maxKeyLen:
		return fmt.Errorf("%w: a name has at most %d characters", ErrBadKey, maxKeyLen)
	}
	for i, c := range []byte(key) {
		letter := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("._-", rune(c))) {
			return fmt.Errorf("%w: %q: use a-z, 0-9, '.', '_' and '-', and begin with a letter or digit", ErrBadKey, key)
		}
	}
	base, _, _ := strings.Cut(key, ".")
	device := strings.TrimRight(base, "0123456789")
	switch {
	case base == "con", base == "prn", base == "aux", base == "nul",
		len(base) == 4 && (device == "com" || device == "lpt"),
		strings.HasSuffix(key, "."):
		return fmt.Errorf("%w: %q cannot be a file name on Windows", ErrBadKey, key)
	}
	return nil
}
