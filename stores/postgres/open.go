package postgres

import (
	"context"
	"log/slog"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/encrypted"
)

// Open returns the store that c describes. It has all optional capabilities of stores.
// Close it when done.
//
// If c names no key, that is the age identity in the file identity.age of the
// directory dir. It is made with the first session; other machines need a copy.
// A passphrase is asked for with ask, which may be nil, when a session is first
// read. Log gets what happens, never a secret; nil discards.
//
// Open reads the files that c names, and does not connect: it succeeds also when the
// database cannot be reached.
func Open(ctx context.Context, c Config, dir string, ask encrypted.Ask, log *slog.Logger) (core.TokenStore, error) {
	plain, err := connected(ctx, c, log)
	if err != nil {
		return nil, err
	}
	s := core.Guard(plain)
	key := encrypted.Config{Identity: c.Identity, Passphrase: c.Passphrase, SSHKey: c.SSHKey}
	keys, err := key.Keys(dir, ask, core.Full(s))
	if err != nil {
		_ = plain.Close()
		return nil, err
	}
	// The place is part of the name, so that nobody can put a document of one owner
	// into another's row.
	return encrypted.Wrap(s, "postgres "+plain.owner, keys), nil
}
