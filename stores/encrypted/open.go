package encrypted

import (
	"cmp"
	"fmt"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/stores/file"
)

const (
	// storeName stands in the documents of the store of Open.
	storeName = "encrypted"

	// fileName is the name of its documents.
	fileName = "tokens.age"

	// identityName is the name of the identity file, if the settings name none.
	identityName = "identity.age"
)

// Config is the settings of a store: what its documents are opened with. Nothing
// set means an age identity in the file identity.age of the store's directory.
// Paths are as everywhere, see [privatefile.Resolve]; a relative one begins at the
// directory.
type Config struct {
	// Identity is the path of the age identity. It is made if it does not exist.
	Identity string `json:"identity,omitempty" about:"path of the age identity; made if it is not there"`

	// Passphrase says that the identity must have a passphrase. One that is made
	// gets a passphrase that the person is asked for. An identity that has one may
	// be used without this.
	Passphrase bool `json:"passphrase,omitempty" about:"protect the identity with a passphrase"`

	// SSHKey is the path of an SSH private key to use instead of an identity.
	SSHKey string `json:"ssh_key,omitempty" about:"path of an SSH key to use instead of an identity"`

	// AcceptUnbound is for a migration that a person watches; see [AcceptUnbound].
	AcceptUnbound bool `json:"accept_unbound,omitempty" about:"set by a migration that a person watches; refused in config.toml"`
}

// Open returns the store of encrypted files in dir, which is made when something
// is saved. It asks for a passphrase, with ask, when a session is first read; ask
// may be nil. Nothing is read yet, and no error is of what is on the disk.
func Open(c Config, dir string, ask Ask) (core.TokenStore, error) {
	files, err := file.NewNamed(dir, fileName)
	if err != nil {
		return nil, err
	}
	keys, err := c.Keys(dir, ask, files)
	if err != nil {
		return nil, err
	}
	s := Wrap(files, storeName, keys)
	if c.AcceptUnbound {
		s = AcceptUnbound(s)
	}
	return s, nil
}

// Keys returns what c describes, for a store of one's own. The identity file is
// in dir if c does not say otherwise. An identity is made only while records
// names no key, since those were encrypted for another; records may be nil.
func (c Config) Keys(dir string, ask Ask, records core.Lister) (Keys, error) {
	if c.SSHKey != "" {
		if c.Identity != "" || c.Passphrase {
			return nil, &SettingError{Name: "ssh_key", Problem: "cannot be used together with identity or passphrase"}
		}
		path, err := resolve("ssh_key", c.SSHKey, dir)
		if err != nil {
			return nil, err
		}
		return &sshKey{path: path, ask: ask}, nil
	}
	path, err := resolve("identity", cmp.Or(c.Identity, "./"+identityName), dir)
	if err != nil {
		return nil, err
	}
	return &identityFile{path: path, passphrase: c.Passphrase, ask: ask, records: records}, nil
}

// A SettingError is a setting that cannot be used.
type SettingError struct {
	Name    string
	Problem string
}

func (e *SettingError) Error() string { return fmt.Sprintf("the setting %s %s", e.Name, e.Problem) }

// Hint says what to do next.
func (e *SettingError) Hint() string { return "correct " + e.Name + " in config.toml" }

// resolve returns the path of a setting.
func resolve(name, path, dir string) (string, error) {
	abs, err := privatefile.Resolve(path, dir)
	if err != nil {
		return "", fmt.Errorf("the setting %s: %w", name, err)
	}
	return abs, nil
}
