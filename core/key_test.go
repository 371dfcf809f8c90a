package core_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

// The names of sessions are file names on every system.
func TestCheckKey(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"default", "a", "0", "work.eu-1_x", "com", "com10x", "console", "lpt", strings.Repeat("a", 64)} {
		if err := core.CheckKey(key); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
	for _, key := range []string{"", ".", "..", "-x", "_x", ".x", "A", "a/b", `a\b`, "a b", "ä", "a\x00", "a:b", "a*", "../x", "x.",
		"con", "nul", "prn", "aux", "com1", "lpt9", "con.txt", "com1.x", strings.Repeat("a", 65)} {
		if err := core.CheckKey(key); !errors.Is(err, core.ErrBadKey) {
			t.Errorf("%q: %v, want ErrBadKey", key, err)
		}
	}
}
