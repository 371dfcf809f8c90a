package host_test

import (
	"runtime"
	"slices"
	"testing"

	"github.com/tokentoss/tokentoss/plugins/host"
)

// TestEnvironmentNames: names are compared as a whole, but for the two prefixes.
func TestEnvironmentNames(t *testing.T) {
	t.Parallel()
	got := host.Environment([]string{
		"PATH=/bin", "PATHS=x", "MY_PATH=x", "path=also", "LC_ALL=C", "XDG_RUNTIME_DIR=/run", "LCX=x", "http_proxy=p", "DBUS_SESSION_BUS_ADDRESS=unix:x",
		"TOKENTOSS_PASSPHRASE=x", "AWS_SESSION_TOKEN=x", "=C:=x", "nothing", "", "ASKED=yes", "asked=no", "EMPTY=",
	}, "ASKED", "EMPTY", "MISSING")
	want := []string{"PATH=/bin", "path=also", "LC_ALL=C", "XDG_RUNTIME_DIR=/run", "http_proxy=p", "DBUS_SESSION_BUS_ADDRESS=unix:x", "ASKED=yes", "EMPTY="}
	if runtime.GOOS == "windows" { // where names have no case
		want = slices.Insert(want, len(want)-1, "asked=no")
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	none := host.Environment(nil)
	if runtime.GOOS == "linux" && !slices.Equal(none, []string{"DBUS_SESSION_BUS_ADDRESS=disabled:"}) {
		t.Errorf("of nothing there is %q", none)
	}
}
