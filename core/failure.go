package core

import (
	"errors"
	"math/rand/v2"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// A failure is a refresh that the provider did not grant.
type failure struct {
	At     string     `json:"at"`
	Until  string     `json:"until,omitempty"` // ask again from then on
	Cause  Cause      `json:"cause,omitempty"` // a new sign-in is needed
	Host   string     `json:"host"`
	Status int        `json:"status,omitempty"`
	Code   string     `json:"code,omitempty"`
	Sub    string     `json:"subtype,omitempty"`
	Text   string     `json:"text"`
	Kind   fault.Kind `json:"kind,omitempty"`
	Next   string     `json:"next,omitempty"` // what to do next

	// Of an answer whose ID token was refused; without a Text it is for its times.
	Claim  string        `json:"claim,omitempty"`
	Offset time.Duration `json:"offset,omitempty"` // of an oidc.ClockError, in nanoseconds
}

// newFailure returns what to note of err, or nil when no answer was had. before is
// what was noted then.
func newFailure(err error, cause Cause, now time.Time, before *failure) *failure {
	f := &failure{At: formatTime(now), Cause: cause}
	var retryAfter time.Duration
	var pe *oidc.ProviderError
	var claim *oidc.ClaimError
	var clock *oidc.ClockError
	switch {
	case errors.As(err, &pe) && !pe.Offline:
		f.Host, f.Status, f.Code, f.Sub, f.Text = pe.Host, pe.Status, pe.Code, pe.Subtype, pe.Problem
		f.Kind, f.Next = pe.Kind, pe.Next.String()
		retryAfter = pe.RetryAfter
	case errors.As(err, &claim):
		f.Claim, f.Text = claim.Claim, claim.Problem
	case errors.As(err, &clock):
		f.Claim, f.Offset = clock.Claim, clock.Offset
	default:
		return nil
	}
	if cause == "" {
		f.Until = formatTime(now.Add(before.nextWindow(now, retryAfter)))
	}
	return f
}

// nextWindow is how long the failure answers that follows f: longer, as long as they
// come one after the other, and not equally long for all who wait for a provider.
func (f *failure) nextWindow(now time.Time, retryAfter time.Duration) time.Duration {
	window := failureWindow
	if f != nil {
		at := parseTime(f.At)
		if now.Sub(at) < oneOutage {
			window = max(window, min(2*parseTime(f.Until).Sub(at), longestWindow))
		}
	}
	if window = max(window, retryAfter); window > failureWindow {
		window += rand.N(window / 4)
	}
	return window
}

// standing returns the error that a noted failure still means for a caller who
// began at began: for good when a sign-in is needed; otherwise for those who
// were already waiting, and for the time that was set.
func (f *failure) standing(email string, began, now time.Time) error {
	if f.Cause != "" {
		return &SignInNeededError{Cause: f.Cause, Email: email, Err: f.error(now)}
	}
	at, until := parseTime(f.At), parseTime(f.Until)
	waiting := !at.Before(began) && !at.After(now)
	if left := until.Sub(now); waiting || left > 0 && left <= quietWindow+quietWindow/4 { // as long as nextWindow makes it
		return f.error(now)
	}
	return nil
}

// error returns the error that was noted.
func (f *failure) error(now time.Time) error {
	switch {
	case f.Claim != "" && f.Text == "":
		return &oidc.ClockError{Claim: f.Claim, Offset: f.Offset}
	case f.Claim != "":
		return &oidc.ClaimError{Claim: f.Claim, Problem: f.Text}
	}
	pe := f.provider()
	pe.RetryAfter = max(parseTime(f.Until).Sub(now), 0)
	return pe
}

func (f *failure) provider() *oidc.ProviderError {
	return &oidc.ProviderError{Endpoint: "token", Host: f.Host, Status: f.Status, Code: f.Code, Subtype: f.Sub, Problem: f.Text, Kind: f.Kind, Next: fault.Remedy{Text: f.Next}}
}
