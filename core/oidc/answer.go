package oidc

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/internal/jws"
	"github.com/tokentoss/tokentoss/core/internal/strictjson"
)

// longestLifetime bounds expires_in; more is a mistake of the provider.
const longestLifetime = 10 * 365 * 24 * time.Hour

// readTokens reads the answer of a token endpoint (RFC 6749 sections 5.1 and
// 5.2). That there is an ID token is for the caller to check.
func readTokens(a *answer, now time.Time) (*Token, error) {
	if a.status != 200 {
		return nil, errorAnswer(a, now)
	}
	fields, err := a.object()
	if err != nil {
		return nil, err
	}
	t := Token{ClockOffset: a.offset}
	var scope string
	for _, f := range []struct {
		name string
		into *string
	}{{"access_token", (*string)(&t.AccessToken)}, {"refresh_token", (*string)(&t.RefreshToken)}, {"id_token", (*string)(&t.IDToken)}, {"scope", &scope}} {
		if *f.into, err = a.text(fields, f.name); err != nil {
			return nil, err
		}
	}
	t.Scopes = strings.Fields(scope)
	if t.AccessToken == "" && t.IDToken == "" {
		return nil, a.fail("its answer holds no token")
	}
	if !t.AccessToken.IsVisible() || !t.RefreshToken.IsVisible() {
		return nil, a.fail("its answer holds a token with characters that no token has")
	}
	lifetime, ok, err := a.seconds(fields, "expires_in", longestLifetime)
	if ok {
		t.Expiry = now.Add(lifetime)
	}
	if err != nil {
		return nil, err
	}
	return &t, nil
}

// text returns a member of an answer that is a string, or "" when it is missing.
func (a *answer) text(fields map[string]json.RawMessage, name string) (s string, err error) {
	if raw, ok := fields[name]; ok && json.Unmarshal(raw, &s) != nil {
		return "", a.fail(name + " in its answer is not a string")
	}
	return s, nil
}

// seconds returns a member of an answer that is a number of seconds, which some
// providers send as a string. ok tells whether it is there.
func (a *answer) seconds(fields map[string]json.RawMessage, name string, most time.Duration) (d time.Duration, ok bool, err error) {
	raw := fields[name]
	if raw == nil || string(raw) == "null" {
		return 0, false, nil
	}
	n, ok := jws.Number(raw)
	switch {
	case !ok:
		return 0, false, a.fail(name + " in its answer is not a number")
	case !(n >= 0 && n <= most.Seconds()):
		return 0, false, a.fail(name + " in its answer is not a possible number of seconds")
	}
	return time.Duration(n * float64(time.Second)), true, nil
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

// readErrorCode reads the error code of an answer (RFC 6749 section 5.2).
func readErrorCode(body []byte) string {
	fields, err := strictjson.Object(body)
	if err != nil {
		return ""
	}
	return readCode(fields["error"])
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
