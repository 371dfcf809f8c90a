package storetest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

func documentChecks() []check {
	return []check{
		{"NotFound", func(t *testing.T, k *kit) {
			k.wantNone(t, k.store(t), key, " where nothing was ever saved")
		}},
		{"RoundTrip", checkRoundTrip},
		{"OwnCopy", checkOwnCopy},
		{"Delete", checkDelete},
		{"KeysIndependent", checkKeysIndependent},
		{"EmptyDocument", checkEmptyDocument},
		{"BadKeys", checkBadKeys},
		{"EndedContext", checkEndedContext},
		{"LargeDocument", checkLargeDocument},
	}
}

// everyByte is what no encoding of text leaves as it is.
func everyByte() []byte {
	every := make([]byte, 0, 256)
	for b := range 256 {
		every = append(every, byte(b))
	}
	return every
}

func checkRoundTrip(t *testing.T, k *kit) {
	for _, d := range []struct {
		name string
		data []byte
	}{
		{"json", []byte("{\"id_token\": \"a.b.c\", \"x\": \"\u00e9\u2028\"}\n")},
		{"trailing_space", []byte(" \r\n a \n\n ")},
		{"not_utf8", []byte("\xff\xfe a \xc3\x28 \xed\xa0\x80")},
		{"every_byte", everyByte()},
		{"zeros", make([]byte, 7)},
		{"64_KiB", bytes.Repeat(everyByte(), 256)},
	} {
		ok := t.Run(d.name, func(t *testing.T) {
			s := k.store(t)
			saved := k.save(t, s, key, "", d.data)
			if !bytes.Equal(saved.Data, d.data) {
				k.fail(t, "Save returned %s, want the document that it was given, %s", show(saved.Data), show(d.data))
			}
			k.wantData(t, s, key, d.data, ", which was saved")
		})
		if !ok {
			return
		}
	}
}

// checkEmptyDocument: a store may refuse an empty document, which cannot be told
// from a damaged one in some places, but it may not lose it.
func checkEmptyDocument(t *testing.T, k *kit) {
	s := k.store(t)
	if _, err := s.Save(k.ctx(t), key, core.Record{}); err == nil {
		k.wantData(t, s, key, nil, ": an empty document was saved")
	}
	old := k.save(t, s, otherKey, "", []byte("before"))
	if _, err := s.Save(k.ctx(t), otherKey, core.Record{Revision: old.Revision}); err != nil {
		k.wantData(t, s, otherKey, []byte("before"), " after an empty document was refused")
		return
	}
	k.wantData(t, s, otherKey, nil, ": an empty document was saved")
}

// checkLargeDocument: what is too large is refused, and nothing of it is stored.
// Nothing is cut off.
func checkLargeDocument(t *testing.T, k *kit) {
	s := k.store(t)
	for i, size := range []int{1<<18 + 1, 1<<20 + 1, 5<<20 + 1} {
		key := "key" + strconv.Itoa(i)
		data := bytes.Repeat(everyByte(), size/256+1)[:size]
		_, err := s.Save(k.ctx(t), key, core.Record{Data: data})
		if err == nil {
			k.wantData(t, s, key, data, ", which was saved")
			continue
		}
		k.wantError(t, fmt.Sprintf("Save of %d bytes", size), err, core.ErrTooLarge)
		k.wantNone(t, s, key, " after a document that is too large was refused")
		return
	}
}

func checkOwnCopy(t *testing.T, k *kit) {
	s := k.store(t)
	data := []byte("original")
	saved, err := s.Save(k.ctx(t), key, core.Record{Data: data})
	if err != nil {
		k.fail(t, "Save of a first document: %v", err)
	}
	if string(data) != "original" {
		k.fail(t, "Save changed the bytes that it was given to %s", show(data))
	}
	copy(data, "SCRIBBLE")
	k.wantData(t, s, key, []byte("original"), ": Save kept the caller's slice, which the caller then changed")
	copy(saved.Data, "SCRIBBLE")
	k.wantData(t, s, key, []byte("original"), ": Save returned the stored bytes themselves, which the caller then changed")
	got := k.load(t, s, key)
	copy(got.Data, "SCRIBBLE")
	k.wantData(t, s, key, []byte("original"), ": Load returned the stored bytes themselves, which the caller then changed")
}

func checkDelete(t *testing.T, k *kit) {
	s := k.store(t)
	if err := s.Delete(k.ctx(t), key); err != nil {
		k.fail(t, "Delete where there is no document: %v, want no error", err)
	}
	k.save(t, s, key, "", []byte("one"))
	k.remove(t, s, key)
	k.wantNone(t, s, key, " after Delete")
	if err := s.Delete(k.ctx(t), key); err != nil {
		k.fail(t, "Delete of a document that was deleted: %v, want no error", err)
	}
	if _, err := s.Save(k.ctx(t), key, core.Record{Data: []byte("two")}); err != nil {
		k.fail(t, "Save of a new document after Delete: %v", err)
	}
	k.wantData(t, s, key, []byte("two"), ", which was saved after Delete")
}

// checkKeysIndependent uses keys that become one another when they are cut off,
// escaped, or given the suffixes of files that stand beside a document.
func checkKeysIndependent(t *testing.T, k *kit) {
	s := k.store(t)
	long := strings.Repeat("k", 63)
	keys := []string{
		key, otherKey, "work", "a", "a.b", "a-b", "a_b", "ab", "0", "00", long, long + "1", long + "2",
		key + ".json", key + ".lock", key + ".tmp", key + ".new",
	}
	document := func(key string) []byte { return []byte("document of " + key) }
	for _, name := range keys {
		if _, err := s.Save(k.ctx(t), name, core.Record{Data: document(name)}); err != nil {
			k.fail(t, "Save(%q) of a first document, beside those of other keys: %v", name, err)
		}
	}
	for _, name := range keys {
		k.wantData(t, s, name, document(name), ": each key has a document of its own")
	}
	var kept []string
	for i, name := range keys {
		if i%2 == 0 {
			k.remove(t, s, name)
		} else {
			kept = append(kept, name)
		}
	}
	for _, name := range kept {
		k.wantData(t, s, name, document(name), " after other keys were deleted")
	}
}

// badKeys are those that [core.CheckKey] refuses.
func badKeys() []string {
	return []string{
		"", ".", "..", "../up", "a/b", `a\b`, "/etc/x", "Upper", "sp ace", "a\x00b", "a\n", ".hidden", "-flag",
		"\u00e9", "con", "com1.x", "dot.", "a:b", "%2e", strings.Repeat("k", 65),
	}
}

func checkBadKeys(t *testing.T, k *kit) {
	s := k.store(t)
	for _, bad := range badKeys() {
		if core.CheckKey(bad) == nil {
			t.Fatalf("core.CheckKey(%q) allows what this kit takes for a bad key", bad)
		}
		want := func(call string, err error) {
			t.Helper()
			k.wantError(t, fmt.Sprintf("%s(%q), which core.CheckKey refuses", call, bad), err, core.ErrBadKey)
		}
		_, err := s.Load(k.ctx(t), bad)
		want("Load", err)
		_, err = s.Save(k.ctx(t), bad, core.Record{Data: []byte("x")})
		want("Save", err)
		want("Delete", s.Delete(k.ctx(t), bad))
		if s.locks() && k.noLocking == "" {
			_, err = s.lock(k.ctx(t), bad)
			want("Lock", err)
		}
	}
}

func checkEndedContext(t *testing.T, k *kit) {
	s := k.store(t)
	r := k.save(t, s, key, "", []byte("before"))
	ended := k.endings(t)
	for _, cause := range slices.SortedFunc(maps.Keys(ended), byText) {
		ctx := ended[cause]
		want := func(call string, err error) {
			t.Helper()
			k.wantError(t, call+" with a ctx that has ended", err, cause)
		}
		_, err := s.Load(ctx, key)
		want("Load", err)
		_, err = s.Save(ctx, key, core.Record{Data: []byte("after"), Revision: r.Revision})
		want("Save", err)
		want("Delete", s.Delete(ctx, key))
	}
	k.wantData(t, s, key, []byte("before"), ": calls whose ctx has ended change nothing")
}
