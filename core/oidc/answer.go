package oidc

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/internal/strictjson"
)

// longestLifetime bounds expires_in; more is a mistake of the provider.
const longestLifetime = 10 * 365 * 24 * time.Hour

// readTokens reads the answer of a token endpoint (RFC 6749 sections 5.1 and
// 5.2). An answer without an ID token is an error: the old one must not live on
// with a new expiry.
func readTokens(a *answer, now time.Time) (*Token, error) {
	if a.status != 200 {
		return nil, errorAnswer(a, now)
	}
	fields, err := a.object()
	if err != nil {
		return nil, err
	}
	t := Token{ClockOffset: a.offset}
	text := func(name string) (s string, err error) {
		if raw, ok := fields[name]; ok && json.Unmarshal(raw, &s) != nil {
			err = a.fail(name + " in its answer is not a string")
		}
		return s, err
	}
	var scope string
	for _, f := range []struct {
		name string
		into *string
	}{{"access_token", (*string)(&t.AccessToken)}, {"refresh_token", (*string)(&t.RefreshToken)}, {"id_token", (*string)(&t.IDToken)}, {"scope", &scope}} {
		if *f.into, err = text(f.name); err != nil {
			return nil, err
		}
	}
	t.Scopes = strings.Fields(scope)
	if !visible(t.AccessToken) || !visible(t.RefreshToken) {
		return nil, a.fail("its answer holds a token with characters that no token has")
	}
	if t.IDToken == "" {
		return nil, a.fail("its answer holds no id_token")
	}
	if raw, ok := fields["expires_in"]; ok {
		lifetime, err := readLifetime(raw)
		if err != nil {
			return nil, a.fail(err.Error())
		}
		t.Expiry = now.Add(lifetime)
	}
	return &t, nil
}

// visible tells whether a token is of visible ASCII characters, as RFC 6749
// sections A.12 and A.17 have it. A line end would add a line of its choice to
// whatever the token is written into.
func visible(token Secret) bool {
	return strings.IndexFunc(token.Reveal(), func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

func readLifetime(raw json.RawMessage) (time.Duration, error) {
	var seconds float64
	if err := json.Unmarshal(raw, &seconds); err != nil {
		return 0, fmt.Errorf("expires_in in its answer is not a number")
	}
	if !(seconds >= 0 && seconds <= longestLifetime.Seconds()) {
		return 0, fmt.Errorf("expires_in in its answer is not a possible number of seconds")
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// errorAnswer reads an error of RFC 6749 section 5.2. Of the answer's text only
// the codes are kept, and only when they look like codes.
func errorAnswer(a *answer, now time.Time) *ProviderError {
	e := a.fail(fmt.Sprintf("answered %d", a.status))
	e.RetryAfter = a.retryAfter(now)
	fields, err := strictjson.Object(a.body)
	if err != nil {
		return e
	}
	e.Code = readCode(fields["error"])
	e.Subtype = readCode(fields["error_subtype"])
	if e.Code != "" {
		e.Problem += " " + e.Code
	}
	if e.Subtype != "" {
		e.Problem += " (" + e.Subtype + ")"
	}
	if e.Code == "invalid_request" && strings.Contains(string(fields["error_description"]), "client_secret is missing") {
		e.Problem += ": client_secret is missing"
	}
	return e
}

// readCode reads an error code: lower-case letters, digits, '_', '-' and '.',
// and short. Anything else could be anything.
func readCode(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil || len(s) > 64 {
		return ""
	}
	for _, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.') {
			return ""
		}
	}
	return s
}
