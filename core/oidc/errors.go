package oidc

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
)

// A ProviderError is a request to the provider that did not give what it should.
// It holds no text of the answer but the error codes of RFC 6749 section 5.2,
// since an answer may contain tokens. Its kind is one of those about the provider
// in package fault.
type ProviderError struct {
	Endpoint   string // "token", "revocation", "discovery", "keys"
	Host       string // who was asked
	Status     int    // HTTP status, 0 when there was no answer
	Code       string // the "error" of RFC 6749 section 5.2, if it had that form
	Subtype    string // Google's "error_subtype", such as "invalid_rapt"
	Problem    string // what is wrong, in words
	Offline    bool   // no connection could be made: nothing was sent
	RetryAfter time.Duration
	Kind       fault.Kind   // where the above do not tell it
	Next       fault.Remedy // what to do next, where the kind does not tell it
	Err        error        // the underlying network error, if any
}

func (e *ProviderError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s endpoint of %s: %s", e.Endpoint, e.Host, e.Problem)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the kind and the network's error.
func (e *ProviderError) Unwrap() []error {
	var list []error
	if kind := e.kind(); kind != "" {
		list = append(list, kind)
	}
	if e.Err != nil {
		list = append(list, e.Err)
	}
	return list
}

// kind sorts the failures into those that time mends and those that somebody has
// to. What is on the way to the provider answers a 400 without an error code, too.
func (e *ProviderError) kind() fault.Kind {
	switch e.Code {
	case "invalid_client", "unauthorized_client", "invalid_request":
		return fault.ClientRejected
	case "invalid_grant", "unsupported_grant_type", "invalid_scope", "access_denied":
		return fault.ProviderAnswer
	}
	switch {
	case e.Kind != "":
		return e.Kind
	case e.Offline:
		return fault.Offline
	case e.Status >= 500, e.Status == http.StatusTooManyRequests, e.Status == http.StatusRequestTimeout, e.Status == http.StatusBadRequest:
		return fault.ProviderBusy
	case e.Err != nil: // it is what that is
		return ""
	}
	return fault.ProviderAnswer
}

// Remedy says what to do next.
func (e *ProviderError) Remedy() fault.Remedy {
	kind := e.kind()
	switch {
	case !e.Next.IsZero():
		return e.Next
	case kind == fault.Offline:
		return fault.CheckNetwork.On(e.Host)
	case kind == fault.ProviderBusy:
		return fault.Remedy{Action: fault.Retry, After: e.RetryAfter}
	case e.Code == "invalid_grant":
		return fault.SignIn.On("")
	case e.Code == "invalid_scope":
		return fault.CorrectSetting.On("scopes")
	}
	return fault.Remedy{}
}

// Temporary tells whether the same request may succeed later. A session is kept
// in either case.
func (e *ProviderError) Temporary() bool { return fault.Temporary(e) }

// A ClaimError is an ID token that must not be used (OpenID Connect Core
// section 3.1.3.7).
type ClaimError struct {
	Claim   string       // "iss", "aud", "nonce", ...; "id_token" when there is none
	Problem string       // what is wrong with it
	Next    fault.Remedy // what to do next, where the claim does not tell it
}

func (e *ClaimError) Error() string { return "ID token refused: " + e.Claim + " " + e.Problem }

// Is makes errors.Is(err, fault.BadToken) true.
func (e *ClaimError) Is(target error) bool { return target == fault.BadToken }

// Remedy says what to do next about the claims that something set here decides.
func (e *ClaimError) Remedy() fault.Remedy {
	if !e.Next.IsZero() {
		return e.Next
	}
	switch e.Claim {
	case "aud", "azp":
		return fault.Configure.On("")
	case "iss":
		return fault.CorrectSetting.On("issuer")
	case "email":
		return fault.Say("use an account with an e-mail address that the provider has verified")
	case "hd":
		return fault.Say("use an account of that domain")
	case "id_token":
		return fault.Say("see that the issuer is an OpenID provider, and gives this client ID tokens")
	}
	return fault.Remedy{}
}

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
		return "ID token refused: its " + e.Claim + " does not match the provider's own clock"
	}
	return fmt.Sprintf("ID token refused: its %s does not match this machine's clock, which is %s the provider's", e.Claim, offsetWords(e.Offset))
}

// Is makes errors.Is(err, fault.WrongClock) true.
func (e *ClockError) Is(target error) bool { return target == fault.WrongClock }

// offsetWords says "10m0s behind" or "2h0m0s ahead of".
func offsetWords(d time.Duration) string {
	if d < 0 {
		return (-d).Round(time.Second).String() + " behind"
	}
	return d.Round(time.Second).String() + " ahead of"
}
