package host

import (
	"runtime"
	"slices"
	"strings"
)

// passed are the variables of the environment that a plugin gets. Those that hold
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

// Environment returns what a plugin gets of an environment: the names above, in
// either case as proxies are written, and those in more.
//
// On Linux it adds a bus address that is none where there is no bus: libraries
// start a bus of their own otherwise, which nobody ends.
func Environment(environ []string, more ...string) []string {
	var kept []string
	bus := false
	for _, e := range environ {
		name, _, ok := strings.Cut(e, "=")
		if !ok || name == "" {
			continue
		}
		upper := strings.ToUpper(name)
		allowed := slices.Contains(passed, upper) || slices.Contains(more, name) ||
			slices.ContainsFunc(passedPrefixes, func(p string) bool { return strings.HasPrefix(upper, p) })
		if allowed {
			kept = append(kept, e)
			bus = bus || name == "DBUS_SESSION_BUS_ADDRESS"
		}
	}
	if !bus && runtime.GOOS == "linux" {
		kept = append(kept, "DBUS_SESSION_BUS_ADDRESS=disabled:")
	}
	return kept
}
