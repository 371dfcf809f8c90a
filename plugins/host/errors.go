package host

import (
	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// A TrustError is an executable that is not run, or a lock file that is not
// believed, since somebody else could have changed it.
type TrustError struct {
	Path    string
	Problem string
	Fix     string
}

// Error names the path and the problem.
func (e *TrustError) Error() string { return e.Path + ": not trusted: " + e.Problem }

// Remedy says what to do next.
func (e *TrustError) Remedy() fault.Remedy { return fault.Remedy{Text: e.Fix} }

// Is makes errors.Is(err, core.ErrInsecure) true.
func (e *TrustError) Is(target error) bool { return target == core.ErrInsecure }
