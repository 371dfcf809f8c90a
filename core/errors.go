package core

import (
	"fmt"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
)

// What goes wrong is an [Error] of package fault, whose table says what each kind
// is as an exit code, an HTTP status, and so on.
type (
	Error  = fault.Error
	Kind   = fault.Kind
	Remedy = fault.Remedy
)

// Errors of an [App] and of a [Flow]. Test for them with [errors.Is].
const (
	// ErrNotConfigured: there is no OAuth client to sign in with.
	ErrNotConfigured = fault.NotConfigured

	// ErrSignInNeeded: only a new sign-in can give a token. The error is a
	// [*SignInNeededError].
	ErrSignInNeeded = fault.SignInNeeded

	// ErrDenied: the person, or the provider's policy, said no.
	ErrDenied = fault.Denied

	// ErrSignInTimeout: nobody completed the sign-in before its deadline.
	ErrSignInTimeout = fault.SignInTimeout

	// ErrRenewedRecently: a refused token was renewed moments ago, so that
	// another refresh would not help.
	ErrRenewedRecently = fault.RenewedRecently

	// ErrNotRevoked: the session is forgotten here, but the provider could not
	// be told to revoke it.
	ErrNotRevoked = fault.NotRevoked

	// ErrNotSaved: the sign-in succeeded and serves this process, but the store
	// could not keep it.
	ErrNotSaved = fault.NotSaved

	// ErrClosed: the session was closed.
	ErrClosed = fault.Closed
)

// A Cause says why a new sign-in is needed.
type Cause string

// The causes of a [SignInNeededError].
const (
	CauseSignedOut   Cause = "signed_out"   // there is no session
	CauseRevoked     Cause = "revoked"      // the provider no longer knows the refresh token
	CauseReauth      Cause = "reauth"       // the organisation wants a fresh sign-in (rapt)
	CauseTooOld      Cause = "too_old"      // older than the session lifetime
	CauseNoRefresh   Cause = "no_refresh"   // expired, and there is no refresh token
	CauseOtherClient Cause = "other_client" // made with another OAuth client
	CauseOtherPerson Cause = "other_person" // the provider answered with somebody else's token
)

// explain says the cause in words.
func (c Cause) explain() string {
	switch c {
	case CauseSignedOut:
		return "nobody is signed in"
	case CauseRevoked:
		return "the provider no longer accepts the session (revoked, expired, or its OAuth client changed)"
	case CauseReauth:
		return "your organisation wants a fresh sign-in"
	case CauseTooOld:
		return "the session is older than its lifetime"
	case CauseNoRefresh:
		return "the token expired and the provider gave no refresh token"
	case CauseOtherClient:
		return "the session was made with another OAuth client"
	case CauseOtherPerson:
		return "the provider answered with a token of somebody else"
	}
	return "a new sign-in is needed"
}

// A SignInNeededError says that, and why, only a new sign-in can give a token.
// Nothing was deleted.
type SignInNeededError struct {
	Cause Cause
	Email string // whose session it was, if known
	Err   error  // what the provider said, if anything
}

func (e *SignInNeededError) Error() string {
	var b strings.Builder
	b.WriteString("sign-in needed: " + e.Cause.explain())
	if e.Email != "" {
		b.WriteString(" (" + e.Email + ")")
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Is makes errors.Is(err, ErrSignInNeeded) true.
func (e *SignInNeededError) Is(target error) bool { return target == ErrSignInNeeded }

func (e *SignInNeededError) Unwrap() error { return e.Err }

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

// ends tells whether e is the provider's final word on a refresh token, and the
// cause to give. Errors of configuration (invalid_client and the like) are not:
// they can be mended without a new sign-in.
func (e *ProviderError) ends() (Cause, bool) {
	if e.Code != "invalid_grant" {
		return "", false
	}
	if e.Subtype == "invalid_rapt" || e.Subtype == "rapt_required" {
		return CauseReauth, true
	}
	return CauseRevoked, true
}

// A ClaimError is an ID token that must not be used (OpenID Connect Core
// section 3.1.3.7).
type ClaimError struct {
	Claim   string // "iss", "aud", "nonce", ...
	Problem string
}

func (e *ClaimError) Error() string { return "ID token refused: " + e.Claim + " " + e.Problem }

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
