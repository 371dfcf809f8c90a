package encrypted_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

// wantRefused checks that a key is refused by Load and Save, with no error for
// which a sign-in would set the document aside: it is the key that is wrong.
func wantRefused(t testing.TB, s core.TokenStore, says, hint string) {
	t.Helper()
	_, loadErr := s.Load(bounded(t), "default")
	_, saveErr := s.Save(bounded(t), "work", core.Record{Data: []byte("doc")})
	for op, err := range map[string]error{"Load": loadErr, "Save": saveErr} {
		if !errors.Is(err, core.ErrRefused) || errors.Is(err, core.ErrInsecure) || errors.Is(err, core.ErrCorrupt) {
			t.Errorf("%s: error is %v, want core.ErrRefused alone", op, err)
		}
		wantError(t, err, says, hint)
	}
}

// An identity that others can read, or that is not a file, is refused; it may be a link.
func TestPermissions(t *testing.T) {
	t.Parallel()
	if os.PathSeparator == '\\' {
		t.Skip("Windows has no modes")
	}
	ssh := sshKey(t, "ed25519", false)
	for _, c := range []encrypted.Config{{Identity: filepath.Join(t.TempDir(), "id")}, {SSHKey: ssh}} {
		path := c.Identity + c.SSHKey
		dir := t.TempDir()
		save(t, open(t, c, dir, nil), "default", "", "doc")
		must(t, os.Chmod(path, 0o640))
		wantRefused(t, open(t, c, dir, nil), "mode 0640: others can read it", "run chmod 600 "+path)
		must(t, os.Chmod(path, 0o600))
		must(t, os.Rename(path, path+".real"))
		must(t, os.Symlink(path+".real", path))
		wantDoc(t, open(t, c, dir, nil), "default", "doc") // as a secret volume has it
		must(t, os.Remove(path+".real"))
		must(t, os.Mkdir(path+".real", 0o700))
		wantRefused(t, open(t, c, dir, nil), "a directory, not a regular file", "correct ")
	}
}

// What is no key is refused, and nothing of it is in the error.
func TestNotAnIdentity(t *testing.T) {
	t.Parallel()
	id, err := age.GenerateX25519Identity()
	must(t, err)
	twice := id.String() + "\n" + id.String() + "\n"
	for name, text := range map[string]string{
		"empty": "", "text": "planted-secret\n", "cut": id.String()[:40] + "planted-secret", "two": twice,
		"age file cut": "age-encryption.org/v1\n-> scrypt planted-secret",
	} {
		dir := t.TempDir()
		c := encrypted.Config{Identity: filepath.Join(dir, "id")}
		writePrivate(t, c.Identity, text)
		s := open(t, c, dir, &person{answers: []core.Secret{passphrase}})
		_, err := s.Save(bounded(t), "default", core.Record{Data: []byte("doc")})
		if !errors.Is(err, core.ErrRefused) || strings.Contains(err.Error(), "planted-secret") || strings.Contains(err.Error(), "AGE-SECRET") {
			t.Errorf("%s: error is %v, want core.ErrRefused without the text", name, err)
		}
	}
}

// An identity is never replaced, and none is made where documents were encrypted
// for one that is gone.
func TestLostIdentity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, encrypted.Config{}, dir, nil)
	r := save(t, s, "work", "", "doc")
	path := filepath.Join(dir, "identity.age")
	must(t, os.Rename(path, path+".lost"))
	s = open(t, encrypted.Config{}, dir, nil)
	_, loadErr := s.Load(bounded(t), "work")
	_, saveErr := s.Save(bounded(t), "work", core.Record{Data: []byte("new"), Revision: r.Revision})
	_, otherErr := s.Save(bounded(t), "default", core.Record{Data: []byte("new")})
	for _, err := range []error{loadErr, saveErr, otherErr, s.(core.Checker).Check(bounded(t), "default")} {
		if !errors.Is(err, core.ErrSealed) {
			t.Errorf("error is %v, want core.ErrSealed", err)
		}
		wantError(t, err, path+": ", "give up the session")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("another identity was made")
	}
	must(t, s.Delete(bounded(t), "work")) // given up
	save(t, s, "default", "", "new")
	wantDoc(t, s, "default", "new")
	if err := encrypted.CreateIdentity(bounded(t), path, ""); !errors.Is(err, core.ErrConflict) {
		t.Errorf("CreateIdentity over one: error is %v, want core.ErrConflict", err)
	}
	wantDoc(t, s, "default", "new")
}

// A process that runs while others give the identity up and make another one
// goes on with that.
func TestIdentityMadeAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here := open(t, encrypted.Config{}, dir, nil)
	save(t, here, "default", "", "old")
	wantDoc(t, here, "default", "old")
	there := open(t, encrypted.Config{}, dir, nil)
	must(t, there.Delete(bounded(t), "default"))
	must(t, os.Remove(filepath.Join(dir, "identity.age")))
	save(t, there, "default", "", "new")
	r := wantDoc(t, here, "default", "new")
	save(t, here, "default", r.Revision, "newer")
	wantDoc(t, there, "default", "newer")
}

// Processes that make the identity at the same time use the same one.
func TestConcurrentFirstUse(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	var wg sync.WaitGroup
	for i := range 8 {
		s := open(t, encrypted.Config{}, dir, nil)
		wg.Go(func() {
			if _, err := s.Save(t.Context(), string(rune('a'+i)), core.Record{Data: []byte("doc")}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := open(t, encrypted.Config{}, dir, nil)
	for i := range 8 {
		wantDoc(t, s, string(rune('a'+i)), "doc")
	}
}

// The settings can demand a passphrase, and one that is there is used anyway.
func TestPassphraseSetting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	save(t, open(t, encrypted.Config{}, dir, nil), "default", "", "doc")
	wantRefused(t, open(t, encrypted.Config{Passphrase: true}, dir, nil), "the settings want a passphrase", "correct the setting passphrase")

	dir = t.TempDir()
	quickIdentity(t, dir, 6)
	s := open(t, encrypted.Config{}, dir, &person{answers: []core.Secret{passphrase}})
	save(t, s, "default", "", "doc")
	wantDoc(t, s, "default", "doc")
}

// A passphrase that would take minutes and gigabytes to try is not tried.
func TestWorkFactor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	quickIdentity(t, dir, 6)
	path := filepath.Join(dir, "identity.age")
	save(t, open(t, encrypted.Config{}, dir, &person{answers: []core.Secret{passphrase}}), "default", "", "doc")
	costly := regexp.MustCompile(`(-> scrypt \S+) 6\n`).ReplaceAll(read(t, path), []byte("$1 21\n"))
	must(t, os.WriteFile(path, costly, 0o600))
	p := &person{answers: []core.Secret{passphrase}}
	_, err := open(t, encrypted.Config{}, dir, p).Load(bounded(t), "default")
	var tooSlow *encrypted.WorkFactorError
	if !errors.As(err, &tooSlow) || tooSlow.LogN != 21 || !errors.Is(err, core.ErrRefused) || p.times() != 1 {
		t.Errorf("error is %v after %d questions, want a WorkFactorError of 21 after 1", err, p.times())
	}
	wantError(t, err, path+": ", "lower cost")
}

// CreateIdentity with a passphrase makes what Open uses.
func TestCreateIdentity(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	path := filepath.Join(dir, "identity.age")
	must(t, encrypted.CreateIdentity(bounded(t), path, passphrase))
	info, err := os.Stat(path)
	must(t, err)
	if os.PathSeparator == '/' && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
	if bytes.Contains(read(t, path), []byte("AGE-SECRET-KEY")) {
		t.Error("the identity is in clear")
	}
	p := &person{answers: []core.Secret{passphrase}}
	s := open(t, encrypted.Config{Passphrase: true}, dir, p)
	save(t, s, "default", "", "doc")
	wantDoc(t, s, "default", "doc")
	if p.times() != 1 {
		t.Errorf("questions are %q, want one", p.asked)
	}
}

// A busy place is one where another process makes the identity and saves, between
// two looks of this one.
type busyPlace struct{ make func() }

func (b busyPlace) List(context.Context) ([]string, error) {
	b.make()
	return []string{"default"}, nil
}

func TestIdentityOfAnotherProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	made := func() {
		if err := encrypted.CreateIdentity(bounded(t), filepath.Join(dir, "identity.age"), ""); err != nil {
			t.Error(err)
		}
	}
	keys, err := encrypted.Config{}.Keys(dir, nil, busyPlace{made})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.Key(bounded(t), true); err != nil {
		t.Errorf("the identity that another process made just now is not taken: %v", err)
	}
}
