package environment_test

import (
	"os"
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

func TestNoBusWhereThereIsNone(t *testing.T) {
	runtime := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", runtime)
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
	if environment.HasBus(nil) {
		t.Skip("nobody starts a bus on this system")
	}
	if got := bus(environment.Allowed([]string{"PATH=/bin"})); got != environment.BusName+"="+environment.NoBus {
		t.Errorf("without a bus: %q, want an address that is none", got)
	}
	if err := os.WriteFile(runtime+"/bus", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := bus(environment.Allowed([]string{"PATH=/bin"})); got != "" {
		t.Errorf("with a bus in the runtime directory: %q, want nothing, as libraries find it", got)
	}
}
