package host

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// checkTrusted tells whether nobody but the user and root can have changed the
// executable path, or can change it before it is run.
func checkTrusted(path string) error { return trusted(privatefile.CheckProgram(path)) }

// trusted returns err as a TrustError, if it says that a file is not as it should be.
func trusted(err error) error {
	var e *core.Error
	if !errors.As(err, &e) {
		return err
	}
	text := strings.TrimPrefix(err.Error(), e.Subject+": ")
	fix := e.Remedy.String()
	if fix == "" {
		fix = "install the plugin again"
	}
	return &TrustError{Path: e.Subject, Problem: strings.TrimPrefix(text, e.Kind.Error()+": "), Fix: fix}
}

// sum returns the SHA-256 of a file in hexadecimal digits.
func sum(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, bare(err))
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("%s: %w", path, bare(err))
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// checkSum compares a file with a SHA-256.
func checkSum(path, want string) error {
	got, err := sum(path)
	if err != nil {
		return err
	}
	if got != want {
		return &TrustError{
			Path: path, Problem: fmt.Sprintf("it was changed: its SHA-256 is %s, and %s was installed", got, want),
			Fix: "find out who changed it; then install the plugin again",
		}
	}
	return nil
}

// bare strips the operation and the path of a system error.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
