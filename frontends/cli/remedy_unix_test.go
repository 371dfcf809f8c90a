//go:build unix

package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/profile"
)

// Who has no place of their own for the configuration is not sent to configure, which
// would fail.
func TestNoPlaceForTheConfigurationIsSaidFirst(t *testing.T) {
	if os.Geteuid() == 0 {
		asNobody(t)
		return
	}
	t.Setenv("HOME", "/")
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv(profile.EnvConfigDir, "")
	if got, want := hintFor(fault.NotConfigured), "set the environment variable HOME to a directory of your own, which / is not"; got != want {
		t.Errorf("with HOME=/ the hint is %q, want %q", got, want)
	}
	for name, value := range map[string]string{"HOME": t.TempDir(), profile.EnvConfigDir: t.TempDir()} {
		t.Setenv(name, value)
		if got := hintFor(fault.NotConfigured); !strings.HasPrefix(got, "tokentoss configure") {
			t.Errorf("with another %s the hint is %q", name, got)
		}
	}
}

// asNobody runs the test again as a user who may not do everything.
func asNobody(t *testing.T) {
	t.Helper()
	const nobody = 65534
	dir, err := os.MkdirTemp("", "tokentoss-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	self := filepath.Join(dir, "test")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(self, data, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, self} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Errorf("as user %d: %v\n%s", nobody, err, out)
	}
}
