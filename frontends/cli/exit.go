package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokentoss/tokentoss/core/fault"
)

// Exit codes. A wrapped command's own code is passed on.
const (
	exitDone    = int(fault.ExitDone)
	exitFailed  = int(fault.ExitFailed)
	exitUsage   = int(fault.ExitUsage)
	exitSignIn  = int(fault.ExitSignIn)
	exitRefused = int(fault.ExitRefused)
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

// Is makes errors.Is(err, fault.Usage) true.
func (e *usageError) Is(target error) bool { return target == fault.Usage }

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
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &exit):
		return exit.code
	}
	return int(fault.Of(err).Row().Exit)
}

// interrupted tells whether err is only the end of ctx.
func interrupted(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, context.Canceled)
}
