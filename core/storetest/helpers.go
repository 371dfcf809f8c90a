package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

// key and otherKey are the keys that most checks use.
const (
	key      = core.DefaultKey
	otherKey = "work.2_b-c"
)

// load loads a document that must be there.
func (k *kit) load(t *testing.T, s core.TokenStore, key string) core.Record {
	t.Helper()
	r, err := s.Load(k.ctx(t), key)
	if err != nil {
		t.Fatalf("Load(%q) of a document that was saved: %v", key, err)
	}
	return r
}

// save saves a document, which must succeed.
func (k *kit) save(t *testing.T, s core.TokenStore, key, revision string, data []byte) core.Record {
	t.Helper()
	r, err := s.Save(k.ctx(t), key, core.Record{Data: bytes.Clone(data), Revision: revision})
	if err != nil {
		t.Fatalf("Save(%q) of %s from revision %q, which is the stored one: %v", key, show(data), revision, err)
	}
	return r
}

// wantData checks what is stored.
func (k *kit) wantData(t *testing.T, s core.TokenStore, key string, want []byte) {
	t.Helper()
	if got := k.load(t, s, key); !bytes.Equal(got.Data, want) {
		t.Errorf("Load(%q) gives %s, want %s", key, show(got.Data), show(want))
	}
}

// wantNone checks that nothing is stored.
func (k *kit) wantNone(t *testing.T, s core.TokenStore, key string) {
	t.Helper()
	r, err := s.Load(k.ctx(t), key)
	if err == nil {
		t.Errorf("Load(%q) gives %s, want core.ErrNotFound: there is no document", key, show(r.Data))
		return
	}
	wantError(t, fmt.Sprintf("Load(%q) where there is no document", key), err, core.ErrNotFound)
}

// wantError checks that err wraps each of the wanted errors.
func wantError(t *testing.T, what string, err error, want ...error) {
	t.Helper()
	for _, w := range want {
		if !errors.Is(err, w) {
			t.Errorf("%s: error is %v, want one that wraps %s", what, shown(err), name(w))
		}
	}
}

func shown(err error) string {
	if err == nil {
		return "nil"
	}
	return fmt.Sprintf("%q", err.Error())
}

// name is how an error is written in a program, since its text alone would not
// tell a reader what to return.
func name(err error) string {
	for _, n := range []struct {
		err  error
		name string
	}{
		{core.ErrNotFound, "core.ErrNotFound"},
		{core.ErrConflict, "core.ErrConflict"},
		{core.ErrLocked, "core.ErrLocked"},
		{core.ErrBadKey, "core.ErrBadKey"},
		{context.Canceled, "context.Canceled"},
		{context.DeadlineExceeded, "context.DeadlineExceeded"},
	} {
		if n.err == err { //nolint:errorlint // these are the errors themselves
			return n.name
		}
	}
	return err.Error()
}

// show shortens a document for a message. The kit's documents are no secrets.
func show(data []byte) string {
	const most = 32
	if len(data) <= most {
		return fmt.Sprintf("%q", data)
	}
	return fmt.Sprintf("%q... (%d bytes)", data[:most], len(data))
}
