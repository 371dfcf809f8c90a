package storetest

import (
	"context"
	"slices"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

func listChecks() []check {
	return []check{
		{"IsLister", func(t *testing.T, k *kit) { k.list(t, k.store(t)) }},
		{"SortedNames", func(t *testing.T, k *kit) {
			s := k.store(t)
			k.wantNames(t, s)
			for _, name := range []string{"zoo", key, "10", "9", "a.b", "a"} {
				k.save(t, s, name, "", []byte("document of "+name))
			}
			k.wantNames(t, s, "10", "9", "a", "a.b", key, "zoo")
		}},
		{"ForgetsDeleted", func(t *testing.T, k *kit) {
			s := k.store(t)
			for _, name := range []string{key, "a", "b"} {
				k.save(t, s, name, "", []byte("x"))
			}
			for _, name := range []string{key, "b"} {
				if err := s.Delete(k.ctx(t), name); err != nil {
					t.Fatalf("Delete(%q): %v", name, err)
				}
			}
			k.wantNames(t, s, "a")
		}},
		{"LocksAreNoDocuments", func(t *testing.T, k *kit) {
			s := k.store(t)
			l := core.Full(s)
			if !l.Capabilities().Locking || k.noLocking != "" {
				t.Skip("the store has no locks")
			}
			held := k.lock(t, l, otherKey)
			k.wantNames(t, s)
			release(t, held)
			k.wantNames(t, s)
		}},
		{"EndedContext", func(t *testing.T, k *kit) {
			s := k.store(t)
			ctx, cancel := context.WithCancel(k.ctx(t))
			cancel()
			k.list(t, s)
			k.within(t, "List with a ctx that has ended", func() {
				_, err := core.Full(s).List(ctx)
				wantError(t, "List with a ctx that was cancelled", err, context.Canceled)
			})
		}},
	}
}

func (k *kit) list(t *testing.T, s core.TokenStore) []string {
	t.Helper()
	l := core.Full(s)
	if !l.Capabilities().Listing {
		t.Fatalf("%T is not a core.Lister; if that is intended, say so with storetest.SkipListing", s)
	}
	names, err := l.List(k.ctx(t))
	if err != nil {
		t.Fatalf("List: %v", err)
	}
	return names
}

func (k *kit) wantNames(t *testing.T, s core.TokenStore, want ...string) {
	t.Helper()
	if got := k.list(t, s); !slices.Equal(got, want) {
		t.Errorf("List gives %q, want %q: the keys that have a document, sorted", got, want)
	}
}
