package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/profile"
)

// Exit codes. A wrapped command's own code is passed on.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitSignIn  = 3 // sign-in needed
	exitRefused = 4 // refused by IAP
)

// An exitError ends the program with a code of its own. A nil err means that
// everything was said already.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// A usageError is a command line that cannot be right.
type usageError struct {
	problem string
	hint    string
}

func (e *usageError) Error() string { return e.problem }

// Hint says what to type instead.
func (e *usageError) Hint() string { return e.hint }

func usagef(hint, format string, args ...any) error {
	return &usageError{problem: fmt.Sprintf(format, args...), hint: hint}
}

// Usage returns the error of a command line that cannot be right. hint says what
// to type instead.
func Usage(hint, format string, args ...any) error { return usagef(hint, format, args...) }

// Hinted returns err with a hint of the next command.
func Hinted(err error, hint string) error { return &hintedError{err, hint} }

// Explain returns what err says, and the next command or "".
func Explain(err error) (text, hint string) { return explain(err) }

// ExitCode returns the exit code for err.
func ExitCode(err error) int { return exitCode(err) }

// Exit ends the program with a code, everything being said.
func Exit(code int) error {
	if code == exitDone {
		return nil
	}
	return &exitError{code: code}
}

// A hintedError is an error with the next command.
type hintedError struct {
	error
	hint string
}

func (e *hintedError) Unwrap() error { return e.error }
func (e *hintedError) Hint() string  { return e.hint }

// exitCode returns the code for err.
func exitCode(err error) int {
	var exit *exitError
	var usage *usageError
	var refused *iap.RefusedError
	var unknown *profile.UnknownProfileError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &usage), errors.As(err, &unknown), errors.Is(err, core.ErrBadKey):
		return exitUsage
	case errors.Is(err, core.ErrSignInNeeded):
		return exitSignIn
	case errors.As(err, &refused):
		return exitRefused
	}
	return exitFailed
}

// hintFor returns the next command for err, or "".
func hintFor(err error) string {
	var own interface{ Hint() string }
	if errors.As(err, &own) && own.Hint() != "" {
		return own.Hint()
	}
	var secrets *oidc.ClientSecretsError
	var provider *oidc.ProviderError
	var unknown *profile.UnknownProfileError
	var store *profile.UnknownStoreError
	var newer *core.NewerRecordError
	var clock *oidc.ClockError
	var port *authcode.PortError
	var claim *oidc.ClaimError
	switch {
	case errors.As(err, &secrets) && secrets.Hint != "":
		return secrets.Hint
	case errors.Is(err, core.ErrNotConfigured):
		return "tokentoss configure --from client_secrets.json"
	case errors.Is(err, core.ErrSignInNeeded):
		return "tokentoss login"
	case errors.As(err, &unknown):
		if near := nearest(unknown.Name, unknown.Known); near != "" {
			return fmt.Sprintf("did you mean %q?", near)
		}
		return "tokentoss profile add " + unknown.Name
	case errors.As(err, &store):
		if near := nearest(store.Name, store.Known); near != "" {
			return fmt.Sprintf("did you mean %q?", near)
		}
		return "tokentoss store list"
	case errors.As(err, &newer):
		return "install the newer tokentoss, or tokentoss logout --local to begin anew"
	case errors.As(err, &clock):
		return "set the clock of this machine (timedatectl set-ntp true), then tokentoss login"
	case errors.As(err, &port):
		return "choose another port with --redirect-port, or leave it out for one that is free"
	case errors.As(err, &claim) && claim.Claim == "aud":
		return "the OAuth client was changed? tokentoss configure, then tokentoss login"
	case errors.Is(err, core.ErrCorrupt), errors.Is(err, core.ErrInsecure):
		return "tokentoss login sets the file aside and makes a new one"
	case errors.Is(err, core.ErrDenied), errors.Is(err, core.ErrSignInTimeout):
		return "tokentoss login to try again"
	case errors.As(err, &provider):
		return providerHint(provider)
	case errors.Is(err, oidc.ErrInsecureLoopback):
		return "for an emulator, set " + profile.EnvInsecureLoopback + "=1, or insecure_loopback = true in config.toml"
	}
	return ""
}

func providerHint(e *oidc.ProviderError) string {
	switch {
	case e.Offline:
		return "check the network; the session is kept"
	case e.Code == "invalid_client", e.Code == "unauthorized_client", e.Code == "invalid_request":
		return "the OAuth client is not what the provider knows: tokentoss configure --from client_secrets.json"
	case e.Code == "invalid_grant":
		return "tokentoss login to start over"
	case e.Temporary() && e.RetryAfter > 0:
		return fmt.Sprintf("the session is kept; try again in %s", e.RetryAfter.Round(1e9))
	case e.Temporary():
		return "the session is kept; try again in a moment"
	}
	return "tokentoss doctor"
}

// interrupted tells whether err is only the end of ctx.
func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Canceled)
}
