//go:build unix

package profile_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/profile"
)

func configFile(t *testing.T, text string) (dir, path string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, profile.ConfigName)
	must(t, os.WriteFile(path, []byte(text), 0o600))
	return dir, path
}

// TestConfigOfOthers: a config.toml that somebody else may have written says nothing, and
// is not changed either.
func TestConfigOfOthers(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(dir, path string) error{
		"group can write": func(_, path string) error { return os.Chmod(path, 0o660) },
		"all can write":   func(_, path string) error { return os.Chmod(path, 0o646) },
		"directory":       func(dir, _ string) error { return os.Chmod(dir, 0o777) },
		"named pipe":      func(_, path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o600)) },
		"another user's":  func(_, path string) error { return os.Chown(path, 65534, 65534) },
		"another user's link": func(_, path string) error {
			return errors.Join(os.Rename(path, path+".real"), os.Symlink(path+".real", path), os.Lchown(path, 65534, 65534))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, path := configFile(t, "browser = 'firefox'\n")
			config, err := profile.ReadConfig(dir)
			must(t, err)
			if err := spoil(dir, path); err != nil {
				t.Skipf("this user cannot do that: %v", err)
			}
			_, err = profile.ReadConfig(dir)
			if err == nil || fault.RemedyOf(err).String() == "" || strings.Contains(fault.RemedyOf(err).String(), "rm ") {
				t.Errorf("ReadConfig: error %v, remedy %q", err, fault.RemedyOf(err))
			}
			if err := config.SetIssuer(core.DefaultKey, "https://op.example"); err == nil {
				t.Error("it was changed")
			}
		})
	}
}

// TestConfigStaysWhereItIs: a config.toml that all can read, and one that is a link, is
// edited where it is and keeps its mode; nothing is set aside.
func TestConfigStaysWhereItIs(t *testing.T) {
	t.Parallel()
	dir, path := configFile(t, "browser = 'firefox'\n")
	real := filepath.Join(t.TempDir(), "dotfile")
	must(t, errors.Join(os.Rename(path, real), os.Chmod(real, 0o644), os.Symlink(real, path)))
	config, err := profile.ReadConfig(dir)
	must(t, err)
	must(t, config.SetIssuer(core.DefaultKey, "https://op.example"))
	info, err := os.Lstat(real)
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if target, err := os.Readlink(path); err != nil || target != real {
		t.Errorf("the link is %q, %v", target, err)
	}
	again, err := profile.ReadConfig(dir)
	if err != nil || again.Issuer != "https://op.example" || again.Browser != "firefox" {
		t.Errorf("it reads %+v, %v", again, err)
	}
	if found, _ := filepath.Glob(filepath.Join(dir, "*.damaged-*")); len(found) > 0 {
		t.Errorf("set aside: %q", found)
	}
}

// TestConfigChangedMeanwhile: an edit does not undo what it has not seen.
func TestConfigChangedMeanwhile(t *testing.T) {
	t.Parallel()
	dir, path := configFile(t, "browser = 'firefox'\n")
	config, err := profile.ReadConfig(dir)
	must(t, err)
	must(t, os.WriteFile(path, []byte("browser = 'chromium'\n"), 0o600))
	if err := config.SetStore(core.DefaultKey, "keyring"); !errors.Is(err, core.ErrConflict) {
		t.Errorf("error %v, want core.ErrConflict", err)
	}
}

const clientJSON = `{"installed":{"client_id":"1-x.apps.googleusercontent.com","client_secret":"GOCSPX-x"}}`

// TestClientOfPlatform: the OAuth client may be a link into a secret volume. Configuring
// another one writes where the link leads.
func TestClientOfPlatform(t *testing.T) {
	t.Parallel()
	dir, volume := t.TempDir(), t.TempDir()
	real := filepath.Join(volume, "client.json")
	must(t, os.WriteFile(real, []byte(clientJSON), 0o640))
	link := filepath.Join(dir, "client_secrets.json")
	must(t, os.Symlink(real, link))
	p, err := profile.Open(profile.Options{Dir: dir})
	must(t, err)
	defer p.Close()
	must(t, p.Configure(t.Context(), core.ClientSecrets{ClientID: "2-y.apps.googleusercontent.com", ClientSecret: "GOCSPX-y"}))
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is %v, %v", info, err)
	}
	data, err := os.ReadFile(real)
	if err != nil || !strings.Contains(string(data), "2-y") {
		t.Errorf("it has %s, %v", data, err)
	}
	if info, err := os.Stat(real); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// TestClientThatOthersCanRead is refused, with what to do about it; configuring makes it
// private, and keeps what stood there.
func TestClientThatOthersCanRead(t *testing.T) {
	t.Parallel()
	for mode, set := range map[os.FileMode]bool{0o644: false, 0o666: true} {
		dir := t.TempDir()
		path := filepath.Join(dir, "client_secrets.json")
		must(t, os.WriteFile(path, []byte(clientJSON), 0o600))
		must(t, os.Chmod(path, mode))
		_, err := profile.Open(profile.Options{Dir: dir})
		if !errors.Is(err, core.ErrInsecure) || !strings.Contains(fault.RemedyOf(err).String(), "chmod ") {
			t.Errorf("%o: error %v, remedy %q", mode, err, fault.RemedyOf(err))
		}
		p, err := profile.Open(profile.Options{Dir: dir, IgnoreClient: true})
		must(t, err)
		must(t, p.Configure(t.Context(), core.ClientSecrets{ClientID: "2-y.apps.googleusercontent.com", ClientSecret: "GOCSPX-y"}))
		must(t, p.Close())
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%o: mode %v, %v", mode, info.Mode(), err)
		}
		if found, _ := filepath.Glob(path + ".damaged-*"); (len(found) == 1) != set {
			t.Errorf("%o: set aside: %q", mode, found)
		}
	}
}

// TestPathsOfVariables: a path from a variable means what it means everywhere.
func TestPathsOfVariables(t *testing.T) {
	home, dir := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("TOKENTOSS_TOKEN_FILE", "~/tok.json")
	p, err := profile.Open(profile.Options{Dir: dir})
	must(t, err)
	if got, want := p.Location(), filepath.Join(home, "tok.json"); got != want {
		t.Errorf("the session is in %s, want %s", got, want)
	}
	must(t, p.Close())
	for _, bad := range []string{`"/x"`, "$HOME/x", "~ada/x", "a\nb"} {
		t.Setenv("TOKENTOSS_TOKEN_FILE", bad)
		if _, err := profile.Open(profile.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "TOKENTOSS_TOKEN_FILE") {
			t.Errorf("%q: error %v, want one that names the variable", bad, err)
		}
	}
	t.Setenv("TOKENTOSS_TOKEN_FILE", "")
	t.Setenv("TOKENTOSS_CONFIG_DIR", "~/conf")
	if got, err := profile.Dir(); err != nil || got != filepath.Join(home, "conf") {
		t.Errorf("Dir() = %q, %v", got, err)
	}
}

// TestClientOfOwnProvider: the rules for Google's clients are not those of others.
func TestClientOfOwnProvider(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config, err := profile.ReadConfig(dir)
	must(t, err)
	must(t, config.Add("lab", profile.Settings{Issuer: "https://op.example"}))
	p, err := profile.Open(profile.Options{Dir: dir, Name: "lab"})
	must(t, err)
	defer p.Close()
	must(t, p.Configure(t.Context(), core.ClientSecrets{ClientID: "X"}))
	if p.Client() == nil || p.Client().Issuer() != "https://op.example" || p.Client().Issuer() == oidc.GoogleIssuer {
		t.Errorf("the client is %v", p.Client())
	}
}
