package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	system "github.com/99designs/keyring"
	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest"
	"github.com/tokentoss/tokentoss/core/storetest/crashtest"
	"github.com/tokentoss/tokentoss/stores/keyring"
)

func TestConformance(t *testing.T) {
	if !inSession(t) {
		return
	}
	storetest.Run(t,
		func(t *testing.T) core.TokenStore { return open(t, filepath.Join(t.TempDir(), "tokentoss")) },
		storetest.WithReopen(func(t *testing.T, first core.TokenStore) core.TokenStore {
			return open(t, filepath.Dir(first.(core.Locator).Path(core.DefaultKey)))
		}))
}

// A process that is killed at any moment of a refresh leaves the session that was there, or
// the next one, and no lock.
func TestKilledRefresh(t *testing.T) {
	if !inSession(t) {
		return
	}
	dir := t.TempDir()
	crashtest.Kill(t, crashtest.Rounds(t), dir, open(t, dir))
}

// The keyring has one small item for a directory, whatever is saved there, and is
// read once.
func TestOneItem(t *testing.T) {
	if !inSession(t) {
		return
	}
	dir := t.TempDir()
	s := open(t, dir)
	r := save(t, s, "default", "", strings.Repeat("large ", 100_000))
	save(t, s, "default", r.Revision, "small")
	save(t, s, "work", "", "of work")
	if n := len(items(t)); n != 1 {
		t.Errorf("the keyring has %d items, want 1", n)
	}
	save(t, open(t, t.TempDir()), "default", "", "elsewhere")
	if n := len(items(t)); n != 2 {
		t.Errorf("the keyring has %d items for two directories, want 2", n)
	}
	s = open(t, dir)
	wantDoc(t, s, "default", "small")
	removeItems(t)
	wantDoc(t, s, "work", "of work")
	save(t, s, "more", "", "still the same key")
}

// A locked keyring is an error, and what was had of it before goes on.
func TestLocked(t *testing.T) {
	if !inSession(t) {
		return
	}
	dir := t.TempDir()
	before := open(t, dir)
	save(t, before, "default", "", "doc")
	lock(t)
	wantKeyError(t, dir, core.ErrSealed, "locked", "unlock the keyring")
	_, err := open(t, t.TempDir()).Save(bounded(t), "default", core.Record{Data: []byte("first of a place")})
	wantError(t, "Save of a first document", err, core.ErrSealed, "locked", "unlock the keyring")
	wantDoc(t, before, "default", "doc")
	save(t, before, "work", "", "doc")
}

// A keyring that ended is an error; the bus may start another, which is locked.
func TestDaemonKilled(t *testing.T) {
	if !inSession(t) {
		return
	}
	dir := t.TempDir()
	before := open(t, dir)
	save(t, before, "default", "", "doc")
	pid, err := daemon()
	must(t, err)
	must(t, syscall.Kill(pid, syscall.SIGKILL))
	_, err = open(t, dir).Load(bounded(t), "default")
	if !errors.Is(err, core.ErrUnavailable) && !errors.Is(err, core.ErrSealed) {
		t.Errorf("Load without the daemon: error is %v, want core.ErrUnavailable or core.ErrSealed", err)
	}
	wantDoc(t, before, "default", "doc")
	save(t, before, "work", "", "doc")
}

// A keyring that does not answer, as one that waits for a person, holds nobody
// longer than ctx says, and no more than one goroutine, which ends when it does.
func TestNoAnswer(t *testing.T) {
	if !inSession(t) {
		return
	}
	dir := t.TempDir()
	save(t, open(t, dir), "default", "", "doc")
	pid, err := daemon()
	must(t, err)
	must(t, syscall.Kill(pid, syscall.SIGSTOP))
	running := goleak.IgnoreCurrent()
	s := open(t, dir)
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, err := s.Load(ctx, "default")
		cancel()
		wantError(t, "Load", err, core.ErrSealed, "has not answered", "look for a window")
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v does not wrap that of ctx", err)
		}
	}
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if n := bytes.Count(stacks, []byte("keyring.(*ring).guard(")); n != 1 {
		t.Errorf("%d goroutines wait for the keyring after three calls, want 1:\n%s", n, stacks)
	}
	must(t, syscall.Kill(pid, syscall.SIGCONT))
	wantDoc(t, s, "default", "doc")
	if err := goleak.Find(running); err != nil {
		t.Error(err)
	}
}

// A key that is gone is not replaced while there is what only it opens; then it
// is.
func TestLostKey(t *testing.T) {
	if !inSession(t) {
		return
	}
	dir := t.TempDir()
	before := open(t, dir)
	save(t, before, "default", "", "doc")
	wantDoc(t, before, "default", "doc")
	removeItems(t)
	wantKeyError(t, dir, core.ErrSealed, "has not the key", "give up the session")
	if n := len(items(t)); n != 0 {
		t.Errorf("%d keys were made", n)
	}
	s := open(t, dir)
	must(t, s.Delete(bounded(t), "default")) // given up
	save(t, s, "default", "", "new")
	wantDoc(t, open(t, dir), "default", "new")
	wantDoc(t, before, "default", "new") // with the key of now

	pub := filepath.Join(dir, "keyring.pub")
	must(t, os.Rename(pub, pub+".away"))
	wantKeyError(t, dir, core.ErrSealed, "has not the key", "give up the session")
	must(t, os.WriteFile(pub, []byte("nonsense"), 0o600))
	wantKeyError(t, dir, core.ErrRefused, "does not hold an age recipient", "bring it back")
	must(t, os.Rename(pub+".away", pub))
	wantDoc(t, open(t, dir), "default", "new")
}

// An item that has another key than its name says is no key.
func TestChangedItem(t *testing.T) {
	if !inSession(t) {
		return
	}
	dir := t.TempDir()
	save(t, open(t, dir), "default", "", "doc")
	k, err := system.Open(system.Config{
		AllowedBackends: []system.BackendType{system.SecretServiceBackend}, LibSecretCollectionName: "login",
	})
	must(t, err)
	recipient, err := os.ReadFile(filepath.Join(dir, "keyring.pub"))
	must(t, err)
	other, err := age.GenerateX25519Identity()
	must(t, err)
	for _, data := range []string{other.String(), "planted"} {
		must(t, k.Set(system.Item{Key: "tokentoss " + strings.TrimSpace(string(recipient)), Data: []byte(data)}))
		wantKeyError(t, dir, core.ErrRefused, "is not the key", "find out what changed it")
	}
}

// Without a session bus there is no keyring, and no other place for a key.
func TestNoBus(t *testing.T) {
	if os.Getenv(childEnv) != "no-bus" {
		cmd := self(t, "no-bus", "-test.run=^TestNoBus$", "-test.v")
		cmd.Env = append(cmd.Env, "DBUS_SESSION_BUS_ADDRESS=disabled:")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestNoBus ") {
			t.Errorf("without a bus: %v\n%s", err, out)
		}
		return
	}
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := s.Load(bounded(t), "default"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Load of nothing: error is %v, want core.ErrNotFound", err)
	}
	_, err := s.Save(bounded(t), "default", core.Record{Data: []byte("doc")})
	wantError(t, "Save", err, core.ErrUnavailable, "there is no session bus", `store = "encrypted"`)
	wantError(t, "Check", s.(core.Checker).Check(bounded(t), "default"), core.ErrUnavailable, "there is no session bus", "")
	if text := s.(core.Describer).Describe(); !strings.Contains(text, "Secret Service") {
		t.Errorf("protection is %q", text)
	}
}

// Another collection that does not exist cannot be made without a person.
func TestOtherCollection(t *testing.T) {
	if !inSession(t) {
		return
	}
	s, err := keyring.Open(keyring.Config{Collection: "nowhere"}, t.TempDir())
	must(t, err)
	_, err = s.Save(bounded(t), "default", core.Record{Data: []byte("doc")})
	wantError(t, "Save", err, core.ErrUnavailable, `collection "nowhere"`, "name one that exists")
}

// Processes that use a new place at the same time have one key.
func TestConcurrentFirstUse(t *testing.T) {
	if !inSession(t) {
		return
	}
	dir := filepath.Join(t.TempDir(), "new")
	var wg sync.WaitGroup
	for i := range 8 {
		cmd := self(t, fmt.Sprint("save k", i), dir)
		cmd.Env = append(cmd.Env, "DBUS_SESSION_BUS_ADDRESS="+os.Getenv("DBUS_SESSION_BUS_ADDRESS"))
		wg.Go(func() {
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	wg.Wait()
	if n := len(items(t)); n != 1 {
		t.Errorf("there are %d keys, want 1", n)
	}
	s := open(t, dir)
	for i := range 8 {
		wantDoc(t, s, fmt.Sprint("k", i), fmt.Sprint("of k", i))
	}
}

// Neither a document nor the key is in clear anywhere on the disk, the files of
// the keyring itself among them.
func TestNothingInClear(t *testing.T) {
	if !inSession(t) {
		return
	}
	dir, home := t.TempDir(), os.Getenv("HOME")
	if !strings.HasPrefix(dir, home) {
		t.Fatalf("%s is not below %s", dir, home)
	}
	s := open(t, dir)
	r := save(t, s, "default", "", "planted-refresh-token one")
	save(t, s, "default", r.Revision, "planted-refresh-token two")
	names := map[string]bool{}
	must(t, filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		must(t, err)
		names[filepath.Base(path)] = true
		for _, secret := range []string{"planted", "AGE-SECRET-KEY"} {
			if bytes.Contains(data, []byte(secret)) {
				t.Errorf("%s has %q in clear", path, secret)
			}
		}
		return nil
	}))
	for _, name := range []string{"tokens.keyring.age", "keyring.pub", "login.keyring"} {
		if !names[name] {
			t.Errorf("there is no file %s among %v", name, names)
		}
	}
}
