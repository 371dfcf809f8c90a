package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/file"
)

// wantNotSaved checks that a Save fails as core.ErrReadOnly with cause, and that
// the old document is there.
func wantNotSaved(t *testing.T, s *file.Store, old core.Record, data []byte, cause error) {
	t.Helper()
	_, err := s.Save(bounded(t), core.DefaultKey, core.Record{Data: data, Revision: old.Revision})
	if !errors.Is(err, core.ErrReadOnly) || !errors.Is(err, cause) {
		t.Errorf("Save: error is %v, want core.ErrReadOnly because of %q", err, cause)
	} else if !strings.Contains(err.Error(), filepath.Dir(s.Path(core.DefaultKey))) {
		t.Errorf("Save: error does not name the path: %v", err)
	}
	if old.Revision != "" {
		wantDoc(t, s, string(old.Data))
	}
	wantNoTemps(t, filepath.Dir(s.Path(core.DefaultKey)))
}

// A file that its owner has made read-only is not replaced.
func TestReadOnlyFile(t *testing.T) {
	t.Parallel()
	s := newStore(t, t.TempDir())
	old := save(t, s, "", []byte("old"))
	must(t, os.Chmod(s.Path(core.DefaultKey), 0o400))
	_, err := s.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("new"), Revision: old.Revision})
	if !errors.Is(err, core.ErrReadOnly) || !strings.Contains(withRemedy(err), "make "+s.Path(core.DefaultKey)+" writable") {
		t.Errorf("Save over a read-only file: error is %v, want core.ErrReadOnly and what to do", err)
	}
	wantDoc(t, s, "old")
	must(t, s.Delete(bounded(t), core.DefaultKey))
}

// A directory that was removed meanwhile is like one that never was; the
// caller learns that its document is gone.
func TestDirectoryIsRemoved(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tokentoss")
	s := newStore(t, dir)
	old := save(t, s, "", []byte("old"))
	must(t, os.RemoveAll(dir))
	if _, err := s.Load(bounded(t), core.DefaultKey); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Load: error is %v, want core.ErrNotFound", err)
	}
	must(t, s.Delete(bounded(t), core.DefaultKey))
	if _, err := os.Stat(dir); err == nil {
		t.Error("Delete has made the directory")
	}
	_, err := s.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("new"), Revision: old.Revision})
	if !errors.Is(err, core.ErrConflict) {
		t.Errorf("Save: error is %v, want core.ErrConflict", err)
	}
	save(t, s, "", []byte("new"))
	wantMode(t, dir, 0o700)
}

// A path that leads through a file is an error that says so.
func TestNotADirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(dir, nil, 0o600))
	s := newStore(t, dir)
	if _, err := s.Load(bounded(t), core.DefaultKey); !errors.Is(err, syscall.ENOTDIR) && runtime.GOOS != "windows" {
		t.Errorf("Load: error is %v, want that it is no directory", err)
	}
	if _, err := s.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("x")}); !errors.Is(err, core.ErrReadOnly) {
		t.Errorf("Save: error is %v, want core.ErrReadOnly", err)
	}
}

// A document that is stored already is not written again.
func TestUnchangedIsNotWritten(t *testing.T) {
	t.Parallel()
	s := newStore(t, t.TempDir())
	old := save(t, s, "", []byte("same"))
	before, err := os.Stat(s.Path(core.DefaultKey))
	must(t, err)
	if again := save(t, s, old.Revision, []byte("same")); again.Revision != old.Revision {
		t.Errorf("the revision changed from %s to %s", old.Revision, again.Revision)
	}
	after, err := os.Stat(s.Path(core.DefaultKey))
	must(t, err)
	if !os.SameFile(before, after) {
		t.Error("the file was written again")
	}
}

// Files of the Python package are read as they are, and the other way round.
func TestBytesAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newStore(t, dir)
	const python = "{\n  \"access_token\": \"a\",\n  \"scopes\": [\"openid\"]\n}"
	must(t, os.WriteFile(filepath.Join(dir, "tokens.json"), []byte(python), 0o600))
	r := wantDoc(t, s, python)
	save(t, s, r.Revision, []byte(python+"\n"))
	got, err := os.ReadFile(filepath.Join(dir, "tokens.json"))
	must(t, err)
	if string(got) != python+"\n" {
		t.Errorf("the file contains %q, want %q", got, python+"\n")
	}
}

// Stores of different names use one directory and do not see each other.
func TestNamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	plain := newStore(t, dir)
	named, err := file.NewNamed(dir, "tokens.age")
	must(t, err)
	save(t, plain, "", []byte("plain"))
	save(t, named, "", []byte("named"))
	wantDoc(t, plain, "plain")
	wantDoc(t, named, "named")
	if got, want := named.Path("work"), filepath.Join(dir, "profiles", "work", "tokens.age"); got != want {
		t.Errorf("Path gives %s, want %s", got, want)
	}
	for _, name := range []string{"", "..", "a/b", "profiles/x"} {
		if _, err := file.NewNamed(dir, name); !errors.Is(err, core.ErrBadKey) {
			t.Errorf("NewNamed(%q): error is %v, want core.ErrBadKey", name, err)
		}
	}
}
