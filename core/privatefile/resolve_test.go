package privatefile_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// TestResolve: a path means the same in an option, a variable and a settings file.
func TestResolve(t *testing.T) {
	home, base := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("USERPROFILE", home)
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ text, base, want string }{
		{filepath.Join(base, "a", "..", "b"), "", filepath.Join(base, "b")},
		{"a/b", "", filepath.Join(wd, "a", "b")},
		{"a/b", base, filepath.Join(base, "a", "b")},
		{"~", base, home},
		{"~/", base, home},
		{"~/tok.json", base, filepath.Join(home, "tok.json")},
		{"./~/x", base, filepath.Join(base, "~", "x")},
		{"./$HOME", base, filepath.Join(base, "$HOME")},
		{"it's mine", base, filepath.Join(base, "it's mine")},
		{"größe", base, filepath.Join(base, "größe")},
	} {
		if got, err := privatefile.Resolve(c.text, c.base); err != nil || got != c.want {
			t.Errorf("Resolve(%q, %q) = %q, %v, want %q", c.text, c.base, got, err, c.want)
		}
	}
	if runtime.GOOS == "windows" {
		for text, want := range map[string]string{
			`\a`: filepath.VolumeName(base) + `\a`, `/a/b`: filepath.VolumeName(base) + `\a\b`, `C:/a`: `C:\a`, `\\server\share\a`: `\\server\share\a`,
		} {
			if got, err := privatefile.Resolve(text, base); err != nil || got != want {
				t.Errorf("Resolve(%q) = %q, %v, want %q", text, got, err, want)
			}
		}
		if got, err := privatefile.Resolve(`C:a`, base); !errors.Is(err, fault.BadConfig) {
			t.Errorf("Resolve of what depends on the working directory of a drive = %q, %v", got, err)
		}
	}
	for _, text := range []string{
		"", "  ", "a\x00", "a\nb", "a\r", "\ta", "a\x7f", `"/etc/x"`, `'~/x'`, `"`, `/x"`, "~other/x", "~other", "$HOME/x", "${HOME}/x", "%APPDATA%\\x", "file:///x",
	} {
		got, err := privatefile.Resolve(text, base)
		if !errors.Is(err, fault.BadConfig) || fault.RemedyOf(err).String() == "" {
			t.Errorf("Resolve(%q) = %q, %v, want fault.BadConfig and a remedy", text, got, err)
		}
	}
}

// TestResolveWithoutHome: where there is no home directory, ~ is nowhere else.
func TestResolveWithoutHome(t *testing.T) {
	t.Setenv("USERPROFILE", "")
	for _, home := range []string{"", "relative"} {
		t.Setenv("HOME", home)
		if got, err := privatefile.Resolve("~/x", ""); err == nil {
			t.Errorf("HOME=%q: Resolve = %q, want an error", home, got)
		}
	}
}
