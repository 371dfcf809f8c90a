//go:build unix

package privatefile_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/privatefile"
)

// short returns a directory with a short name, as sockets need.
func short(t *testing.T) string {
	t.Helper()
	base, err := os.MkdirTemp("/tmp", "rt")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(base) })
	return base
}

func TestRuntimeDirIsThatOfTheSystem(t *testing.T) {
	base := short(t)
	t.Setenv("XDG_RUNTIME_DIR", base)
	for range 2 { // made, then found
		got, err := privatefile.RuntimeDir()
		if want := filepath.Join(base, "tokentoss"); got != want || err != nil {
			t.Fatalf("RuntimeDir() = %q, %v, want %q", got, err, want)
		}
		wantMode(t, got, 0o700)
	}
}

func TestRuntimeDirFallsBack(t *testing.T) {
	temp := short(t)
	t.Setenv("TMPDIR", temp)
	for _, runtime := range []string{"", "relative", filepath.Join(temp, "missing"), filepath.Join(temp, strings.Repeat("x", 60))} {
		t.Setenv("XDG_RUNTIME_DIR", runtime)
		if got, err := privatefile.RuntimeDir(); err != nil || filepath.Dir(got) != temp {
			t.Errorf("XDG_RUNTIME_DIR=%q: RuntimeDir() = %q, %v, want one in %s", runtime, got, err, temp)
		}
	}
}

// TestRuntimeDirIsOnesOwn: a directory that another user made, or could have put
// something into, is passed over, everywhere; one that was only open to looks is closed.
func TestRuntimeDirIsOnesOwn(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"others can write": func(t *testing.T, path string) { dir(t, path, 0o777) },
		"others can exchange it": func(t *testing.T, path string) {
			dir(t, path, 0o700)
			must(t, os.Chmod(filepath.Dir(path), 0o777))
		},
		"a link":          func(t *testing.T, path string) { link(t, t.TempDir(), path) },
		"a file":          func(t *testing.T, path string) { write(t, path, "", 0o600) },
		"somebody else's": func(t *testing.T, path string) { other(t, dir(t, path, 0o700)) },
	} {
		t.Run(name, func(t *testing.T) {
			base, temp, cache := short(t), short(t), short(t)
			t.Setenv("XDG_RUNTIME_DIR", base)
			t.Setenv("TMPDIR", temp)
			t.Setenv("XDG_CACHE_HOME", cache)
			t.Setenv("HOME", cache)
			spoil(t, filepath.Join(base, "tokentoss"))
			got, err := privatefile.RuntimeDir()
			if err != nil || filepath.Dir(got) != temp {
				t.Errorf("RuntimeDir() = %q, %v, want one in %s", got, err, temp)
			}
			wantMode(t, got, 0o700)
		})
	}
	base := short(t)
	t.Setenv("XDG_RUNTIME_DIR", base)
	got, err := privatefile.RuntimeDir()
	must(t, err)
	must(t, os.Chmod(got, 0o755))
	again, err := privatefile.RuntimeDir()
	if err != nil || again != got {
		t.Errorf("RuntimeDir() = %q, %v, want %q", again, err, got)
	}
	wantMode(t, got, 0o700)
}
