//go:build !linux && !darwin && !windows

package keyring

import (
	"runtime"

	system "github.com/99designs/keyring"

	"github.com/tokentoss/tokentoss/core"
)

const (
	backend     = system.InvalidBackend
	backendName = runtime.GOOS
)

// whyAbsent tells that the library knows no keyring here.
func whyAbsent() (problem, fix string) {
	return "none is known on " + runtime.GOOS, `set store = "encrypted" for a key in a file`
}

func kindOf(error) (fix string, kind core.Kind) { return "", "" }
