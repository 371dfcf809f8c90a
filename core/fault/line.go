package fault

import (
	"strings"
	"unicode"
)

// Line returns text for a line that a person reads, where a part of it may come from
// elsewhere. Line ends and tabs become spaces. What could make it look like something
// else is left out: control characters, which terminals obey, and those that change the
// direction of what follows (https://www.unicode.org/reports/tr9/).
func Line(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case r < 0x7f && r >= ' ':
			return r
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, text)
}
