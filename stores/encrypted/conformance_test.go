package encrypted_test

import (
	"path/filepath"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

// Each kind of key, over files, is a store with all powers.
func TestConformance(t *testing.T) {
	shared := struct{ plain, locked string }{sshKey(t, "ed25519", false), sshKey(t, "ed25519", true)}
	for _, kind := range []struct {
		name    string
		config  encrypted.Config
		prepare func(t *testing.T, dir string)
	}{
		{"identity", encrypted.Config{}, func(*testing.T, string) {}},
		{"passphrase", encrypted.Config{Passphrase: true}, func(t *testing.T, dir string) { quickIdentity(t, dir, 6) }},
		{"ssh", encrypted.Config{SSHKey: shared.plain}, func(*testing.T, string) {}},
		{"ssh_with_passphrase", encrypted.Config{SSHKey: shared.locked}, func(*testing.T, string) {}},
		{"ssh_rsa", encrypted.Config{SSHKey: sshKey(t, "rsa", false)}, func(*testing.T, string) {}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			p := &person{answers: []core.Secret{passphrase}}
			storetest.Run(t, func(t *testing.T) core.TokenStore {
				dir := filepath.Join(t.TempDir(), "tokentoss")
				kind.prepare(t, dir)
				return open(t, kind.config, dir, p)
			}, storetest.WithReopen(func(t *testing.T, first core.TokenStore) core.TokenStore {
				return open(t, kind.config, filepath.Dir(first.(core.Locator).Path(core.DefaultKey)), p)
			}), storetest.WithTimeout(time.Minute)) // for passphrases
		})
	}
}

// Over a store without powers there is one without them.
func TestPowersAreThoseOfInner(t *testing.T) {
	t.Parallel()
	inner := struct{ core.TokenStore }{files(t, t.TempDir())}
	keys, err := encrypted.Config{}.Keys(t.TempDir(), nil, nil)
	must(t, err)
	s := encrypted.Wrap(inner, "bare", keys)
	if core.CapabilitiesOf(s).Locking {
		t.Error("it is a Locker, and what it is over is none")
	}
	if core.CapabilitiesOf(s).Listing {
		t.Error("it is a Lister, and what it is over is none")
	}
	save(t, s, "default", "", "doc")
	wantDoc(t, s, "default", "doc")
	if path := s.(core.Locator).Path("default"); path != "" {
		t.Errorf("Path gives %q, want nothing", path)
	}
	_, err = s.(core.Quarantiner).Quarantine(bounded(t), "default")
	wantError(t, err, "unsupported operation", "")
}

// A post-quantum identity, as age-keygen -pq makes it, is taken as it is.
func TestHybridIdentity(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	id, err := age.GenerateHybridIdentity()
	must(t, err)
	path := filepath.Join(dir, "pq")
	writePrivate(t, path, id.String()+"\n")
	s := open(t, encrypted.Config{Identity: path}, dir, nil)
	save(t, s, "default", "", "doc")
	wantDoc(t, s, "default", "doc")
}
