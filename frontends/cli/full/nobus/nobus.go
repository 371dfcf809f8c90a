// Package nobus keeps the libraries that this executable links from starting a
// D-Bus session bus.
//
// github.com/99designs/keyring connects to the session bus when it is initialized.
// Where there is none and dbus-launch is installed, that starts one which nobody
// ends, for each process. This package is initialized before it: packages are in
// the order of their import paths as far as their imports allow (The Go Programming
// Language Specification, "Program initialization"), and keyring imports packages
// of golang.org/x, whose paths come after this one.
package nobus

import (
	"os"

	"github.com/tokentoss/tokentoss/plugins/environment"
)

// hidden tells that there is no bus, and that an address says so.
var hidden bool

func init() {
	if !environment.HasBus(os.Environ()) {
		hidden = os.Setenv(environment.BusName, environment.NoBus) == nil
	}
}

// Restore puts the environment back as it was. Main calls it.
func Restore() {
	if hidden {
		_ = os.Unsetenv(environment.BusName)
	}
}
