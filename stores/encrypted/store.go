package encrypted

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// Wrap returns a store whose documents inner keeps encrypted. Revisions,
// conflicts, locks, lists, places and Close are inner's, and it is a
// [core.Locker] and a [core.Lister] if inner is one.
//
// The name of the store stands in each document, so that one of another store is
// not taken, and must not change.
//
// Load refuses, with [core.ErrCorrupt], a document of another key or store, and
// one that is older than what this store has seen under the key. It cannot know
// of what it has not seen: a process that starts takes an old document for the
// present one.
func Wrap(inner core.TokenStore, name string, keys Keys) core.TokenStore {
	return &store{FullStore: core.Full(inner), name: name, keys: &kept{keys: keys}}
}

// A store is what Wrap returns. What it does not override is the inner store's.
type store struct {
	core.FullStore
	name string
	keys *kept
	seen history
}

// Load implements [core.TokenStore]. It asks for the identity when there is a
// document.
func (s *store) Load(ctx context.Context, key string) (core.Record, error) {
	if err := core.CheckKey(key); err != nil {
		return core.Record{}, fmt.Errorf("encrypted store: %w", err)
	}
	before := s.seen.at(key)
	r, err := s.FullStore.Load(ctx, key)
	if err != nil {
		return core.Record{}, err
	}
	what := s.place(key)
	h, doc, err := s.unseal(ctx, what, r.Data)
	if err != nil {
		return core.Record{}, err
	}
	if h.store != s.name || h.key != key {
		return core.Record{}, swapped(what, h, s.name)
	}
	if before.goesBack(h) {
		return core.Record{}, rolledBack(what)
	}
	s.seen.saw(key, before, h, r.Revision)
	return core.Record{Data: doc, Revision: r.Revision}, nil
}

// unseal decrypts a document, with another key if the one that is kept does not fit.
func (s *store) unseal(ctx context.Context, what string, sealed []byte) (header, []byte, error) {
	identity, err := s.keys.forLoading(ctx)
	if err != nil {
		return header{}, nil, err
	}
	h, doc, err := unseal(what, sealed, identity)
	if !errors.Is(err, errOtherKey) {
		return h, doc, err
	}
	if identity, err = s.keys.renewed(ctx, identity); err != nil {
		return header{}, nil, err
	}
	return unseal(what, sealed, identity)
}

// Save implements [core.TokenStore]. It needs no identity.
func (s *store) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	if err := core.CheckKey(key); err != nil {
		return core.Record{}, fmt.Errorf("encrypted store: %w", err)
	}
	if len(r.Data) > maxDocument {
		return core.Record{}, tooLarge(s.place(key), len(r.Data))
	}
	recipient, err := s.keys.forSaving(ctx)
	if err != nil {
		return core.Record{}, err
	}
	before := s.seen.at(key)
	h := header{store: s.name, key: key}
	h.lineage, h.generation = before.after(r.Revision)
	sealed, err := seal(recipient, h, r.Data)
	if err != nil {
		return core.Record{}, err
	}
	saved, err := s.FullStore.Save(ctx, key, core.Record{Data: sealed, Revision: r.Revision})
	if err != nil {
		return core.Record{}, err
	}
	s.seen.saw(key, before, h, saved.Revision)
	return core.Record{Data: r.Data, Revision: saved.Revision}, nil
}

// Delete implements [core.TokenStore]. It needs no key.
func (s *store) Delete(ctx context.Context, key string) error {
	if err := core.CheckKey(key); err != nil {
		return fmt.Errorf("encrypted store: %w", err)
	}
	before := s.seen.at(key)
	if err := s.FullStore.Delete(ctx, key); err != nil {
		return err
	}
	s.seen.deleted(key, before)
	return nil
}

// Check implements [core.Checker]: there is a key to encrypt with, and inner
// would take the document.
func (s *store) Check(ctx context.Context, key string) error {
	if err := s.FullStore.Check(ctx, key); err != nil {
		return err
	}
	_, err := s.keys.forSaving(ctx)
	return err
}

// Describe implements [core.Describer].
func (s *store) Describe() string { return "encrypted with age: " + s.keys.keys.Protection() }

// place names the document of key in errors.
func (s *store) place(key string) string {
	if path := s.Path(key); path != "" {
		return path
	}
	return fmt.Sprintf("session %q in the store %q", key, s.name)
}

func swapped(what string, h header, store string) error {
	was := fmt.Sprintf("it is of the profile %q", h.key)
	if h.store != store {
		was = fmt.Sprintf("it is of the store %q", h.store)
	}
	return &core.Error{
		Subject: what, Kind: core.ErrCorrupt, Problem: "swapped: " + was + ", and was put here",
		Remedy: fault.Say("find out who did that, and sign in again"),
	}
}

func rolledBack(what string) error {
	return &core.Error{
		Subject: what, Kind: core.ErrCorrupt, Problem: "rolled back: a newer session or none was here before",
		Remedy: fault.Say("find out who put an old copy here, and sign in again; if it was you, start the program again"),
	}
}
