//go:build unix

package privatefile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// configOf returns the directory of configuration of who lives in home.
func configOf(t *testing.T, home string) string {
	t.Helper()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", "")
	config, err := os.UserConfigDir()
	must(t, err)
	return config
}

// uses returns what comes of reading a file in dir, of making dir, and of writing there.
func uses(dir string) map[string]error {
	_, _, read := privatefile.Read(filepath.Join(dir, "config.toml"))
	return map[string]error{
		"read": read, "make": privatefile.MakeDir(filepath.Join(dir, "deeper"), true), "write": privatefile.CanReplace(filepath.Join(dir, "x"), 1),
	}
}

// What sudo made is given back, and all of it, by the command that is advised.
func TestDirectoryThatRootMadeIsGivenBack(t *testing.T) {
	if !asNobody(t, func(home string) {
		for _, dir := range []string{configOf(t, home), filepath.Join(configOf(t, home), "tokentoss")} {
			must(t, os.MkdirAll(dir, 0o700))
		}
	}) {
		return
	}
	config := configOf(t, os.Getenv("HOME"))
	if _, err := os.Stat(config); err != nil {
		t.Skip("only root can prepare this")
	}
	for what, err := range uses(filepath.Join(config, "tokentoss")) {
		if got, want := fault.RemedyOf(err), fault.Run.On(fmt.Sprintf("sudo chown -R %d %s", os.Geteuid(), config)); got != want {
			t.Errorf("%s: %v: %q, want %q", what, err, got, want)
		}
	}
	// Elsewhere, what root made may be meant so.
	theirs := filepath.Join(config, "tokentoss")
	own := configOf(t, t.TempDir())
	if r := fault.RemedyOf(uses(theirs)["read"]); r != fault.Ask.To("the owner of "+config, "for access to it, or choose another place") {
		t.Errorf("elsewhere: %q", r)
	}
	if got := privatefile.OwnerRemedy(filepath.Join(own, "tokentoss")); !got.IsZero() {
		t.Errorf("of what is one's own: %q", got)
	}
}

// A HOME that is not the user's, as / in a container, is not for tokentoss to fill.
func TestHomeOfAnotherUserIsSaid(t *testing.T) {
	if !asNobody(t) {
		return
	}
	dir := filepath.Join(configOf(t, "/"), "tokentoss")
	for what, err := range map[string]error{"make": privatefile.MakeDir(dir, true), "make deeper": uses(dir)["make"]} {
		if r := fault.RemedyOf(err); r != fault.SetVariable.To("HOME", "a directory of your own, which / is not") {
			t.Errorf("%s: %v: %q", what, err, r)
		}
	}
	t.Setenv("XDG_CONFIG_HOME", "/usr")
	if r := fault.RemedyOf(uses("/usr/tokentoss")["make"]); r.Subject != "XDG_CONFIG_HOME" {
		t.Errorf("%q", r)
	}
}
