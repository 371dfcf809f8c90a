package keyring_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	system "github.com/99designs/keyring"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest"
	"github.com/tokentoss/tokentoss/stores/keyring"
)

// credentials opens the Credential Manager of this user, in which the test leaves nothing.
func credentials(t *testing.T) system.Keyring {
	t.Helper()
	k, err := system.Open(system.Config{AllowedBackends: []system.BackendType{system.WinCredBackend}, ServiceName: "tokentoss", WinCredPrefix: "tokentoss"})
	if err != nil {
		t.Fatal(err)
	}
	before := names(t, k)
	t.Cleanup(func() {
		for _, name := range names(t, k) {
			if !slices.Contains(before, name) {
				_ = k.Remove(name)
			}
		}
	})
	return k
}

func names(t *testing.T, k system.Keyring) []string {
	t.Helper()
	list, err := k.Keys()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func open(t *testing.T, dir string) core.TokenStore {
	t.Helper()
	s, err := keyring.Open(keyring.Config{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	credentials(t)
	storetest.Run(t,
		func(t *testing.T) core.TokenStore { return open(t, filepath.Join(t.TempDir(), "tokentoss")) },
		storetest.WithReopen(func(t *testing.T, first core.TokenStore) core.TokenStore {
			return open(t, filepath.Dir(first.(core.Locator).Path(core.DefaultKey)))
		}))
}

// The Credential Manager has one item for a directory, whatever is saved there. Without
// the item the sessions cannot be read, and a new key does not take its place by itself.
func TestOneItem(t *testing.T) {
	k := credentials(t)
	before := names(t, k)
	dir := t.TempDir()
	for _, key := range []string{"default", "work"} {
		if _, err := open(t, dir).Save(t.Context(), key, core.Record{Data: []byte("of " + key)}); err != nil {
			t.Fatal(err)
		}
	}
	made := slices.DeleteFunc(names(t, k), func(name string) bool { return slices.Contains(before, name) })
	if len(made) != 1 {
		t.Fatalf("the Credential Manager has the new items %q, want one", made)
	}
	if r, err := open(t, dir).Load(t.Context(), "work"); err != nil || string(r.Data) != "of work" {
		t.Errorf("Load: %v", err)
	}
	if err := k.Remove(made[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).Load(t.Context(), "work"); err == nil || errors.Is(err, core.ErrNotFound) {
		t.Errorf("Load without the item: error %v, want one about the key", err)
	}
}
