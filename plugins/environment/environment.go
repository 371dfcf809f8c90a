// Package environment says what of a person's environment a child process gets
// that may run anybody's code, or that stays: what a program of a person's needs to
// find its home, its desktop and its way to the network, and nothing else.
package environment

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// passed are the variables that are passed on. Those that hold
// this program's settings and tokens are not among them, nor is anything that the
// person's other programs keep there.
var passed = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR",
	// Where the desktop's keyring and its windows are.
	"DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY",
	// Agents and keys of ssh, GnuPG and pass.
	"SSH_AUTH_SOCK", "GNUPGHOME", "GPG_TTY", "PASSWORD_STORE_DIR",
	// The way to a server.
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
	// Windows.
	"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "TEMP", "TMP", "USERPROFILE", "USERNAME", "USERDOMAIN",
	"APPDATA", "LOCALAPPDATA", "PROGRAMDATA", "HOMEDRIVE", "HOMEPATH",
}

// passedPrefixes are beginnings of such variables' names.
var passedPrefixes = []string{"LC_", "XDG_"}

// Is tells whether a variable is that of a name: on Windows in whatever case.
func Is(variable, name string) bool {
	return variable == name || runtime.GOOS == "windows" && strings.EqualFold(variable, name)
}

// Allowed returns what is passed on of an environment: the names above, in either
// case as proxies are written, and those in more.
//
// Where there is no session bus on Linux it adds a bus address that is none:
// libraries start a bus of their own otherwise, which nobody ends.
func Allowed(environ []string, more ...string) []string {
	var kept []string
	for _, e := range environ {
		name, _, ok := strings.Cut(e, "=")
		if !ok || name == "" {
			continue
		}
		upper := strings.ToUpper(name)
		allowed := slices.Contains(passed, upper) || slices.ContainsFunc(more, func(m string) bool { return Is(name, m) }) ||
			slices.ContainsFunc(passedPrefixes, func(p string) bool { return strings.HasPrefix(upper, p) })
		if allowed {
			kept = append(kept, e)
		}
	}
	if !HasBus(environ) {
		kept = append(kept, BusName+"="+NoBus)
	}
	return kept
}

// BusName is the variable with the address of the D-Bus session bus, and NoBus an
// address at which there is none.
const (
	BusName = "DBUS_SESSION_BUS_ADDRESS"
	NoBus   = "disabled:"
)

// HasBus tells whether libraries find a session bus without starting one: by its
// address, or in the runtime directory, where systemd puts it.
func HasBus(environ []string) bool {
	if runtime.GOOS != "linux" {
		return true // nobody starts one there
	}
	if slices.ContainsFunc(environ, func(e string) bool { return strings.HasPrefix(e, BusName+"=") && e != BusName+"=" }) {
		return true
	}
	runtimeDir := ""
	for _, e := range environ {
		if dir, ok := strings.CutPrefix(e, "XDG_RUNTIME_DIR="); ok {
			runtimeDir = dir
		}
	}
	for _, dir := range []string{runtimeDir, fmt.Sprintf("/run/user/%d", os.Getuid())} {
		if _, err := os.Stat(filepath.Join(dir, "bus")); dir != "" && err == nil {
			return true
		}
	}
	return false
}

// seat are the variables that say where and how a person sits at this moment: they
// differ between two windows of one desktop.
var seat = []string{
	"GPG_TTY", "LANG", "LANGUAGE", "TZ", "XDG_SESSION_ID", "XDG_SESSION_CLASS", "XDG_SESSION_TYPE", "XDG_SESSION_PATH",
	"XDG_SEAT", "XDG_SEAT_PATH", "XDG_VTNR", "XDG_ACTIVATION_TOKEN",
}

// Same names an environment by what counts to a program that stays: two that differ
// only in the terminal or the language that they are used from have one name. It tells
// nothing of the values.
func Same(environ []string) string {
	kept := make([]string, 0, len(environ))
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		if !slices.Contains(seat, name) && !strings.HasPrefix(name, "LC_") {
			kept = append(kept, e)
		}
	}
	slices.Sort(kept)
	sum := sha256.Sum256([]byte(strings.Join(kept, "\x00")))
	return hex.EncodeToString(sum[:])
}
