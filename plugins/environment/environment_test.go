package environment_test

import (
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/plugins/environment"
)

func TestAllowed(t *testing.T) {
	t.Parallel()
	passed := []string{"PATH=/bin", "HOME=/home/ada", "LC_TIME=de_DE", "XDG_RUNTIME_DIR=/run/user/1", "https_proxy=http://proxy:3128", "DBUS_SESSION_BUS_ADDRESS=unix:path=/bus", "VAULT_ADDR=https://vault"}
	kept := []string{"TOKENTOSS_LOGIN_HINT=ada", "TOKENTOSS_CONFIG_DIR=/c", "AWS_SECRET_ACCESS_KEY=secret", "IAP_TOKEN=secret", "VAULT_TOKEN=secret", "LD_PRELOAD=/x.so", "BASH_ENV=/x", "novalue", "=odd"}
	got := environment.Allowed(slices.Concat(kept, passed), "VAULT_ADDR")
	if !slices.Equal(got, passed) {
		t.Errorf("allowed %q, want %q", got, passed)
	}
}

// Windows does not tell names apart by their case.
func TestIs(t *testing.T) {
	t.Parallel()
	if !environment.Is("NO_PROXY", "NO_PROXY") || environment.Is("NO_PROX", "NO_PROXY") || environment.Is("No_Proxy", "NO_PROXY") != (runtime.GOOS == "windows") {
		t.Error("names are not those of the system")
	}
}

func TestNoBusWhereThereIsNone(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("nobody starts a bus on this system")
	}
	dir := t.TempDir()
	if _, err := os.Stat("/run/user"); err == nil && environment.HasBus(nil) {
		t.Skip("this user has a session bus")
	}
	bus := func(list []string) string {
		i := slices.IndexFunc(list, func(e string) bool { return strings.HasPrefix(e, environment.BusName+"=") })
		if i < 0 {
			return ""
		}
		return list[i]
	}
	if got := bus(environment.Allowed([]string{"PATH=/bin", "XDG_RUNTIME_DIR=" + dir})); got != environment.BusName+"="+environment.NoBus {
		t.Errorf("without a bus: %q, want an address that is none", got)
	}
	if err := os.WriteFile(dir+"/bus", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := bus(environment.Allowed([]string{"PATH=/bin", "XDG_RUNTIME_DIR=" + dir})); got != "" {
		t.Errorf("with a bus in the runtime directory: %q, want nothing, as libraries find it", got)
	}
}

// Two windows of one desktop are one environment; another server's password is another.
func TestSame(t *testing.T) {
	t.Parallel()
	one := []string{"HOME=/home/ada", "PGPASSWORD=a", "GPG_TTY=/dev/pts/1", "LC_ALL=C"}
	for _, other := range [][]string{
		{"PGPASSWORD=a", "HOME=/home/ada", "GPG_TTY=/dev/pts/2", "LANG=de_DE"},
		{"HOME=/home/ada", "PGPASSWORD=a"},
	} {
		if environment.Same(one) != environment.Same(other) {
			t.Errorf("%q and %q are not the same", one, other)
		}
	}
	for _, other := range [][]string{nil, {"HOME=/home/ada"}, {"HOME=/home/ada", "PGPASSWORD=b"}, {"HOME=/home/ada", "PGPASSWORD=a", "VAULT_ADDR=https://vault"}} {
		if environment.Same(one) == environment.Same(other) {
			t.Errorf("%q and %q are the same", one, other)
		}
	}
	if strings.Contains(environment.Same(one), "ada") {
		t.Error("the name tells a value")
	}
}
