package file

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/tokentoss/tokentoss/core"
)

// An Error says what is wrong with a file or directory of a store, and what puts
// it right.
type Error struct {
	Path    string
	Problem string // what is wrong, such as "mode 0644: others can read it"
	Fix     string // what to do next, often a command; may be empty
	Kind    error  // an error of package core, or nil
	Cause   error  // what the system or the context says, or nil
}

// Error names the path, the problem and the way out. It holds no secret.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Path)
	if e.Kind != nil {
		b.WriteString(": " + e.Kind.Error())
	}
	if e.Problem != "" {
		b.WriteString(": " + e.Problem)
	}
	if e.Cause != nil {
		b.WriteString(": " + e.Cause.Error())
	}
	if e.Fix != "" {
		b.WriteString("; " + e.Fix)
	}
	return b.String()
}

// Hint is the Fix, for callers that show it on a line of its own.
func (e *Error) Hint() string { return e.Fix }

// Unwrap returns the kind and the cause.
func (e *Error) Unwrap() []error {
	var errs []error
	if e.Kind != nil {
		errs = append(errs, e.Kind)
	}
	if e.Cause != nil {
		errs = append(errs, e.Cause)
	}
	return errs
}

// bare strips the operation and the path of a system error, since an [Error] has
// the path already.
func bare(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return err
}

func notFound(path string) error { return &Error{Path: path, Kind: core.ErrNotFound} }

// cannotWrite tells why path, or something that it needs, could not be written.
// Whatever the system's reason, it means the same to the caller: what it wanted
// to keep is not kept, and what was there is.
func cannotWrite(path string, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	e := &Error{Path: path, Kind: core.ErrReadOnly, Cause: bare(err)}
	switch {
	case errors.Is(err, errNoSpace), errors.Is(err, errQuota):
		e.Fix = "free some space and try again"
	case errors.Is(err, errReadOnlyFS), errors.Is(err, fs.ErrPermission):
		e.Fix = "make its directory writable, or choose another place for the tokens"
	}
	return e
}

// readOnly tells that somebody took the permission to write from a document.
func readOnly(path string) error {
	return &Error{Path: path, Kind: core.ErrReadOnly, Problem: "the file is read-only", Fix: "run " + makeWritable(path)}
}

// otherKind tells what stands where a document should be.
func otherKind(path, what string) error {
	return &Error{
		Path: path, Kind: core.ErrCorrupt, Problem: what + ", not a file",
		Fix: fmt.Sprintf("run mv %s %s", quote(path), quote(path+".damaged")),
	}
}

func tooLarge(path string, size int64) error {
	return &Error{
		Path: path, Kind: core.ErrTooLarge,
		Problem: fmt.Sprintf("%d bytes; a session has at most %d", size, maxSize),
	}
}

func empty(path string) error {
	return &Error{Path: path, Kind: core.ErrCorrupt, Problem: "0 bytes"}
}

// insecure tells why a file is refused, and the command that puts it right.
func insecure(path, problem, fix string) error {
	return &Error{Path: path, Kind: core.ErrInsecure, Problem: problem, Fix: fix}
}

// quote writes a path as a word of a shell command.
func quote(path string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(`/\:._-+@`, r)
	}
	if strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return quoted(path)
}
