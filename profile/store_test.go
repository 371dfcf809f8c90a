package profile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/profile"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestStoreOfOtherPackage: a program opens a store that its profile names by the function of
// the store's package, where the command line has it and with its settings.
func TestStoreOfOtherPackage(t *testing.T) {
	t.Parallel()
	open := func(c encrypted.Config, dir string) (core.TokenStore, error) { return encrypted.Open(c, dir, nil) }
	options := func(text string) profile.Options {
		dir := t.TempDir()
		must(t, os.WriteFile(filepath.Join(dir, profile.ConfigName), []byte(text), 0o600))
		return profile.Options{Dir: dir, Stores: map[string]func(profile.Place) (core.TokenStore, error){"encrypted": profile.Store(open)}}
	}
	o := options("store = 'encrypted'\n[stores.encrypted]\nidentity = 'my.key'\n")
	p, err := profile.Open(o)
	must(t, err)
	defer p.Close()
	if got, want := p.Location(), filepath.Join(o.Dir, "stores", "encrypted", "tokens.age"); got != want {
		t.Errorf("the session is in %s, want %s", got, want)
	}
	must(t, p.CheckStore(t.Context()))
	if _, err := os.Stat(filepath.Join(o.Dir, "stores", "encrypted", "my.key")); err != nil {
		t.Errorf("the setting was not used: %v", err)
	}
	_, err = profile.Open(options("store = 'encrypted'\n[stores.encrypted]\nidentitty = 'my.key'\n"))
	if !errors.Is(err, fault.BadConfig) {
		t.Errorf("a setting that is unknown: error %v, want fault.BadConfig", err)
	}
}
