package pass_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/examples/store-pass/pass"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
)

// open opens the store, which must succeed.
func open(t *testing.T, c plugintest.Carrier, r plugins.Request) core.TokenStore {
	t.Helper()
	s, err := plugintest.OpenStore(t, c, pass.Plugin(), r)
	if err != nil {
		t.Fatalf("opening the store %s: %v", c, err)
	}
	t.Cleanup(func() {
		if err := core.Full(s).Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// save saves the document of the default key, which must succeed.
func save(t *testing.T, s core.TokenStore, revision, data string) core.Record {
	t.Helper()
	r, err := s.Save(t.Context(), core.DefaultKey, core.Record{Data: []byte(data), Revision: revision})
	if err != nil {
		t.Fatalf("Save: %v", err)
	}
	return r
}

// wantError checks an error's kind and that its hint names what helps.
func wantError(t *testing.T, what string, err, kind error, hint string) {
	t.Helper()
	var hinted interface{ Hint() string }
	switch {
	case !errors.Is(err, kind):
		t.Errorf("%s: error is %v, want %v", what, err, kind)
	case !errors.As(err, &hinted) || !strings.Contains(hinted.Hint(), hint):
		t.Errorf("%s: the hint of %v does not say %q", what, err, hint)
	}
}

// locked has gpg use a key with a passphrase, which pinentry, a script, is asked
// for. An empty script is no program at all.
func locked(t *testing.T, pinentry string) {
	t.Helper()
	needPass(t)
	home, err := gpgHome("Passphrase: open sesame")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeHome(home) })
	t.Setenv("GNUPGHOME", home)
	setPinentry(t, home, pinentry)
}

func setPinentry(t *testing.T, home, script string) {
	t.Helper()
	program := filepath.Join(home, "pinentry")
	if script != "" {
		writeScript(t, program, script)
	}
	if err := os.WriteFile(filepath.Join(home, "gpg-agent.conf"), []byte("pinentry-program "+program+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	// The agent remembers the passphrase that the key was made with.
	if err := exec.CommandContext(t.Context(), "gpgconf", "--homedir", home, "--kill", "gpg-agent").Run(); err != nil {
		t.Fatal(err)
	}
}

func writeScript(t *testing.T, path, script string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
}

// answering is a pinentry (the Assuan protocol) that answers the question for the
// passphrase with line.
func answering(line string) string {
	return "echo OK\nwhile read -r word rest; do case $word in\nGETPIN) " + line + " ;;\nBYE) echo OK; exit ;;\n*) echo OK ;;\nesac; done\n"
}

func TestSealed(t *testing.T) {
	for name, pinentry := range map[string]string{
		"no pinentry": "", "person cancels": answering("echo ERR 83886179 cancelled"), "wrong passphrase": answering("echo D wrong; echo OK"),
	} {
		t.Run(name, func(t *testing.T) {
			locked(t, pinentry)
			for _, c := range plugintest.Carriers() {
				s := open(t, c, initialised(t, ada))
				wantError(t, "Check of an empty place", core.Full(s).Check(t.Context(), core.DefaultKey), core.ErrSealed, "pass show")
				old := save(t, s, "", "encrypting needs no passphrase")
				_, err := s.Load(t.Context(), core.DefaultKey)
				wantError(t, "Load", err, core.ErrSealed, "in a terminal")
				_, err = s.Save(t.Context(), core.DefaultKey, core.Record{Data: []byte("x"), Revision: old.Revision})
				wantError(t, "Save", err, core.ErrSealed, "in a terminal")
				if err := s.Delete(t.Context(), core.DefaultKey); err != nil {
					t.Errorf("Delete: %v, and needs no passphrase", err)
				}
			}
		})
	}
}

// A person who types the passphrase unlocks the store while it is open.
func TestUnlocked(t *testing.T) {
	locked(t, "")
	s := open(t, plugintest.Executable, initialised(t, ada))
	saved := save(t, s, "", "document")
	_, err := s.Load(t.Context(), core.DefaultKey)
	wantError(t, "Load", err, core.ErrSealed, "in a terminal")
	setPinentry(t, os.Getenv("GNUPGHOME"), answering("echo D open sesame; echo OK"))
	r, err := s.Load(t.Context(), core.DefaultKey)
	if err != nil || string(r.Data) != "document" || r.Revision != saved.Revision {
		t.Errorf("Load, unlocked, gives %q, %v", r.Data, err)
	}
}

func TestNoKey(t *testing.T) {
	r := place(t)
	save(t, open(t, plugintest.InProcess, r), "", "for ada alone")
	home, err := os.MkdirTemp("/tmp", "gpg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { removeHome(home) })
	t.Setenv("GNUPGHOME", home)
	for _, c := range plugintest.Carriers() {
		s := open(t, c, r)
		_, err = s.Load(t.Context(), core.DefaultKey)
		wantError(t, "Load", err, core.ErrSealed, "gpg --list-secret-keys")
		_, err = s.Save(t.Context(), "other", core.Record{Data: []byte("x")})
		wantError(t, "Save", err, core.ErrUnavailable, "pass init")
	}
}

func TestNotInstalled(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	r := request(t, t.TempDir())
	for _, c := range plugintest.Carriers() {
		_, err := plugintest.OpenStore(t, c, pass.Plugin(), r)
		wantError(t, "opening without pass", err, core.ErrUnavailable, "apt-get install pass")
	}
	writeScript(t, filepath.Join(dir, "pass"), "")
	for _, c := range plugintest.Carriers() {
		_, err := plugintest.OpenStore(t, c, pass.Plugin(), r)
		wantError(t, "opening without gpg", err, core.ErrUnavailable, "apt-get install gnupg")
	}
}

func TestNotInitialised(t *testing.T) {
	needPass(t)
	for _, c := range plugintest.Carriers() {
		_, err := plugintest.OpenStore(t, c, pass.Plugin(), request(t, t.TempDir()))
		wantError(t, "opening what pass did not make", err, core.ErrUnavailable, "pass init")
	}
	r := place(t)
	s := open(t, plugintest.InProcess, r)
	if err := os.Remove(filepath.Join(dirOf(t, r), ".gpg-id")); err != nil {
		t.Fatal(err)
	}
	_, err := s.Save(t.Context(), core.DefaultKey, core.Record{Data: []byte("x")})
	wantError(t, "Save where .gpg-id was removed", err, core.ErrUnavailable, "pass init")
}

func TestSettings(t *testing.T) {
	for _, settings := range []string{`{"folder": "../other"}`, `{"folder": "/etc"}`, `{"store_dir": "here"}`, `{"folder": 1}`, `{"foldr": "x"}`} {
		for _, c := range plugintest.Carriers() {
			_, err := plugintest.OpenStore(t, c, pass.Plugin(), plugins.Request{Settings: []byte(settings)})
			if !errors.Is(err, plugins.ErrBadConfig) {
				t.Errorf("%s, %s: error is %v, want ErrBadConfig", settings, c, err)
			}
		}
	}
}

// gpg succeeds on the first 50 bytes, and decrypts nothing.
func TestDamaged(t *testing.T) {
	r := place(t)
	s := open(t, plugintest.InProcess, r)
	save(t, s, "", strings.Repeat("a document that is not damaged ", 100))
	file := core.Full(s).Path(core.DefaultKey)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 50, 100, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(file, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := s.Load(t.Context(), core.DefaultKey)
		if !errors.Is(err, core.ErrCorrupt) {
			t.Errorf("Load of %d of %d bytes gives %q, %v, want ErrCorrupt", n, len(whole), got.Data, err)
		}
		if _, err := s.Save(t.Context(), core.DefaultKey, core.Record{Data: []byte("x")}); !errors.Is(err, core.ErrCorrupt) {
			t.Errorf("Save over %d of %d bytes: %v, want ErrCorrupt", n, len(whole), err)
		}
	}
}

// pass shows what is in a folder as if that were an entry, and moves into one.
func TestFolderOfThatName(t *testing.T) {
	r := place(t)
	s := open(t, plugintest.InProcess, r)
	if err := os.MkdirAll(filepath.Join(dirOf(t, r), "tokentoss", core.DefaultKey), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Load(t.Context(), core.DefaultKey); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Load gives %q, %v, want ErrNotFound", got.Data, err)
	}
	_, err := s.Save(context.Background(), core.DefaultKey, core.Record{Data: []byte("x")})
	wantError(t, "Save", err, core.ErrReadOnly, "pass mv")
}
