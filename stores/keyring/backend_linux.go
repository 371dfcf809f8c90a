package keyring

import (
	"errors"
	"os"
	"strings"

	system "github.com/99designs/keyring"
	"github.com/godbus/dbus"

	"github.com/tokentoss/tokentoss/core"
)

const (
	backend     = system.SecretServiceBackend
	backendName = "Secret Service"
)

// whyAbsent tells why the library has no Secret Service: it looks for the bus
// before the program begins.
func whyAbsent() (problem, fix string) {
	switch address := os.Getenv("DBUS_SESSION_BUS_ADDRESS"); address {
	case "", "disabled:":
		return "there is no session bus", `log in to a desktop, or set store = "encrypted" for a key in a file`
	default:
		return "the session bus cannot be reached at " + address, whereElse
	}
}

// kindOf returns what an error of the Secret Service is in the terms of core, and
// what to do about it where that is special; or nothing.
func kindOf(err error) (fix string, kind core.Kind) {
	var answer dbus.Error
	if !errors.As(err, &answer) {
		return "", ""
	}
	switch name := answer.Name; {
	case name == "org.freedesktop.Secret.Error.IsLocked", strings.Contains(answer.Error(), "locked"):
		return "", core.ErrSealed
	case name == "org.freedesktop.DBus.Error.AccessDenied", name == "org.freedesktop.DBus.Error.AuthFailed":
		return "", core.ErrRefused
	case strings.Contains(answer.Error(), "does not exist at path"): // nobody to ask for a new one
		return "make that collection, or name one that exists as collection in the settings", core.ErrUnavailable
	}
	return "", ""
}
