package host

import (
	"strings"

	"github.com/tokentoss/tokentoss/core"
)

// An Error says what is wrong with a plugin, as opposed to what a plugin's store
// or frontend says.
type Error struct {
	Plugin  string // its name
	Problem string
	Fix     string // what to do next; may be empty
	Kind    error  // an error of package core, or nil
	Cause   error  // may be nil
}

// Error names the plugin and the problem. It holds no secret.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("plugin " + e.Plugin + ": ")
	if e.Kind != nil {
		b.WriteString(e.Kind.Error() + ": ")
	}
	b.WriteString(e.Problem)
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	return b.String()
}

// Hint says what to do next.
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

// A TrustError is an executable that is not run, or a lock file that is not
// believed, since somebody else could have changed it.
type TrustError struct {
	Path    string
	Problem string
	Fix     string
}

// Error names the path and the problem.
func (e *TrustError) Error() string { return e.Path + ": not trusted: " + e.Problem }

// Hint says what to do next.
func (e *TrustError) Hint() string { return e.Fix }

// Is makes errors.Is(err, core.ErrInsecure) true.
func (e *TrustError) Is(target error) bool { return target == core.ErrInsecure }
