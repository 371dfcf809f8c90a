package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
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
		k.fail(t, "Load(%q) of a document that was saved: %v", key, err)
	}
	return r
}

// save saves a document, which must succeed.
func (k *kit) save(t *testing.T, s core.TokenStore, key, revision string, data []byte) core.Record {
	t.Helper()
	r, err := s.Save(k.ctx(t), key, core.Record{Data: bytes.Clone(data), Revision: revision})
	if err != nil {
		k.fail(t, "Save(%q) of %s from revision %q, which is the stored one: %v", key, show(data), revision, err)
	}
	return r
}

// remove deletes a document, which must succeed.
func (k *kit) remove(t *testing.T, s core.TokenStore, key string) {
	t.Helper()
	if err := s.Delete(k.ctx(t), key); err != nil {
		k.fail(t, "Delete(%q): %v", key, err)
	}
}

// wantData checks what is stored.
func (k *kit) wantData(t *testing.T, s core.TokenStore, key string, want []byte, because string) {
	t.Helper()
	got, err := s.Load(k.ctx(t), key)
	switch {
	case err != nil:
		k.fail(t, "Load(%q) gives the error %q, want %s%s", key, err, show(want), because)
	case !bytes.Equal(got.Data, want):
		k.fail(t, "Load(%q) gives %s, want %s%s", key, show(got.Data), show(want), because)
	}
}

// wantNone checks that nothing is stored.
func (k *kit) wantNone(t *testing.T, s core.TokenStore, key string, because string) {
	t.Helper()
	r, err := s.Load(k.ctx(t), key)
	if err == nil {
		k.fail(t, "Load(%q) gives %s, want core.ErrNotFound%s", key, show(r.Data), because)
	}
	k.wantError(t, fmt.Sprintf("Load(%q)%s", key, because), err, core.ErrNotFound)
}

// wantError checks that err wraps each of the wanted errors.
func (k *kit) wantError(t *testing.T, what string, err error, want ...error) {
	t.Helper()
	for _, w := range want {
		if !errors.Is(err, w) {
			var b *breakdown
			if errors.As(err, &b) {
				k.fail(t, "%v", err)
			}
			k.fail(t, "%s: the error is %s, want one that wraps %s", what, shown(err), name(w))
		}
	}
}

// A verdict is the first thing that goroutines find wrong.
type verdict struct {
	mu   sync.Mutex
	text string
	err  error
}

// sayf says what is wrong, unless something was said before.
func (v *verdict) sayf(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.text != "" {
		return
	}
	v.text = fmt.Sprintf(format, args...)
	for _, a := range args {
		if err, ok := a.(error); ok {
			v.err = err
		}
	}
}

// said tells whether something is wrong, so that the others need not go on.
func (v *verdict) said() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.text != ""
}

// check fails t if something is wrong. The goroutines have ended.
func (v *verdict) check(t *testing.T, k *kit) {
	t.Helper()
	if v.text == "" {
		return
	}
	var b *breakdown
	if errors.As(v.err, &b) {
		k.fail(t, "%v", v.err)
	}
	k.fail(t, "%s", v.text)
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
		{core.ErrTooLarge, "core.ErrTooLarge"},
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

// byText orders errors.
func byText(a, b error) int { return strings.Compare(a.Error(), b.Error()) }
