package encrypted

import (
	"context"
	"errors"
	"fmt"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// Wrap returns a store whose documents inner keeps encrypted, and bound to the key.
// Revisions, conflicts, locks, lists, places and Close are inner's, and it is a
// [core.Locker] and a [core.Lister] if inner is one.
//
// The name of the store stands in each document, so that one of another store is
// not taken, and must not change.
//
// Load refuses, with [core.ErrCorrupt], a document that was not saved with the same key
// and under the same name, and one that is older than what this store has seen under
// the name. It cannot know of what it has not seen: a process that starts takes an old
// document for the present one.
func Wrap(inner core.TokenStore, name string, keys Keys) core.TokenStore {
	return &store{FullStore: core.Full(inner), name: name, keys: &kept{keys: keys}}
}

// AcceptUnbound returns s, if it is of [Wrap], as a store whose Load returns documents
// that are not bound to the key, too: those of versions of tokentoss that bound none. Who
// wrote them is not known. They are for a person to look at, and to say whose they are.
func AcceptUnbound(s core.TokenStore) core.TokenStore {
	if w, ok := s.(*store); ok {
		return &store{FullStore: w.FullStore, name: w.name, keys: w.keys, unbound: true}
	}
	return s
}

// A store is what Wrap returns. What it does not override is the inner store's.
type store struct {
	core.FullStore
	name    string
	keys    *kept
	seen    history
	unbound bool // documents need not be bound
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
	h, doc, err := s.unseal(ctx, wanted{what, s.name, key, s.unbound}, r.Data)
	if err != nil {
		return core.Record{}, err
	}
	if before.goesBack(h) {
		return core.Record{}, rolledBack(what)
	}
	s.seen.saw(key, before, h, r.Revision)
	return core.Record{Data: doc, Revision: r.Revision}, nil
}

// unseal opens a document, with another key if the one that is kept does not fit.
func (s *store) unseal(ctx context.Context, want wanted, data []byte) (header, []byte, error) {
	k, err := s.keys.have(ctx, false)
	if err != nil {
		return header{}, nil, err
	}
	h, doc, err := k.unseal(want, data)
	if !errors.Is(err, errOtherKey) {
		return h, doc, err
	}
	if k, err = s.keys.renewed(ctx, k); err != nil {
		return header{}, nil, err
	}
	return k.unseal(want, data)
}

// Save implements [core.TokenStore]. It needs the private key, to bind the document.
func (s *store) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	if err := core.CheckKey(key); err != nil {
		return core.Record{}, fmt.Errorf("encrypted store: %w", err)
	}
	if len(r.Data) > maxDocument {
		return core.Record{}, tooLarge(s.place(key), len(r.Data))
	}
	k, err := s.keys.have(ctx, true)
	if err != nil {
		return core.Record{}, err
	}
	before := s.seen.at(key)
	h := header{store: s.name, key: key}
	h.lineage, h.generation = before.after(r.Revision)
	sealed, err := k.seal(h, r.Data)
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

// Check implements [core.Checker]: there is a key, which a person may have to unlock,
// and inner would take the document.
func (s *store) Check(ctx context.Context, key string) error {
	if err := s.FullStore.Check(ctx, key); err != nil {
		return err
	}
	_, err := s.keys.have(ctx, true)
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

func rolledBack(what string) error {
	return &core.Error{
		Subject: what, Kind: core.ErrCorrupt, Problem: "rolled back: a newer session or none was here before",
		Remedy: fault.Say("find out who put an old copy here, and sign in again; if it was you, start the program again"),
	}
}
