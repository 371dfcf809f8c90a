package cli

import (
	"io"
	"strings"
)

// redacted stands for a secret.
const redacted = "[redacted]"

// authHeader is what is followed by credentials, up to the end of the line, in the
// requests that curl -v shows. It is a part of "proxy-authorization:" too.
const authHeader = "authorization:"

// A redactor passes on what a program says, without a secret and without the values
// of Authorization headers. What could be the beginning of either is held back until
// more is known.
type redactor struct {
	w         io.Writer
	secret    string
	held      string // what could be the beginning of something secret
	redacting bool   // until the end of the line
}

// Write implements [io.Writer].
func (r *redactor) Write(p []byte) (int, error) {
	var out strings.Builder
	text := r.held + string(p)
	r.held = ""
	for text != "" {
		if r.redacting {
			end := strings.IndexAny(text, "\r\n")
			if end < 0 {
				break
			}
			text, r.redacting = text[end:], false
		}
		at, length, isHeader := r.next(text)
		if at < 0 {
			keep := r.beginning(text)
			out.WriteString(text[:len(text)-keep])
			r.held = text[len(text)-keep:]
			break
		}
		if isHeader {
			out.WriteString(text[:at+length] + " " + redacted)
			r.redacting = true
		} else {
			out.WriteString(text[:at] + redacted)
		}
		text = text[at+length:]
	}
	_, err := io.WriteString(r.w, out.String())
	return len(p), err
}

// next finds the first thing to redact.
func (r *redactor) next(text string) (at, length int, isHeader bool) {
	header, secret := strings.Index(asciiLower(text), authHeader), -1
	if r.secret != "" {
		secret = strings.Index(text, r.secret)
	}
	if secret >= 0 && (header < 0 || secret < header) {
		return secret, len(r.secret), false
	}
	return header, len(authHeader), true
}

// beginning returns the length of the end of text that could be the beginning of
// something to redact.
func (r *redactor) beginning(text string) int {
	for n := min(len(text), max(len(r.secret), len(authHeader))); n > 0; n-- {
		end := text[len(text)-n:]
		if strings.HasPrefix(r.secret, end) || strings.HasPrefix(authHeader, asciiLower(end)) {
			return n
		}
	}
	return 0
}

// flush passes on what was held back: it was the beginning of nothing.
func (r *redactor) flush() {
	_, _ = io.WriteString(r.w, r.held)
	r.held = ""
}

// asciiLower is text with its ASCII letters in lower case, of the same length.
func asciiLower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
