package encrypted_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

// wantError checks what an error says, and its hint, if one is given.
func wantError(t testing.TB, err error, says, hint string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", says)
	}
	if !strings.Contains(err.Error(), says) {
		t.Errorf("error is %q, want one that says %q", err, says)
	}
	if remedy := fault.RemedyOf(err).String(); !strings.Contains(remedy, hint) {
		t.Errorf("the remedy of %q is %q, want one with %q", err, remedy, hint)
	}
}

func writePrivate(t testing.TB, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

// No document is in clear anywhere below the directory, at any time of a life.
func TestNothingInClear(t *testing.T) {
	t.Parallel()
	withPassphrase(t, func(t *testing.T, c encrypted.Config, dir string) {
		const planted = "planted-refresh-token"
		s := open(t, c, dir, &person{answers: []core.Secret{passphrase}})
		r := save(t, s, "work", "", planted+" one")
		save(t, s, "work", r.Revision, planted+" two")
		save(t, s, "home", "", planted)
		_, err := s.(core.Quarantiner).Quarantine(bounded(t), "home")
		must(t, err)
		seen := 0
		must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			seen++
			for _, secret := range []string{"planted", passphrase.Reveal(), "AGE-SECRET-KEY"} {
				if bytes.Contains(read(t, path), []byte(secret)) {
					t.Errorf("%s has %q in clear", path, secret)
				}
			}
			return nil
		}))
		if seen < 3 {
			t.Errorf("there are %d files, want the documents", seen)
		}
	})
}

// The line about the protection tells what is there, and a composed store has it.
func TestProtection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	line := func(c encrypted.Config, dir string) string {
		return open(t, c, dir, nil).(core.Describer).Describe()
	}
	locked := t.TempDir()
	quickIdentity(t, locked, 6)
	plain, withPassphrase := sshKey(t, "ed25519", false), sshKey(t, "ed25519", true)
	for _, c := range []struct {
		got  string
		want []string
	}{
		{line(encrypted.Config{}, dir), []string{"encrypted with age", filepath.Join(dir, "identity.age"), "you alone"}},
		{line(encrypted.Config{Passphrase: true}, dir), []string{"with a passphrase"}},
		{line(encrypted.Config{}, locked), []string{"with a passphrase"}},
		{line(encrypted.Config{SSHKey: plain}, dir), []string{"SSH key " + plain, "you alone"}},
		{line(encrypted.Config{SSHKey: withPassphrase}, dir), []string{"SSH key " + withPassphrase, "with a passphrase"}},
	} {
		for _, want := range c.want {
			if !strings.Contains(c.got, want) {
				t.Errorf("protection is %q, want that it says %q", c.got, want)
			}
		}
	}
}

// Settings that cannot be meant are refused when the store is opened.
func TestSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for says, c := range map[string]encrypted.Config{
		"ssh_key cannot be used together":       {SSHKey: "/x", Passphrase: true},
		`ssh_key: path "$HOME/id"`:              {SSHKey: "$HOME/id"},
		`identity: path "\"x\"": settings that`: {Identity: `"x"`},
	} {
		_, err := encrypted.Open(c, dir, nil)
		wantError(t, err, says, "")
		if fault.RemedyOf(err).IsZero() {
			t.Errorf("%v has no remedy", err)
		}
	}
	var c encrypted.Config
	settings := json.NewDecoder(strings.NewReader(`{"identity": "/id", "passphrase": true, "ssh_key": "/key"}`))
	settings.DisallowUnknownFields()
	must(t, settings.Decode(&c))
	if want := (encrypted.Config{Identity: "/id", Passphrase: true, SSHKey: "/key"}); c != want {
		t.Errorf("the settings are read as %+v, want %+v", c, want)
	}
	if _, err := encrypted.Open(encrypted.Config{}, "relative", nil); err == nil {
		t.Error("a relative directory gives no error")
	}
}

// Keys that ssh-keygen made work as those of this package's tests do, and one of
// a kind that cannot encrypt says so.
func TestKeysOfSSHKeygen(t *testing.T) {
	t.Parallel()
	keygen, err := exec.LookPath("ssh-keygen")
	if err != nil {
		t.Skip("ssh-keygen is not installed")
	}
	p := &person{answers: []core.Secret{passphrase}}
	for _, args := range [][]string{
		{"-t", "ed25519", "-N", ""}, {"-t", "ed25519", "-N", passphrase.Reveal()}, {"-t", "rsa", "-b", "2048", "-N", passphrase.Reveal()},
		{"-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""},
	} {
		c := encrypted.Config{SSHKey: makeSSHKey(t, keygen, args...)}
		s := open(t, c, t.TempDir(), p)
		save(t, s, "default", "", "doc")
		wantDoc(t, s, "default", "doc")
	}
	c := encrypted.Config{SSHKey: makeSSHKey(t, keygen, "-t", "ecdsa", "-N", "")}
	_, err = open(t, c, t.TempDir(), p).Save(bounded(t), "default", core.Record{Data: []byte("doc")})
	wantError(t, err, "not an ed25519 or RSA key", "correct the setting ssh_key")

	c = encrypted.Config{SSHKey: makeSSHKey(t, keygen, "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", passphrase.Reveal())}
	_, err = open(t, c, t.TempDir(), p).Save(bounded(t), "default", core.Record{Data: []byte("doc")})
	must(t, err)

	c.SSHKey += ".pub"
	must(t, os.Chmod(c.SSHKey, 0o600))
	_, err = open(t, c, t.TempDir(), p).Save(bounded(t), "default", core.Record{Data: []byte("doc")})
	wantError(t, err, "the private part, which an agent may have, cannot be read here", "correct the setting ssh_key")

	c.SSHKey = filepath.Join(t.TempDir(), "none")
	_, err = open(t, c, t.TempDir(), p).Save(bounded(t), "default", core.Record{Data: []byte("doc")})
	wantError(t, err, "there is no SSH key", "correct the setting ssh_key")
}

func makeSSHKey(t testing.TB, keygen string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "id")
	if out, err := exec.CommandContext(t.Context(), keygen, append(args, "-q", "-f", path)...).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen %q: %v\n%s", args, err, out)
	}
	return path
}
