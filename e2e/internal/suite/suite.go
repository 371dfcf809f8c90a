// Package suite divides tests by what they need beside Go, Python and npm.
package suite

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Env names the suites that run, with commas between them.
const Env = "TOKENTOSS_TEST_SUITES"

// The suites. Each is a target: make test-clients, and so on.
const (
	Clients   = "clients"   // programs that tokentoss gives tokens to: kubectl, git as it is released, Google's libraries
	Hosts     = "hosts"     // what notebooks run in beside Jupyter's own applications
	Providers = "providers" // OpenID providers and guards of others
	Browsers  = "browsers"  // browsers beside Chromium
	Systemd   = "systemd"   // systemd, which root starts in namespaces of its own
	Tunnel    = "tunnel"    // as much through a tunnel as takes a minute
)

// Need skips t, and all of its subtests, unless the suite was asked for.
func Need(t testing.TB, name string) {
	t.Helper()
	if !slices.Contains(strings.Split(os.Getenv(Env), ","), name) {
		t.Skipf("make test-%s runs this", name)
	}
}
