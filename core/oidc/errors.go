package oidc

import (
	"fmt"
	"strings"
	"time"
)

// A ProviderError is a request to the provider that did not give what it should.
// It holds no text of the answer but the error codes of RFC 6749 section 5.2,
// since an answer may contain tokens.
type ProviderError struct {
	Endpoint   string // "token", "revocation", "discovery", "keys"
	Host       string // who was asked
	Status     int    // HTTP status, 0 when there was no answer
	Code       string // the "error" of RFC 6749 section 5.2, if it had that form
	Subtype    string // Google's "error_subtype", such as "invalid_rapt"
	Problem    string // what is wrong, in words
	Offline    bool   // no connection could be made: nothing was sent
	RetryAfter time.Duration
	Next       string // what to do next, where the provider's kind of error tells
	Err        error  // the underlying network error, if any
}

func (e *ProviderError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s endpoint of %s: %s", e.Endpoint, e.Host, e.Problem)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *ProviderError) Unwrap() error { return e.Err }

// Hint says what to do next, or nothing.
func (e *ProviderError) Hint() string { return e.Next }

// Temporary tells whether the same request may succeed later. A session is kept
// in either case.
func (e *ProviderError) Temporary() bool {
	switch e.Code {
	case "invalid_grant", "invalid_client", "unauthorized_client", "invalid_request",
		"unsupported_grant_type", "invalid_scope", "access_denied":
		return false
	}
	return true
}

// A ClaimError is an ID token that must not be used (OpenID Connect Core
// section 3.1.3.7).
type ClaimError struct {
	Claim   string // "iss", "aud", "nonce", ...
	Problem string
}

func (e *ClaimError) Error() string { return "ID token refused: " + e.Claim + " " + e.Problem }

// ErrOtherSubject is the refusal of a refresh that was answered with a token of
// somebody else (OpenID Connect Core section 12.2).
var ErrOtherSubject = &ClaimError{Claim: "sub", Problem: "is not the one of the sign-in"}

// A ClockError is an ID token whose times do not fit this machine's clock.
type ClockError struct {
	Claim  string        // "iat" or "exp"
	Offset time.Duration // this machine's clock minus the provider's; 0 when not known
}

func (e *ClockError) Error() string {
	if e.Offset.Abs() < time.Second {
		return "ID token refused: its " + e.Claim + " does not fit the provider's own clock"
	}
	return fmt.Sprintf("ID token refused: its %s does not fit this machine's clock, which is %s the provider's: set the clock", e.Claim, offsetWords(e.Offset))
}

// offsetWords says "10m0s behind" or "2h0m0s ahead of".
func offsetWords(d time.Duration) string {
	if d < 0 {
		return (-d).Round(time.Second).String() + " behind"
	}
	return d.Round(time.Second).String() + " ahead of"
}
