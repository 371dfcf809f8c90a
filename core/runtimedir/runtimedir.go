// Package runtimedir finds the user's own directory for sockets: what lives no
// longer than the user is logged in.
package runtimedir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// MaxLen is how long the directory's path may be, in bytes. A socket's path has
// 108 at most, on macOS 104, and names in the directory need the rest.
const MaxLen = 50

// Dir returns the directory, which it makes where it is missing:
// $XDG_RUNTIME_DIR/tokentoss, or tokentoss-UID in the place for temporary files.
// It is the user's alone; one that others own or can enter is an [*Error].
func Dir() (string, error) {
	own := fmt.Sprintf("tokentoss-%d", os.Getuid())
	err := errors.New("XDG_RUNTIME_DIR and TMPDIR are too long or not absolute")
	for _, dir := range []string{
		filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "tokentoss"), filepath.Join(os.TempDir(), own), filepath.Join(shortTemp, own),
	} {
		if !filepath.IsAbs(dir) || len(dir) > MaxLen {
			continue
		}
		if err = makeDir(dir); err == nil {
			return dir, check(dir)
		}
	}
	return "", err
}

func makeDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return nil
	}
	return &Error{Path: dir, Problem: "cannot be made", Fix: "set XDG_RUNTIME_DIR", Cause: errors.Unwrap(err)}
}

// check refuses a directory that is not the user's alone.
func check(dir string) error {
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return &Error{Path: dir, Problem: "cannot be examined", Cause: errors.Unwrap(err)}
	case !info.IsDir():
		return &Error{Path: dir, Problem: "it is no directory", Fix: "remove it"}
	}
	return checkOwn(dir, info)
}

// An Error is a directory that cannot be used.
type Error struct {
	Path    string
	Problem string
	Fix     string // what to do next; may be empty
	Cause   error  // what the system says, or nil
}

func (e *Error) Error() string {
	text := e.Path + ": " + e.Problem
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Hint says what to do next.
func (e *Error) Hint() string { return e.Fix }

func (e *Error) Unwrap() error { return e.Cause }
