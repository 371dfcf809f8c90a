package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/profile"
)

// storeMigrate copies sessions, checks the copies, and deletes the originals if that
// is wanted.
func storeMigrate(ctx context.Context, in *Invocation) error {
	config, current, name, err := currentStore(in)
	if err != nil {
		return err
	}
	from, to, unbound := cmp.Or(in.String("from"), current), in.String("to"), in.Bool("accept-unbound")
	if unbound {
		to = cmp.Or(to, from)
	}
	switch {
	case to == "":
		return usagef("tokentoss store migrate --from A --to B", "store migrate: --to names no store")
	case from == to && (!unbound || in.Bool("delete-source")):
		return usagef("tokentoss store list", "store migrate: the source and the target are both %s", from)
	}
	o := profile.Options{OpenStore: in.StoreOpener(ctx)}
	source, err := profile.OpenStore(config, from, name, o)
	if err != nil {
		return err
	}
	defer core.Full(source).Close()
	target, err := profile.OpenStore(config, to, name, o)
	if err != nil {
		return err
	}
	defer core.Full(target).Close()
	m := migration{from: source, to: target, overwrite: in.Bool("overwrite"), remove: in.Bool("delete-source"), in: in}
	move := m.move
	if unbound {
		if m.unbound, err = in.openUnbound(ctx, config, from, name); err != nil {
			return err
		}
		defer core.Full(m.unbound).Close()
		if from == to {
			move = m.bind
		}
	}
	keys, err := m.keys(ctx, config.Names())
	if err != nil {
		return err
	}
	for i, key := range keys {
		stop := func() {}
		if !unbound { // which asks
			stop = in.ShowProgress(fmt.Sprintf("moving session %d of %d", i+1, len(keys)))
		}
		err := move(ctx, key)
		stop()
		if err != nil {
			return fmt.Errorf("the session of profile %s was not moved from %s to %s: %w", key, from, to, err)
		}
		in.say.say("the session of profile %s is in %s now", key, to)
	}
	if len(keys) == 0 {
		in.say.say("there is no session in %s", from)
	}
	if current != to {
		in.say.hint("tokentoss store use %s", to)
	}
	return nil
}

// lockTimeout is how long a migration waits for a refresh.
const lockTimeout = 15 * time.Second

// A migration moves documents from one store to another.
type migration struct {
	from, to          core.TokenStore
	overwrite, remove bool

	unbound core.TokenStore // from, with documents that are not bound; nil: they are refused
	in      *Invocation
	lines   <-chan string // of standard input, once somebody was asked
}

// keys returns the keys of the documents to move. Of a store that cannot list
// them, those of the profiles are tried.
func (m *migration) keys(ctx context.Context, profiles []string) ([]string, error) {
	if core.CapabilitiesOf(m.from).Listing {
		return core.Full(m.from).List(ctx)
	}
	var keys []string
	for _, key := range profiles {
		switch _, err := m.from.Load(ctx, key); {
		case err == nil:
			keys = append(keys, key)
		case !errors.Is(err, core.ErrNotFound):
			return nil, err
		}
	}
	return keys, nil
}

// move copies one document while nobody refreshes it, reads the copy, and deletes
// the original if it is still what was copied.
func (m *migration) move(ctx context.Context, key string) error {
	waiting, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	for _, s := range []core.TokenStore{m.from, m.to} {
		if core.CapabilitiesOf(s).Locking {
			lease, err := core.Full(s).Lock(waiting, key)
			if err != nil {
				return err
			}
			defer lease.Release()
		}
	}
	record, err := m.load(ctx, key)
	if err != nil {
		return err
	}
	there, err := m.to.Load(ctx, key)
	switch {
	case err == nil && string(there.Data) == string(record.Data):
	case err == nil && !m.overwrite:
		return &hintedError{fmt.Errorf("there is another session there: %w", core.ErrConflict), "--overwrite replaces it"}
	case err != nil && !errors.Is(err, core.ErrNotFound):
		return err
	default:
		if _, err := m.to.Save(ctx, key, core.Record{Data: record.Data, Revision: there.Revision}); err != nil {
			return err
		}
	}
	copied, err := m.to.Load(ctx, key)
	if err != nil {
		return fmt.Errorf("the copy cannot be read, and the original was kept: %w", err)
	}
	if string(copied.Data) != string(record.Data) {
		return errors.New("the copy is not what was written, and the original was kept")
	}
	if !m.remove {
		return nil
	}
	now, err := m.from.Load(ctx, key)
	if err != nil {
		return err
	}
	if now.Revision != record.Revision {
		return fmt.Errorf("it changed while it was copied, and was kept: %w", core.ErrConflict)
	}
	return m.from.Delete(ctx, key)
}
