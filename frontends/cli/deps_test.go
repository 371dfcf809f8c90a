//go:build !windows

package cli_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/googleid/machine"
	"github.com/tokentoss/tokentoss/profile"
)

// The light executable starts in front of every request of a script. Each of
// these would make that two or three times as long.
func TestLightExecutableLinksNothingHeavy(t *testing.T) {
	heavy := []string{
		"google.golang.org/grpc", "google.golang.org/protobuf", "google.golang.org/api", "cloud.google.com/",
		"github.com/hashicorp/", "go.opentelemetry.io/", "github.com/99designs/", "filippo.io/age",
		"github.com/go-jose/", "github.com/prometheus/", "github.com/tokentoss/tokentoss/e2e/", "github.com/tokentoss/tokentoss/emulator", "github.com/tokentoss/tokentoss/frontends/cli/full",
		"github.com/tokentoss/tokentoss/core/googleid",
	}
	out, err := exec.Command("go", "list", "-deps", "-tags", "urfave_cli_no_docs", "./cmd/tokentoss").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 100 {
		t.Fatalf("go list gave %d packages", len(packages))
	}
	for _, p := range packages {
		for _, h := range heavy {
			if strings.HasPrefix(p, h) {
				t.Errorf("cmd/tokentoss links %s", p)
			}
		}
		if strings.HasPrefix(p, "github.com/russross/blackfriday") {
			t.Errorf("cmd/tokentoss links %s, which the tag urfave_cli_no_docs leaves out", p)
		}
	}
}

// The flows that settings can name are those that there are.
func TestFlows(t *testing.T) {
	want := append([]string{profile.BrowserFlow, profile.DeviceFlow}, machine.Names()...)
	if got := profile.Flows(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// The host has what the light one has not; otherwise the test above would pass
// for nothing.
func TestHostHasTheRest(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./cmd/tokentoss-host").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"core/googleid/machine", "emulator", "plugins/host", "stores/encrypted", "stores/keyring"} {
		if !strings.Contains(string(out), "github.com/tokentoss/tokentoss/"+p+"\n") {
			t.Errorf("cmd/tokentoss-host does not link %s", p)
		}
	}
	// It is a plugin with an executable of its own.
	if strings.Contains(string(out), "go.etcd.io/") {
		t.Error("cmd/tokentoss-host links etcd")
	}
}
