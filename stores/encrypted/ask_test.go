package encrypted_test

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

// withPassphrase tests stores with a document whose key has a passphrase.
func withPassphrase(t *testing.T, test func(t *testing.T, c encrypted.Config, dir string)) {
	t.Helper()
	key := sshKey(t, "ed25519", true)
	for _, kind := range []string{"identity", "ssh"} {
		t.Run(kind, func(t *testing.T) {
			dir, c := t.TempDir(), encrypted.Config{SSHKey: key}
			if kind == "identity" {
				c = encrypted.Config{Passphrase: true}
				quickIdentity(t, dir, 6)
			}
			save(t, open(t, c, dir, &person{answers: []core.Secret{passphrase}}), "default", "", "doc")
			test(t, c, dir)
		})
	}
}

// The passphrase is asked for once, when it is needed: to save as well as to read, and
// before a browser opens, by Check.
func TestAskedOnce(t *testing.T) {
	t.Parallel()
	withPassphrase(t, func(t *testing.T, c encrypted.Config, dir string) {
		p := &person{answers: []core.Secret{passphrase}}
		s := open(t, c, dir, p)
		if _, err := s.Load(bounded(t), "nobody"); !errors.Is(err, core.ErrNotFound) {
			t.Errorf("Load of nothing: error is %v, want core.ErrNotFound", err)
		}
		must(t, s.Delete(bounded(t), "work"))
		if p.times() != 0 {
			t.Errorf("%d questions, although nothing was needed: %q", p.times(), p.asked)
		}
		must(t, s.(core.Checker).Check(bounded(t), "default"))
		if p.times() != 1 {
			t.Errorf("%d questions before the browser opens, want one", p.times())
		}
		save(t, s, "work", "", "of work")
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if r, err := s.Load(t.Context(), "default"); err != nil || string(r.Data) != "doc" {
					t.Errorf("Load gives %v, %v", r, err)
				}
			})
		}
		wg.Wait()
		if p.times() != 1 || !strings.Contains(p.asked[0], "assphrase for "+filepath.VolumeName(dir)+string(filepath.Separator)) {
			t.Errorf("questions are %q, want one that names the file", p.asked)
		}
		// A document for another key may mean that the key has changed; it has not.
		foreign := open(t, encrypted.Config{}, t.TempDir(), nil)
		save(t, foreign, "default", "", "of another key")
		put(t, s, "default", contents(t, foreign, "default"))
		wantCorrupt(t, s, "default", "another key")
		if p.times() != 1 {
			t.Errorf("questions are %q, want none about a key that is the same", p.asked)
		}
	})
}

// A wrong passphrase is asked for again, three times in all.
func TestWrongPassphrase(t *testing.T) {
	t.Parallel()
	withPassphrase(t, func(t *testing.T, c encrypted.Config, dir string) {
		p := &person{answers: []core.Secret{"wrong-secret", "wrong-secret", passphrase}}
		wantDoc(t, open(t, c, dir, p), "default", "doc")
		if p.times() != 3 || !strings.HasPrefix(p.asked[2], "Wrong. ") {
			t.Errorf("questions are %q, want three", p.asked)
		}
		p = &person{answers: []core.Secret{"wrong-secret"}}
		s := open(t, c, dir, p)
		_, err := s.Load(bounded(t), "default")
		if !errors.Is(err, core.ErrSealed) || p.times() != 3 || strings.Contains(err.Error(), "wrong-secret") {
			t.Errorf("error is %v after %d questions, want core.ErrSealed after 3, without the passphrase", err, p.times())
		}
		wantError(t, err, "the passphrase was wrong 3 times", "unlock ")
		p.answers = []core.Secret{passphrase}
		wantDoc(t, s, "default", "doc") // nothing is remembered of the failure
	})
}

// Without an answer the store stays sealed, and says where one can be given.
func TestNobodyToAsk(t *testing.T) {
	t.Parallel()
	withPassphrase(t, func(t *testing.T, c encrypted.Config, dir string) {
		noTerminal := errors.New("there is no terminal")
		for name, p := range map[string]*person{
			"nobody": nil, "fails": {fails: noTerminal}, "empty": {answers: []core.Secret{""}}, "sealed": {fails: core.ErrSealed},
		} {
			_, err := open(t, c, dir, p).Load(bounded(t), "default")
			if !errors.Is(err, core.ErrSealed) {
				t.Errorf("%s: error is %v, want core.ErrSealed", name, err)
			}
			wantError(t, err, "it has a passphrase", "unlock ")
			if p != nil && p.fails != nil && !errors.Is(err, p.fails) {
				t.Errorf("error %v does not wrap that of ask", err)
			}
			if strings.Count(err.Error(), core.ErrSealed.Error()) != 1 {
				t.Errorf("error %q says it more than once", err)
			}
			if p != nil && p.times() != 1 {
				t.Errorf("%s: %d questions, want that a refusal ends it", name, p.times())
			}
		}
	})
}

// An identity that must have a passphrase and is not there yet gets one that is
// chosen, and given twice.
func TestChosenPassphrase(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := encrypted.Config{Passphrase: true}
	err := open(t, c, dir, nil).(core.Checker).Check(bounded(t), "default")
	if !errors.Is(err, core.ErrSealed) {
		t.Errorf("Check with nobody to choose a passphrase: error is %v, want core.ErrSealed", err)
	}
	p := &person{answers: []core.Secret{"one", "two", passphrase, passphrase}}
	s := open(t, c, dir, p)
	save(t, s, "default", "", "doc")
	if p.times() != 4 || !strings.Contains(p.asked[0], "New passphrase") || !strings.Contains(p.asked[2], "They differ") {
		t.Errorf("questions are %q", p.asked)
	}
	wantDoc(t, s, "default", "doc")
	if p.times() != 4 {
		t.Errorf("questions are %q, want none to read after the passphrase was chosen", p.asked)
	}
	later := &person{answers: []core.Secret{passphrase}}
	wantDoc(t, open(t, c, dir, later), "default", "doc")
	if later.times() != 1 {
		t.Errorf("questions of a process after it are %q, want one", later.asked)
	}
}
