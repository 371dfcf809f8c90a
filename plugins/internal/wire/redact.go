package wire

import "regexp"

// secretShapes are the forms of what must not be seen: JSON Web Tokens; Google's
// access tokens, refresh tokens, authorization codes and client secrets; age
// identities; private keys in PEM. Codes and refresh tokens are found by their
// first characters, which Google does not promise; it has not changed them in
// ten years.
var secretShapes = regexp.MustCompile(
	`eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,4}` +
		`|ya29\.[A-Za-z0-9._-]{8,}` +
		`|\b[14]//?[A-Za-z0-9_-]{16,}` +
		`|GOCSPX-[A-Za-z0-9_-]{8,}` +
		`|(?i:AGE-(?:SECRET-KEY|PLUGIN)-[A-Z0-9-]{8,})` +
		`|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?` +
		`|(?i:(?:access_token|refresh_token|id_token|client_secret|code_verifier|password|passphrase)["']?\s*[:=]\s*["']?[^\s"',;&}]{4,})`)

// Redact takes what looks like a secret out of a text for people.
func Redact(s string) string { return secretShapes.ReplaceAllString(s, "[secret]") }
