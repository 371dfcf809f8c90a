package keyring

import (
	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/encrypted"
	"github.com/tokentoss/tokentoss/stores/file"
)

const (
	// storeName stands in the documents.
	storeName = "keyring"

	// fileName is the name of the documents.
	fileName = "tokens.keyring.age"

	// recipientName is the name of the file that says which key is in use.
	recipientName = "keyring.pub"

	// defaultCollection is the one that a desktop unlocks at login. The library
	// would take one of its own, which nothing unlocks.
	defaultCollection = "login"
)

// Config is the settings of a store.
type Config struct {
	// Collection of the Secret Service that has the key; "login" when empty. It
	// means nothing on macOS and Windows.
	Collection string `json:"collection,omitempty" about:"collection of the Secret Service; login when not set"`

	// AcceptUnbound is for a migration that a person watches; see
	// [encrypted.AcceptUnbound].
	AcceptUnbound bool `json:"accept_unbound,omitempty" about:"set by a migration that a person watches; refused in config.toml"`
}

// Open returns a store over the directory dir, which is made when something is
// saved. The keyring is used when a session is first read or saved, and no error
// is of it yet.
func Open(c Config, dir string) (core.TokenStore, error) {
	files, err := file.NewNamed(dir, fileName)
	if err != nil {
		return nil, err
	}
	recipient, err := file.NewNamed(dir, recipientName)
	if err != nil {
		return nil, err
	}
	if c.Collection == "" {
		c.Collection = defaultCollection
	}
	k := &keys{recipient: recipient, records: files, ring: newRing(c.Collection)}
	s := encrypted.Wrap(files, storeName, k)
	if c.AcceptUnbound {
		s = encrypted.AcceptUnbound(s)
	}
	return s, nil
}
