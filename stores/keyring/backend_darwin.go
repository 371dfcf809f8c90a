package keyring

import (
	"strings"

	system "github.com/99designs/keyring"

	"github.com/tokentoss/tokentoss/core"
)

const (
	backend     = system.KeychainBackend
	backendName = "macOS Keychain"
)

// whyAbsent tells why the library has no Keychain: it is left out without cgo.
func whyAbsent() (problem, fix string) {
	return "this program was built without cgo, which the Keychain needs",
		`install a build with cgo (CGO_ENABLED=1), or set store = "encrypted" for a key in a file`
}

// kindOf returns what an error of the Keychain is in the terms of core, or nil.
// The type of the error is not there without cgo; its text ends in the code.
func kindOf(err error) (fix string, kind core.Kind) {
	for code, kind := range map[string]core.Kind{
		"(-25308)": core.ErrSealed,  // errSecInteractionNotAllowed: locked, and nobody can be asked
		"(-25293)": core.ErrRefused, // errSecAuthFailed
		"(-128)":   core.ErrRefused, // errSecUserCanceled
		"(-25243)": core.ErrRefused, // errSecNoAccessForItem
	} {
		if strings.HasSuffix(err.Error(), code) {
			return "", kind
		}
	}
	return "", ""
}
