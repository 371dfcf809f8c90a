package core

import (
	"errors"
	"strings"

	"github.com/tokentoss/tokentoss/core/oidc"
)

// Errors of an [App] and of a [Flow]. Test for them with [errors.Is].
var (
	// ErrNotConfigured: there is no OAuth client to sign in with.
	ErrNotConfigured = errors.New("no OAuth client is configured")

	// ErrSignInNeeded: only a new sign-in can give a token. The error is a
	// [*SignInNeededError].
	ErrSignInNeeded = errors.New("sign-in needed")

	// ErrDenied: the person, or the provider's policy, said no.
	ErrDenied = errors.New("sign-in was denied")

	// ErrSignInTimeout: nobody completed the sign-in before its deadline.
	ErrSignInTimeout = errors.New("sign-in was not completed in time")

	// ErrRenewedRecently: a refused token was renewed moments ago, so that
	// another refresh would not help.
	ErrRenewedRecently = errors.New("the token was renewed moments ago")

	// ErrNotRevoked: the session is forgotten here, but the provider could not
	// be told to revoke it.
	ErrNotRevoked = errors.New("not revoked at the provider")

	// ErrNotSaved: the sign-in succeeded and serves this process, but the store
	// could not keep it.
	ErrNotSaved = errors.New("the session could not be saved")

	// ErrClosed: the session was closed.
	ErrClosed = errors.New("the session is closed")
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

// endOf tells whether e is the provider's final word on a refresh token, and the
// cause to give. Errors of configuration (invalid_client and the like) are not:
// they can be mended without a new sign-in.
func endOf(e *oidc.ProviderError) (Cause, bool) {
	if e.Code != "invalid_grant" {
		return "", false
	}
	if e.Subtype == "invalid_rapt" || e.Subtype == "rapt_required" {
		return CauseReauth, true
	}
	return CauseRevoked, true
}
