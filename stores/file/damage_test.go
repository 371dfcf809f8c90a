package file_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/stores/file"
)

// A refusal is a way to spoil a document that is then refused.
type refusal struct {
	name  string
	spoil func(t *testing.T, path string)
	kind  error
	says  []string // in the error or its remedy, beside the path
}

// replaceBy puts something else in the place of a document.
func replaceBy(make func(path string) error) func(*testing.T, string) {
	return func(t *testing.T, path string) {
		must(t, os.Remove(path))
		must(t, make(path))
	}
}

func damages() []refusal {
	return append(strangers(), []refusal{
		{"empty", func(t *testing.T, path string) { must(t, os.Truncate(path, 0)) }, core.ErrCorrupt, []string{"0 bytes"}},
		{"100 MiB", func(t *testing.T, path string) { must(t, os.Truncate(path, 100<<20)) },
			core.ErrTooLarge, []string{"104857600 bytes", "at most 1048576"}},
		{"1 MiB and a byte", func(t *testing.T, path string) { must(t, os.Truncate(path, 1<<20+1)) }, core.ErrTooLarge, nil},
		{"directory", replaceBy(func(path string) error { return os.Mkdir(path, 0o700) }), core.ErrCorrupt, []string{"a directory", "move "}},
		{"hard link", func(t *testing.T, path string) { must(t, os.Link(path, path+".other")) },
			core.ErrInsecure, []string{"2 names", "move "}},
	}...)
}

// shortDir returns a directory with a path that is short enough for a socket.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tt")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// Whatever stands in the place of the document, the error says what it is
// and where; nothing hangs, nothing is overwritten. Set aside, it is still there
// in full, and a new document can be saved. What is no file stays where it is.
func TestDamaged(t *testing.T) {
	t.Parallel()
	for _, d := range append(damages(), refusals()...) {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, shortDir(t))
			path := s.Path(core.DefaultKey)
			saved := save(t, s, "", []byte("the secret"))
			d.spoil(t, path)
			wantRefused(t, s, saved.Revision, d)

			before, err := os.Lstat(path)
			must(t, err)
			aside, err := s.Quarantine(bounded(t), core.DefaultKey)
			if !before.Mode().IsRegular() && before.Mode()&os.ModeSymlink == 0 {
				if after, _ := os.Lstat(path); !errors.Is(err, core.ErrCorrupt) || !os.SameFile(before, after) {
					t.Errorf("%v was moved: %v", before.Mode(), err)
				}
				return
			}
			must(t, err)
			after, err := os.Lstat(aside)
			must(t, err)
			// Windows finds out which file it was when that is asked: too late.
			if runtime.GOOS != "windows" && !os.SameFile(before, after) || before.Size() != after.Size() {
				t.Errorf("what was set aside is not what was there: %v, want %v", after, before)
			}
			if runtime.GOOS != "windows" && after.Mode().IsRegular() && after.Mode().Perm()&0o077 != 0 {
				t.Errorf("what was set aside has mode %v, want that nobody else can read it", after.Mode())
			}
			if _, err := s.Load(bounded(t), core.DefaultKey); !errors.Is(err, core.ErrNotFound) {
				t.Errorf("Load: error is %v, want core.ErrNotFound", err)
			}
			save(t, s, "", []byte("new"))
			wantDoc(t, s, "new")
		})
	}
}

// Nothing is overwritten by setting aside, however often in one second.
func TestSetAsideOverwritesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t, t.TempDir())
	path := s.Path("work")
	pattern := regexp.MustCompile(`^` + regexp.QuoteMeta(path) + `\.damaged-\d{8}T\d{6}Z(-\d+)?$`)
	want := map[string]string{}
	for _, data := range []string{"one", "two", "three"} {
		_, err := s.Save(bounded(t), "work", core.Record{Data: []byte(data)})
		must(t, err)
		aside, err := s.Quarantine(bounded(t), "work")
		must(t, err)
		if !pattern.MatchString(aside) {
			t.Errorf("SetAside returned %s, want a path like %s", aside, pattern)
		}
		want[aside] = data
	}
	if len(want) != 3 {
		t.Fatalf("there are %d names for 3 documents", len(want))
	}
	for aside, data := range want {
		if got, err := os.ReadFile(aside); err != nil || string(got) != data {
			t.Errorf("%s contains %q (%v), want %q", aside, got, err, data)
		}
	}
	if _, err := s.Quarantine(bounded(t), "work"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("SetAside of nothing: error is %v, want core.ErrNotFound", err)
	}
	if keys, err := s.List(bounded(t)); err != nil || len(keys) != 0 {
		t.Errorf("List gives %q, %v, want nothing: what was set aside is no document", keys, err)
	}
}

// Delete removes files and links, and nothing else.
func TestDeleteDamaged(t *testing.T) {
	t.Parallel()
	for _, d := range append(damages(), refusals()...) {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, shortDir(t))
			save(t, s, "", []byte("x"))
			d.spoil(t, s.Path(core.DefaultKey))
			what, err := os.Lstat(s.Path(core.DefaultKey))
			must(t, err)
			err = s.Delete(bounded(t), core.DefaultKey)
			if !what.Mode().IsRegular() && what.Mode()&os.ModeSymlink == 0 {
				if !errors.Is(err, core.ErrCorrupt) {
					t.Errorf("Delete where %v stands: error is %v, want core.ErrCorrupt", what.Mode(), err)
				}
				return
			}
			must(t, err)
			if _, err := os.Lstat(s.Path(core.DefaultKey)); err == nil {
				t.Error("it is still there")
			}
		})
	}
}

// Documents of 1 MiB are kept, larger ones and empty ones are refused before
// anything is written.
func TestSizes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new")
	s := newStore(t, dir)
	_, err := s.Save(bounded(t), core.DefaultKey, core.Record{Data: make([]byte, 1<<20+1)})
	if !errors.Is(err, core.ErrTooLarge) {
		t.Errorf("Save of more than 1 MiB: error is %v, want core.ErrTooLarge", err)
	}
	if _, err = s.Save(bounded(t), core.DefaultKey, core.Record{}); !errors.Is(err, core.ErrCorrupt) {
		t.Errorf("Save of nothing: error is %v, want core.ErrCorrupt", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a refused Save has made the directory")
	}
	wantDoc(t, s, string(save(t, s, "", bytes.Repeat([]byte("x"), 1<<20)).Data))
}

// withRemedy is what a person is told.
func withRemedy(err error) string { return err.Error() + "; " + fault.RemedyOf(err).String() }

func wantRefused(t *testing.T, s *file.Store, revision string, want refusal) {
	t.Helper()
	path := s.Path(core.DefaultKey)
	_, loadErr := s.Load(bounded(t), core.DefaultKey)
	_, saveErr := s.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("new"), Revision: revision})
	for op, err := range map[string]error{"Load": loadErr, "Save": saveErr} {
		if !errors.Is(err, want.kind) {
			t.Errorf("%s: error is %v, want one that wraps %q", op, err, want.kind)
			continue
		}
		for _, text := range append(want.says, path) {
			if !strings.Contains(withRemedy(err), text) {
				t.Errorf("%s: error does not say %q: %s", op, text, withRemedy(err))
			}
		}
		if strings.Contains(err.Error(), "the secret") {
			t.Errorf("%s: error contains the document: %v", op, err)
		}
	}
	wantNoTemps(t, filepath.Dir(path))
}
