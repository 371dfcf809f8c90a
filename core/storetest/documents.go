package storetest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

func documentChecks() []check {
	return []check{
		{"NotFound", func(t *testing.T, k *kit) {
			s := k.store(t)
			k.wantNone(t, s, key)
			k.wantNone(t, s, otherKey)
		}},
		{"RoundTrip", checkRoundTrip},
		{"EmptyDocument", checkEmptyDocument},
		{"OwnCopy", checkOwnCopy},
		{"Delete", checkDelete},
		{"KeysIndependent", checkKeysIndependent},
		{"BadKeys", checkBadKeys},
		{"EndedContext", checkEndedContext},
	}
}

func checkRoundTrip(t *testing.T, k *kit) {
	every := make([]byte, 0, 256)
	for b := range 256 {
		every = append(every, byte(b))
	}
	for _, d := range []struct {
		name string
		data []byte
	}{
		{"json", []byte("{\"id_token\": \"a.b.c\", \"x\": \"\u00e9\u2028\"}\n")},
		{"trailing_space", []byte(" \r\n a \n\n ")},
		{"every_byte", every},
		{"zeros", make([]byte, 7)},
		{"64_KiB", bytes.Repeat(every, 256)},
	} {
		t.Run(d.name, func(t *testing.T) {
			s := k.store(t)
			saved := k.save(t, s, key, "", d.data)
			if !bytes.Equal(saved.Data, d.data) {
				t.Errorf("Save returned %s, want the document that it was given, %s", show(saved.Data), show(d.data))
			}
			k.wantData(t, s, key, d.data)
		})
	}
}

// checkEmptyDocument: a store may refuse an empty document, which cannot be told
// from a damaged one in some places, but it may not lose it.
func checkEmptyDocument(t *testing.T, k *kit) {
	s := k.store(t)
	old := k.save(t, s, key, "", []byte("before"))
	if _, err := s.Save(k.ctx(t), key, core.Record{Revision: old.Revision}); err != nil {
		t.Logf("the store refuses empty documents: %v", err)
		k.wantData(t, s, key, []byte("before"))
		return
	}
	k.wantData(t, s, key, nil)
}

func checkOwnCopy(t *testing.T, k *kit) {
	s := k.store(t)
	data := []byte("original")
	if _, err := s.Save(k.ctx(t), key, core.Record{Data: data}); err != nil {
		t.Fatalf("Save: %v", err)
	}
	copy(data, "SCRIBBLE")
	k.wantData(t, s, key, []byte("original"))
	copy(k.load(t, s, key).Data, "SCRIBBLE")
	k.wantData(t, s, key, []byte("original"))
}

func checkDelete(t *testing.T, k *kit) {
	s := k.store(t)
	if err := s.Delete(k.ctx(t), key); err != nil {
		t.Errorf("Delete where there is no document: %v, want no error", err)
	}
	k.save(t, s, key, "", []byte("one"))
	for i := range 2 {
		if err := s.Delete(k.ctx(t), key); err != nil {
			t.Errorf("Delete, call %d: %v, want no error", i+1, err)
		}
		k.wantNone(t, s, key)
	}
	k.save(t, s, key, "", []byte("two"))
	k.wantData(t, s, key, []byte("two"))
}

func checkKeysIndependent(t *testing.T, k *kit) {
	s := k.store(t)
	keys := []string{key, otherKey, "a", "a.b", "a-b", "0", strings.Repeat("k", 64)}
	for _, name := range keys {
		k.save(t, s, name, "", []byte("document of "+name))
	}
	for _, name := range keys {
		k.wantData(t, s, name, []byte("document of "+name))
	}
	r := k.load(t, s, key)
	k.save(t, s, key, r.Revision, []byte("changed"))
	if err := s.Delete(k.ctx(t), otherKey); err != nil {
		t.Fatalf("Delete(%q): %v", otherKey, err)
	}
	k.wantData(t, s, key, []byte("changed"))
	k.wantNone(t, s, otherKey)
	for _, name := range keys[2:] {
		k.wantData(t, s, name, []byte("document of "+name))
	}
}

func checkBadKeys(t *testing.T, k *kit) {
	s := k.store(t)
	for _, bad := range []string{
		"", ".", "..", "../up", "a/b", `a\b`, "/etc/x", "Upper", "sp ace", "a\x00b", "a\n", ".hidden", "-flag",
		"\u00e9", "con", "com1.x", "dot.", "a:b", "%2e", strings.Repeat("k", 65),
	} {
		if core.CheckKey(bad) == nil {
			t.Fatalf("core.CheckKey(%q) allows what this kit takes for a bad key", bad)
		}
		_, err := s.Load(k.ctx(t), bad)
		wantError(t, fmt.Sprintf("Load(%q)", bad), err, core.ErrBadKey)
		_, err = s.Save(k.ctx(t), bad, core.Record{Data: []byte("x")})
		wantError(t, fmt.Sprintf("Save(%q)", bad), err, core.ErrBadKey)
		err = s.Delete(k.ctx(t), bad)
		wantError(t, fmt.Sprintf("Delete(%q)", bad), err, core.ErrBadKey)
		if l := core.Full(s); l.Capabilities().Locking && k.noLocking == "" {
			_, err = l.Lock(k.ctx(t), bad)
			wantError(t, fmt.Sprintf("Lock(%q)", bad), err, core.ErrBadKey)
		}
	}
	k.wantNone(t, s, key)
}

func checkEndedContext(t *testing.T, k *kit) {
	s := k.store(t)
	r := k.save(t, s, key, "", []byte("before"))
	ended, cancel := context.WithCancel(k.ctx(t))
	cancel()
	k.within(t, "Load with a ctx that has ended", func() {
		_, err := s.Load(ended, key)
		wantError(t, "Load with a ctx that was cancelled", err, context.Canceled)
	})
	k.within(t, "Save with a ctx that has ended", func() {
		_, err := s.Save(ended, key, core.Record{Data: []byte("after"), Revision: r.Revision})
		wantError(t, "Save with a ctx that was cancelled", err, context.Canceled)
	})
	k.within(t, "Delete with a ctx that has ended", func() {
		wantError(t, "Delete with a ctx that was cancelled", s.Delete(ended, key), context.Canceled)
	})
	k.wantData(t, s, key, []byte("before"))
}
