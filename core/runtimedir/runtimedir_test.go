//go:build unix

package runtimedir_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/runtimedir"
)

// short returns a directory with a short name, as sockets need.
func short(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "rt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestDirIsThatOfTheSystem(t *testing.T) {
	base := short(t)
	t.Setenv("XDG_RUNTIME_DIR", base)
	for range 2 { // made, then found
		got, err := runtimedir.Dir()
		if want := filepath.Join(base, "tokentoss"); got != want || err != nil {
			t.Fatalf("Dir() = %q, %v, want %q", got, err, want)
		}
		if info, err := os.Stat(got); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("mode %v, error %v, want 0700", info.Mode(), err)
		}
	}
}

func TestDirFallsBack(t *testing.T) {
	temp := short(t)
	t.Setenv("TMPDIR", temp)
	for _, runtime := range []string{"", "relative", filepath.Join(temp, "missing"), filepath.Join(temp, strings.Repeat("x", 60))} {
		t.Setenv("XDG_RUNTIME_DIR", runtime)
		if got, err := runtimedir.Dir(); err != nil || filepath.Dir(got) != temp {
			t.Errorf("XDG_RUNTIME_DIR=%q: Dir() = %q, %v, want one in %s", runtime, got, err, temp)
		}
	}
}

func TestDirMustBeOnesOwn(t *testing.T) {
	base := short(t)
	t.Setenv("XDG_RUNTIME_DIR", base)
	dir := filepath.Join(base, "tokentoss")
	for name, make := range map[string]func() error{
		"others can enter it": func() error { return errors.Join(os.Mkdir(dir, 0o755), os.Chmod(dir, 0o755)) },
		"a link":              func() error { return os.Symlink(base, dir) },
		"a file":              func() error { return os.WriteFile(dir, nil, 0o600) },
		"somebody else's": func() error {
			if os.Geteuid() != 0 {
				return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o750)) // only root can give it away
			}
			return errors.Join(os.Mkdir(dir, 0o700), os.Chown(dir, 65534, 65534))
		},
	} {
		if err := make(); err != nil {
			t.Fatal(err)
		}
		_, err := runtimedir.Dir()
		var e *runtimedir.Error
		if !errors.As(err, &e) || e.Path != dir || e.Hint() == "" {
			t.Errorf("%s: error %v, want one that names %s and says what to do", name, err, dir)
		}
		_ = os.RemoveAll(dir)
	}
}
