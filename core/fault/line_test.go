package fault_test

import (
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
)

// Nothing in a text for people begins another line, is obeyed by a terminal, or changes
// the direction of what stands beside it.
func TestLineIsOneLineOfText(t *testing.T) {
	for text, want := range map[string]string{
		"plain, Grüße 東京": "plain, Grüße 東京", "": "", "a\nb\tc": "a b c", "a\u2028b\u2029c": "a b c", "a\r\x1b[2Kb": "a[2Kb", "a\u0085\u009b2Jb": "a2Jb", "a\x7fb\x00": "ab",
		"\u202eplug\u202c \u2066x\u2069\u200e\u200f\u061c": "plug x",
	} {
		if got := fault.Line(text); got != want {
			t.Errorf("Line(%q) = %q, want %q", text, got, want)
		}
	}
}
