package device

import (
	"errors"
	"fmt"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// A TimeoutError says that nobody agreed as long as the code was valid. It is
// [core.ErrSignInTimeout].
type TimeoutError struct{ After time.Duration }

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("sign-in was not completed within %s: nobody typed the code in and agreed; if the page showed an error instead, "+
		"its text names the cause: admin_policy_enforced or org_internal (your administrator must allow this client)", e.After)
}

// Is makes errors.Is(err, core.ErrSignInTimeout) true.
func (e *TimeoutError) Is(target error) bool { return target == core.ErrSignInTimeout }

// A DeniedError is the provider's no: the person's, or that of a policy. It is
// [core.ErrDenied].
type DeniedError struct{ Code string }

func (e *DeniedError) Error() string {
	return "sign-in was denied: " + denial(e.Code) + " (" + e.Code + ")"
}

// Is makes errors.Is(err, core.ErrDenied) true.
func (e *DeniedError) Is(target error) bool { return target == core.ErrDenied }

// denial says an error code in words that is a no (RFC 8628 section 3.5, and
// Google's); "" is for one that is not.
func denial(code string) string {
	switch code {
	case "access_denied":
		return "you, or your organisation, said no"
	case "admin_policy_enforced":
		return "your administrator does not allow this client, or no device sign-in at all"
	case "org_internal":
		return "this client is for another organisation"
	}
	return ""
}

// A ClientError is an OAuth client that the provider does not let sign in by device
// code.
type ClientError struct{ Err error }

func (e *ClientError) Error() string {
	return "this OAuth client cannot sign in by device code: " + e.Err.Error()
}

// Unwrap returns the kind and the provider's answer.
func (e *ClientError) Unwrap() []error { return []error{fault.ClientRejected, e.Err} }

// Remedy says what to do next.
func (e *ClientError) Remedy() fault.Remedy {
	return fault.Say(`at Google, make an OAuth client of the type "TVs and Limited Input devices", and a profile for it whose flow is device`)
}

// startError tells the person's mistake from the provider's trouble.
func startError(err error) error {
	var answer *oidc.ProviderError
	if errors.As(err, &answer) && (answer.Code == "invalid_client" || answer.Code == "unauthorized_client") {
		return &ClientError{Err: err}
	}
	return err
}
