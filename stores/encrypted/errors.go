package encrypted

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tokentoss/tokentoss/core"
)

// An Error says what is wrong with an encrypted document or with what opens it,
// and what puts it right.
type Error struct {
	Subject string // a path, or the key of a document
	Problem string
	Fix     string // what to do next; may be empty
	Kind    error  // an error of package core, or nil
	Cause   error  // may be nil
}

// Error names the subject, the problem and the way out. It holds no secret.
func (e *Error) Error() string {
	parts := []string{e.Subject}
	if e.Kind != nil {
		parts = append(parts, e.Kind.Error())
	}
	if e.Problem != "" {
		parts = append(parts, e.Problem)
	}
	if e.Cause != nil {
		cause := e.Cause.Error()
		if e.Kind != nil { // which need not be said twice
			cause = strings.TrimPrefix(cause, e.Kind.Error()+": ")
		}
		parts = append(parts, cause)
	}
	text := strings.Join(parts, ": ")
	if e.Fix != "" {
		text += "; " + e.Fix
	}
	return text
}

// Hint is the Fix, for callers that show it on a line of its own.
func (e *Error) Hint() string { return e.Fix }

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.Kind, e.Cause} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// A WorkFactorError refuses an identity file whose passphrase would cost more to
// try than is reasonable: whoever writes such a file decides how long, and with
// how much memory, those who read it are busy.
type WorkFactorError struct {
	LogN int // base 2 logarithm of the scrypt parameter N
}

func (e *WorkFactorError) Error() string {
	return fmt.Sprintf("its passphrase costs 2^%d, and more than 2^%d is refused", e.LogN, maxWorkFactor)
}

// Is tells that the error is a [core.ErrRefused].
func (e *WorkFactorError) Is(target error) bool { return target == core.ErrRefused }

// isContext tells whether err is that of a context that has ended.
func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
