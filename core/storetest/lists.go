package storetest

import (
	"bytes"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"testing"
)

func listChecks() []check {
	return []check{
		{"IsLister", func(t *testing.T, k *kit) { k.list(t, k.store(t)) }},
		{"SortedNames", func(t *testing.T, k *kit) {
			s := k.store(t)
			k.wantNames(t, s, "nothing was saved")
			for _, name := range []string{"zoo", key, "10", "9", "a.b", "a"} {
				k.save(t, s, name, "", []byte("document of "+name))
			}
			k.wantNames(t, s, "these were saved", "10", "9", "a", "a.b", key, "zoo")
			scribbled := k.list(t, s)
			scribbled[0] = "scribble"
			k.wantNames(t, s, "the caller changed the slice that List returned before", "10", "9", "a", "a.b", key, "zoo")
		}},
		{"ForgetsDeleted", func(t *testing.T, k *kit) {
			s := k.store(t)
			for _, name := range []string{key, "a", "b"} {
				k.save(t, s, name, "", []byte("x"))
			}
			k.remove(t, s, key)
			k.remove(t, s, "b")
			k.wantNames(t, s, "the others were deleted", "a")
		}},
		{"LoadMakesNoNames", func(t *testing.T, k *kit) {
			s := k.store(t)
			k.wantNone(t, s, key, " where nothing was ever saved")
			k.remove(t, s, otherKey)
			k.wantNames(t, s, "keys without a document were loaded and deleted")
		}},
		{"LocksAreNoDocuments", func(t *testing.T, k *kit) {
			s := k.store(t)
			if !s.locks() || k.noLocking != "" {
				t.Skip("the store has no locks")
			}
			held := k.lock(t, s, otherKey, "which is free")
			k.wantNames(t, s, "a lock is held, and nothing was saved")
			k.release(t, held)
			k.wantNames(t, s, "a lock was released, and nothing was saved")
		}},
		{"ReadsNoDocuments", checkReadsNoDocuments},
		{"EndedContext", func(t *testing.T, k *kit) {
			s := k.store(t)
			k.list(t, s)
			ended := k.endings(t)
			for _, cause := range slices.SortedFunc(maps.Keys(ended), byText) {
				_, err := s.list(ended[cause])
				k.wantError(t, "List with a ctx that has ended", err, cause)
			}
		}},
	}
}

func (k *kit) list(t *testing.T, s *guarded) []string {
	t.Helper()
	if !s.lists() {
		k.fail(t, "%T is not a core.Lister; if that is intended, say so with storetest.SkipListing", s.TokenStore)
	}
	names, err := s.list(k.ctx(t))
	if err != nil {
		k.fail(t, "List: %v", err)
	}
	return names
}

func (k *kit) wantNames(t *testing.T, s *guarded, when string, want ...string) {
	t.Helper()
	if got := k.list(t, s); !slices.Equal(got, want) {
		k.fail(t, "List gives %q when %s, want %q: the keys that have a document, sorted", got, when, want)
	}
}

// checkReadsNoDocuments looks at the memory that List takes, beside large documents:
// who has many sessions does not want each of them decrypted for a list of names.
func checkReadsNoDocuments(t *testing.T, k *kit) {
	s := k.store(t)
	const documents, size = 6, 128 << 10
	for i := range documents {
		k.save(t, s, "key"+strconv.Itoa(i), "", bytes.Repeat([]byte{byte(i)}, size))
	}
	least := uint64(1 << 62)
	for range 3 { // others may take memory meanwhile
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		k.list(t, s)
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	if least > documents*size/2 {
		k.fail(t, "List of %d keys takes %d bytes of memory, about as much as their documents have: it must not read them", documents, least)
	}
}
