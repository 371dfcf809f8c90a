package core

import (
	"strings"

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
	CauseNoIDToken   Cause = "no_id_token"  // the provider renews no ID token
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
	case CauseNoIDToken:
		return "the provider renews no ID token: only a sign-in gives one"
	}
	return "a new sign-in is needed"
}

// A SignInNeededError says that, and why, only a new sign-in can give a token.
// Nothing was deleted.
type SignInNeededError struct {
	Cause Cause
	Email string // whose session it was, if known: the address, or what else the account is called
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
