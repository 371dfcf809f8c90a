//go:build unix

package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

// Listing opens no document: here each would be refused, or wait for a writer.
func TestListReadsNoDocument(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newStore(t, dir)
	for _, key := range []string{"b", "a"} {
		profile := filepath.Dir(s.Path(key))
		must(t, os.MkdirAll(profile, 0o700))
		must(t, syscall.Mkfifo(s.Path(key), 0o666))
	}
	must(t, os.MkdirAll(filepath.Join(dir, "profiles", "Not A Key"), 0o700))
	must(t, os.MkdirAll(filepath.Join(dir, "profiles", "without-tokens"), 0o700))
	if keys, err := s.List(bounded(t)); err != nil || !slices.Equal(keys, []string{"a", "b"}) {
		t.Errorf("List gives %q, %v, want a and b", keys, err)
	}
	if _, err := s.Load(bounded(t), "a"); !errors.Is(err, core.ErrCorrupt) {
		t.Errorf("Load of a named pipe: error is %v, want core.ErrCorrupt", err)
	}
}
