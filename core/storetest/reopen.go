package storetest

import (
	"context"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"go.uber.org/goleak"
)

func reopenChecks() []check {
	return []check{
		{"Survives", checkSurvives},
		{"ConcurrentSavers", func(t *testing.T, k *kit) {
			first := k.store(t)
			k.raceSaves(t, first, k.second(t, first))
		}},
		{"Counter", func(t *testing.T, k *kit) {
			first := k.store(t)
			k.count(t, first, k.second(t, first))
		}},
		{"LockExcludes", func(t *testing.T, k *kit) {
			if k.noLocking != "" {
				t.Skip("the store declares that it has no locks: " + k.noLocking)
			}
			first := k.store(t)
			k.raceLocks(t, k.locker(t, first), k.locker(t, k.second(t, first)))
		}},
	}
}

// second opens the place of first again, while first is in use.
func (k *kit) second(t *testing.T, first core.TokenStore) core.TokenStore {
	t.Helper()
	s := k.reopen(t, first)
	if s == nil {
		t.Fatal("reopen returned no store")
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func checkSurvives(t *testing.T, k *kit) {
	first := k.open(t)
	saved := k.save(t, first, key, "", []byte("kept"))
	k.save(t, first, otherKey, "", []byte("kept too"))
	closeStore(t, first)

	s := k.second(t, first)
	k.wantData(t, s, key, []byte("kept"))
	k.wantData(t, s, otherKey, []byte("kept too"))
	if got := k.load(t, s, key).Revision; got != saved.Revision {
		t.Errorf("the revision was %q before the store was opened again and is %q now; a process would take it for a change", saved.Revision, got)
	}
	k.save(t, s, key, saved.Revision, []byte("changed"))
}

// checkGoroutines uses every part of a store and looks for what is left running
// after it is closed.
func (k *kit) checkGoroutines(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("use", func(t *testing.T) {
		s := k.store(t)
		r := k.save(t, s, key, "", []byte("one"))
		k.save(t, s, key, r.Revision, []byte("two"))
		if l := core.Full(s); l.Capabilities().Locking && k.noLocking == "" {
			held := k.lock(t, l, key)
			ctx, cancel := context.WithTimeout(t.Context(), shortWait)
			defer cancel()
			k.wantLocked(t, l, ctx, context.DeadlineExceeded)
			release(t, held)
		}
		if err := s.Delete(k.ctx(t), key); err != nil {
			t.Errorf("Delete: %v", err)
		}
	})
	if err := goleak.Find(before); err != nil {
		t.Errorf("goroutines are left over after the store was closed: %v", err)
	}
}
