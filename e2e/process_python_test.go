//go:build unix

package e2e_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// pythonPackages are Python tokentoss, and what its store needs. Its widgets need
// far more, which is why they are not installed.
var pythonPackages = []string{"tokentoss==0.1.1", "platformdirs"}

// storeScript imports Python tokentoss's store without its widgets.
const storeScript = `
import importlib.util, sys, types
package = types.ModuleType("tokentoss")
package.__path__ = list(importlib.util.find_spec("tokentoss").submodule_search_locations)
sys.modules["tokentoss"] = package
from tokentoss.storage import FileStorage
`

// loadScript prints the session that Python tokentoss finds in a file. A warning
// would be about the file's permissions.
const loadScript = storeScript + `
import json, warnings
warnings.simplefilter("error")
t = FileStorage(sys.argv[1]).load()
print(json.dumps({**t.to_dict(), "is_expired": t.is_expired,
    "expiry_unix": t.expiry_datetime.timestamp(), "created_unix": t.created_at_datetime.timestamp()}))
`

// saveScript has Python tokentoss write to a file what it finds in another.
const saveScript = storeScript + `
FileStorage(sys.argv[2]).save(FileStorage(sys.argv[1]).load())
`

// python installs Python tokentoss and returns what runs a script with it.
func python(t *testing.T) func(script string, args ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("downloads Python packages")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := filepath.Join(t.TempDir(), "venv")
	bin := filepath.Join(dir, "bin", "python")
	install := []string{bin, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps"}
	for _, args := range [][]string{{"python3", "-m", "venv", dir}, append(install, pythonPackages...)} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Skipf("Python tokentoss cannot be had here: %v: %v\n%s", args, err, out)
		}
	}
	return func(script string, args ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), bin, append([]string{"-I", "-c", script}, args...)...)
		c.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
		out, err := c.Output()
		if err != nil {
			if exit, ok := err.(*exec.ExitError); ok {
				t.Fatalf("Python: %v\n%s", err, exit.Stderr)
			}
			t.Fatal(err)
		}
		return string(out)
	}
}

// Python tokentoss reads what the command line writes, the command line
// reads and refreshes what Python writes, and Python reads that again.
func TestPythonSharesTheSession(t *testing.T) {
	t.Parallel()
	run := python(t)
	const life = 12 * time.Second
	m := newSession(t, emulator.Options{TokenLifetime: life})
	first := wantPythonReads(t, run, m)
	if left := time.Until(unix(first, "expiry_unix")); left > life {
		t.Errorf("Python sees a token that is valid for %v, expected at most %v", left, life)
	}

	// A machine on which only Python signed in.
	other := &machine{provider: m.provider, dir: filepath.Join(t.TempDir(), "tokentoss")}
	c := other.command("configure", "--from", "-")
	c.Stdin, _ = os.Open(filepath.Join(m.dir, "client_secrets.json"))
	finish(t, c).wantCode(t, 0)
	run(saveScript, m.tokens(), other.tokens())
	if fields := other.session(t); len(fields) != len(pythonFields) {
		t.Fatalf("Python wrote %d fields, expected %q", len(fields), pythonFields)
	}
	other.run(t, "status").wantCode(t, 0)
	if out := other.run(t, "token").wantCode(t, 0).stdout; out != first["id_token"].(string)+"\n" && other.refreshes() == 0 {
		t.Error("it did not print the token that Python wrote")
	}
	m.provider.SetTokenLifetime(time.Hour)
	poll(t, "the session is refreshed", func() bool {
		other.run(t, "token").wantCode(t, 0)
		return other.refreshes() > 0
	})
	second := wantPythonReads(t, run, other)
	if second["id_token"] == first["id_token"] || second["refresh_token"] != first["refresh_token"] {
		t.Error("Python does not see the refreshed session")
	}
	if left := time.Until(unix(second, "expiry_unix")); left < 50*time.Minute {
		t.Errorf("Python sees a token that is valid for %v, expected an hour", left)
	}

	// And back: Python saves over a session with fields that it does not know.
	run(saveScript, other.tokens(), m.tokens())
	if out := m.run(t, "token").wantCode(t, 0).stdout; out != second["id_token"].(string)+"\n" {
		t.Error("it did not print the token that Python wrote")
	}
	m.wantRefreshes(t, 1)
}

// wantPythonReads fails unless Python sees what is stored, as a valid session.
func wantPythonReads(t *testing.T, run func(string, ...string) string, m *machine) map[string]any {
	t.Helper()
	seen, err := decode([]byte(run(loadScript, m.tokens())))
	if err != nil {
		t.Fatal(err)
	}
	stored := m.session(t)
	for _, name := range slices.Clone(pythonFields) {
		if !reflect.DeepEqual(seen[name], stored[name]) {
			t.Errorf("Python reads %s differently", name)
		}
	}
	if seen["is_expired"] != false {
		t.Error("Python takes the session for expired")
	}
	if since := time.Since(unix(seen, "created_unix")); since < 0 || since > time.Hour {
		t.Errorf("Python takes the sign-in to be %v ago", since)
	}
	return seen
}

func unix(fields map[string]any, name string) time.Time {
	f, _ := fields[name].(json.Number).Float64()
	return time.UnixMicro(int64(f * 1e6))
}
