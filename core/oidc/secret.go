package oidc

import (
	"fmt"
	"log/slog"
	"strings"
)

// redacted is what a Secret shows instead of itself.
const redacted = "[secret]"

// Secret is text that must not be seen: a token, a client secret. Every way of
// printing it (fmt with any verb, log/slog, encoding/json) gives a placeholder;
// only [Secret.Reveal] gives the text.
//
// Keep it in exported fields: fmt cannot call methods on unexported ones and
// would print the text. Nor is any method asked by fmt's %p, which go vet does
// not let pass, and by encoding/json for the keys of a map.
type Secret string

// Reveal returns the text.
func (s Secret) Reveal() string { return string(s) }

// IsVisible tells whether the text is of visible ASCII characters alone, as tokens
// are (RFC 6750 section 2.1; RFC 6749 sections A.12 and A.17 allow spaces, which no
// header does). A line end in a token would add a line of its choice to whatever the
// token is written into.
func (s Secret) IsVisible() bool {
	return !strings.ContainsFunc(string(s), func(r rune) bool { return r <= ' ' || r > '~' })
}

// String returns a placeholder, or nothing for an empty Secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return redacted
}

// Format implements [fmt.Formatter], so that no verb shows the text.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// LogValue implements [slog.LogValuer].
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText implements [encoding.TextMarshaler], which encoding/json uses.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
