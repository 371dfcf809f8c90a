package storetest

import (
	"errors"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

func closeChecks() []check {
	return []check{
		{"Twice", func(t *testing.T, k *kit) {
			s := k.store(t)
			k.save(t, s, key, "", []byte("x"))
			for _, call := range []string{"Close", "Close, called again"} {
				if err := s.Close(); err != nil {
					k.fail(t, "%s: %v, want no error", call, err)
				}
			}
		}},
		{"UseAfterClose", checkUseAfterClose},
		{"WhileLocked", func(t *testing.T, k *kit) {
			s := k.store(t)
			if !s.locks() || k.noLocking != "" {
				t.Skip("the store has no locks")
			}
			held := k.lock(t, s, key, "which is free")
			if err := s.Close(); err != nil {
				k.fail(t, "Close while a lock is held: %v", err)
			}
			k.wantWhole(t, "Release after Close", held.Release())
		}},
	}
}

// checkUseAfterClose: a store that is closed may refuse to work, and may not pretend
// to.
func checkUseAfterClose(t *testing.T, k *kit) {
	s := k.store(t)
	r := k.save(t, s, key, "", []byte("before"))
	if err := s.Close(); err != nil {
		k.fail(t, "Close: %v", err)
	}
	after, err := s.Load(k.ctx(t), key)
	switch {
	case errors.Is(err, core.ErrNotFound):
		k.fail(t, "Load after Close says core.ErrNotFound of a document that is there: the person would be asked to sign in")
	case err == nil && string(after.Data) != "before":
		k.fail(t, "Load after Close gives %s, want the document or an error", show(after.Data))
	}
	k.wantWhole(t, "Load after Close", err)
	if s.lists() && k.noListing == "" {
		_, err = s.list(k.ctx(t))
		k.wantWhole(t, "List after Close", err)
	}
	if s.locks() && k.noLocking == "" {
		held, err := s.lock(k.ctx(t), key)
		k.wantWhole(t, "Lock after Close", err)
		if err == nil {
			k.wantWhole(t, "Release after Close", held.Release())
		}
	}
	_, err = s.Save(k.ctx(t), key, core.Record{Data: []byte("after"), Revision: r.Revision})
	k.wantWhole(t, "Save after Close", err)
	if err == nil && k.reopen != nil {
		k.wantData(t, k.second(t, s), key, []byte("after"), ": Save after Close gave no error")
	}
	k.wantWhole(t, "Delete after Close", s.Delete(k.ctx(t), otherKey))
}

// wantWhole fails if a call hung or panicked.
func (k *kit) wantWhole(t *testing.T, what string, err error) {
	t.Helper()
	var b *breakdown
	if errors.As(err, &b) {
		k.fail(t, "%s: %v", what, &breakdown{what + ": " + b.text})
	}
}
