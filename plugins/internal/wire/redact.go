package wire

import (
	"regexp"
	"sync"
)

// secretShapes are the forms of what must not be seen: JSON Web Tokens; Google's
// access tokens, client secrets, refresh tokens and authorization codes; age
// identities; and what has the name of a secret. Codes and
// refresh tokens are found by their first characters, which Google does not
// promise; it has not changed them in ten years. They do not stand in the middle
// of a path or a number, which the first group sees to.
//
// A password is not taken to follow a colon and a space: that is how people write
// what is wrong with one.
var secretShapes = pattern(
	`eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}` +
		`|ya29\.[A-Za-z0-9._-]{8,}` +
		`|GOCSPX-[A-Za-z0-9_-]{8,}` +
		`|(^|[^A-Za-z0-9._/-])(?:1(?://|(?i:%2F%2F))|4(?:/|(?i:%2F))[01])[A-Za-z0-9_-]{16,}` +
		`|(?i:AGE-(?:SECRET-KEY|PLUGIN)-[A-Z0-9-]{8,})` +
		`|(?i:` + secretNames + `|password|passphrase)` + quoteEnd + `\s*=\s*` + value +
		`|(?i:` + secretNames + `)` + quoteEnd + `\s*:\s*` + value +
		`|(?i:password|passphrase)(?:\\*["']\s*:\s*|:)` + value)

// privateKeys are those in PEM, or their beginning. They are taken out first: a key
// may stand where another shape would take its first word.
var privateKeys = pattern(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z0-9 ]*PRIVATE KEY-----)?`)

const (
	secretNames = `access_token|refresh_token|id_token|client_secret|code_verifier`
	quoteEnd    = `\\*["']?`
	value       = `(?:\\*"[^"]+|\\*'[^']+|[^\s"',;&}\\]{4,})`
)

// Redact takes what looks like a secret out of a text for people.
func Redact(s string) string {
	return secretShapes().ReplaceAllString(privateKeys().ReplaceAllString(s, "[secret]"), "${1}[secret]")
}

// pattern compiles a pattern when it is first used: most plugins end without.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
