package etcd

import (
	"context"
	"log/slog"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

// Open returns the store that c describes. It has all optional powers of stores.
// Close it when done.
//
// If c names no key, that is the age identity in the file identity.age of the
// directory dir. It is made with the first session; other machines need a copy.
// A passphrase is asked for with ask, which may be nil, when a session is first
// read. Log gets what happens, never a secret; nil discards.
//
// Open reads the files that c names. It asks etcd only to check the password, if
// there is one: otherwise it succeeds also when etcd cannot be reached.
func Open(ctx context.Context, c Config, dir string, ask encrypted.Ask, log *slog.Logger) (core.TokenStore, error) {
	s, err := connected(ctx, c, log)
	if err != nil {
		return nil, err
	}
	key := encrypted.Config{Identity: c.Identity, Passphrase: c.Passphrase, SSHKey: c.SSHKey}
	keys, err := key.Keys(dir, ask, s)
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	// The prefix is part of the name, so that nobody can put a document of one
	// place into another.
	store := encrypted.Wrap(s, "etcd "+s.prefix, copied{keys})
	if c.AcceptUnbound {
		store = encrypted.AcceptUnbound(store)
	}
	return store, nil
}
