package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

func reopenChecks() []check {
	return []check{
		{"Survives", checkSurvives},
		{"SeesOtherWriters", checkSeesOtherWriters},
		{"ConcurrentSavers", func(t *testing.T, k *kit) {
			first := k.store(t)
			k.raceSaves(t, first, k.second(t, first))
		}},
		{"Counter", func(t *testing.T, k *kit) {
			first := k.store(t)
			k.count(t, first, k.second(t, first))
		}},
		{"ConcurrentKeys", func(t *testing.T, k *kit) {
			first := k.store(t)
			k.raceKeys(t, first, k.second(t, first))
		}},
		{"ReadersSeeWholeDocuments", func(t *testing.T, k *kit) {
			first := k.store(t)
			k.raceReaders(t, first, k.second(t, first))
		}},
		{"LockExcludes", func(t *testing.T, k *kit) {
			if reason := declared("locks", k.noLocking); reason != "" {
				t.Skip(reason)
			}
			first := k.locker(t, k.store(t))
			second := k.locker(t, k.second(t, first))
			held := k.lock(t, first, key, "which is free")
			k.stayLocked(t, second, ", by another store over the same place")
			k.release(t, held)
			k.release(t, k.lock(t, second, key, "which another store over the same place released"))
			k.raceLocks(t, first, second)
		}},
		{"CloseTellsHolder", checkCloseTellsHolder},
	}
}

func checkSurvives(t *testing.T, k *kit) {
	first := k.store(t)
	saved := k.save(t, first, key, "", []byte("kept"))
	k.save(t, first, otherKey, "", []byte("kept too"))
	if err := first.Close(); err != nil {
		k.fail(t, "Close: %v", err)
	}
	s := k.second(t, first)
	k.wantData(t, s, key, []byte("kept"), " after the store was closed and opened again")
	k.wantData(t, s, otherKey, []byte("kept too"), " after the store was closed and opened again")
	if got := k.load(t, s, key).Revision; got != saved.Revision {
		k.fail(t, "the revision was %q before the store was opened again and is %q now; a process would take it for a change", saved.Revision, got)
	}
	k.save(t, s, key, saved.Revision, []byte("changed"))
}

// checkSeesOtherWriters: nothing is kept in memory that another process changes.
func checkSeesOtherWriters(t *testing.T, k *kit) {
	first := k.store(t)
	old := k.save(t, first, key, "", []byte("old"))
	k.load(t, first, key)
	second := k.second(t, first)
	changed := k.save(t, second, key, old.Revision, []byte("changed elsewhere"))
	const elsewhere = " after another store over the same place saved it"
	k.wantData(t, first, key, []byte("changed elsewhere"), elsewhere)
	if got := k.load(t, first, key).Revision; got != changed.Revision {
		k.fail(t, "Load gives revision %q%s as revision %q", got, elsewhere, changed.Revision)
	}
	if _, err := first.Save(k.ctx(t), key, core.Record{Data: []byte("from old"), Revision: old.Revision}); !errors.Is(err, core.ErrConflict) {
		k.wantError(t, "Save from an old revision"+elsewhere, err, core.ErrConflict)
	}
	k.remove(t, second, key)
	k.wantNone(t, first, key, " after another store over the same place deleted it")
}

// checkCloseTellsHolder: when a closed store's lock is somebody else's, its holder is
// told.
func checkCloseTellsHolder(t *testing.T, k *kit) {
	if reason := declared("locks", k.noLocking); reason != "" {
		t.Skip(reason)
	}
	first := k.locker(t, k.store(t))
	held := k.lock(t, first, key, "which is free")
	if err := first.Close(); err != nil {
		k.fail(t, "Close while a lock is held: %v", err)
	}
	second := k.locker(t, k.second(t, first))
	ctx, cancel := context.WithTimeout(t.Context(), max(shortWait, min(k.timeout, time.Second)))
	defer cancel()
	next, err := second.lock(ctx, key)
	k.wantWhole(t, "Lock of what a closed store held", err)
	if err != nil { // it is held still, until it is released
		k.wantWhole(t, "Release after Close", held.Release())
		return
	}
	k.wantLost(t, held, "its store was closed and somebody else has the lock")
	k.lateRelease(t, second, held)
	k.release(t, next)
}
