package proxy

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
)

// traces are the forms in which a text can have the secret, by which it is found again
// wherever a client puts it: in letters of either case, percent-encoded, and in base64,
// as a part of whatever was encoded.
type traces struct {
	path   string   // the secret as the first segment of a path; empty: there is no secret
	secret string   // without the beginning of path
	base64 []string // what base64 makes of it at each of three places
	whole  *strings.Replacer
}

// newTraces returns those of the secret in path, of which coded are the usual
// credentials.
func newTraces(path, coded string) traces {
	t := traces{path: path, secret: strings.TrimPrefix(path, "/~")}
	for shift := range 3 {
		// The letters that depend on what stands before and after are left out.
		text := base64.RawStdEncoding.EncodeToString([]byte("\x00\x00"[:shift] + t.secret))
		text = text[(shift*8+5)/6 : (shift+len(t.secret))*8/6]
		t.base64 = append(t.base64, text)
		if url := strings.NewReplacer("+", "-", "/", "_").Replace(text); url != text {
			t.base64 = append(t.base64, url)
		}
	}
	t.whole = strings.NewReplacer(path, "", "%2F~"+t.secret, "", "%2f~"+t.secret, "", "/%7E"+t.secret, "", "/%7e"+t.secret, "",
		"%2F%7E"+t.secret, "", "%2f%7e"+t.secret, "", t.secret, "", coded, "")
	return t
}

// in tells whether the secret is in a text.
func (t traces) in(s string) bool {
	if t.secret == "" {
		return false
	}
	for range 3 { // which is more often than anything is encoded
		if containsFold(s, t.secret) || slices.ContainsFunc(t.base64, func(form string) bool { return strings.Contains(s, form) }) {
			return true
		}
		plain, ok := unescaped(s)
		if !ok {
			return false
		}
		s = plain
	}
	return false
}

// clean returns a part of a URL without the secret. What has it in another writing than
// the usual ones goes with the segment, or the parameter, that it is in.
func (t traces) clean(s string) string {
	for t.in(s) {
		plain := t.whole.Replace(s)
		if plain == s {
			return t.cut(s)
		}
		s = plain // in which the rest may have come together
	}
	return s
}

// cut takes out what stands between two separators and has the secret.
func (t traces) cut(s string) string {
	var b strings.Builder
	for s != "" {
		end := strings.IndexAny(s, "/?&;=#") + 1
		if end == 0 {
			end = len(s)
		}
		part := strings.TrimRight(s[:end], "/?&;=#")
		if !t.in(part) {
			b.WriteString(part)
		}
		b.WriteString(s[len(part):end])
		s = s[end:]
	}
	if t.in(b.String()) {
		return ""
	}
	return b.String()
}

// redact returns a text for the log: without the secret wherever it stands, without what
// may have been the secret of an earlier run, and without the code of a link.
func (t traces) redact(s string) string {
	if t.secret != "" {
		s = strings.ReplaceAll(s, t.secret, "...")
	}
	if t.in(s) || t.in(strings.ReplaceAll(s, "...", "")) { // in another writing, or put together
		return "..."
	}
	if at := strings.Index(s, openPath); at >= 0 && s[at:] != openPath {
		s = s[:at] + openPath + "..."
	}
	segments := strings.Split(s, "/")
	for i, segment := range segments {
		if old, ok := strings.CutPrefix(segment, "~"); ok && "/"+segment+"/" != ownPath && (i == 1 || len(old) >= minSecret) {
			segments[i] = "~..."
		}
	}
	return strings.Join(segments, "/")
}

// unescaped undoes percent-encoding where it is valid. ok is false if there is none.
func unescaped(s string) (plain string, ok bool) {
	if !strings.Contains(s, "%") {
		return s, false
	}
	if plain, err := url.PathUnescape(s); err == nil {
		return plain, plain != s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+3 <= len(s) {
			if c, err := url.PathUnescape(s[i : i+3]); err == nil {
				b.WriteString(c)
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), b.String() != s
}

// containsFold tells whether part, which is ASCII, is in s, in letters of either case.
func containsFold(s, part string) bool {
	first := part[0] | 0x20
	for i := 0; i+len(part) <= len(s); i++ {
		if s[i]|0x20 == first && strings.EqualFold(s[i:i+len(part)], part) {
			return true
		}
	}
	return false
}
