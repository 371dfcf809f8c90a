package core

import (
	"errors"
	"strings"
	"unicode"
)

// CheckLine returns an error if text cannot stand in one line: if it contains a
// control character, a line or paragraph separator, or is not UTF-8. Whatever writes
// a value into a format of lines (a header, a cookie jar, a configuration file, an
// environment) checks it first, wherever the value comes from: the value might
// otherwise add a line of its own. The error does not show text.
func CheckLine(text string) error {
	if strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == unicode.ReplacementChar
	}) {
		return errors.New("a control character in a value that must be one line")
	}
	return nil
}
