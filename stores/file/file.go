// Package file keeps sessions in files that only their owner can read, one
// directory and one file for each profile.
//
// The document of the key "default" is the file tokens.json of the store's
// directory, which is where the Python package tokentoss has it too; those of
// other keys are profiles/KEY/tokens.json below it. Documents are written as
// they are given.
//
// A file is used only if nobody else can have read or written it: it must be a
// regular file with one name, of the user, with mode 0600 or less. Anything else
// is refused with an error that names the command that puts it right. Files are
// replaced in one step and are on the disk when Save returns: after a crash there
// is the old document or the new one.
//
// Beside each document are two hidden files that hold no data and stay: one is
// locked while the document is written, the other by [Store.Lock].
package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

const (
	fileName    = "tokens.json"
	profilesDir = "profiles"
)

// A Store is a [core.TokenStore] over files, with all optional capabilities but
// [io.Closer]. It holds nothing but its place: any number of Stores and processes
// can use one directory together.
type Store struct {
	dir  string // of the documents by key, which are all called
	name string // or
	file string // the one document
	def  string // path of the document of core.DefaultKey
}

var (
	_ core.TokenStore  = (*Store)(nil)
	_ core.Locker      = (*Store)(nil)
	_ core.Lister      = (*Store)(nil)
	_ core.Checker     = (*Store)(nil)
	_ core.Quarantiner = (*Store)(nil)
	_ core.Locator     = (*Store)(nil)
	_ core.Describer   = (*Store)(nil)
)

// New returns a store over the directory dir, which is made when something is
// saved. If it is called tokentoss and others can read it, Save changes its mode to
// 0700; any other is left as it is, and refused if others can write to it. New does
// not look at the disk; it refuses a path that is relative, which would put tokens
// wherever the program happens to be started.
func New(dir string) (*Store, error) { return NewNamed(dir, fileName) }

// NewNamed is New with another name than tokens.json for the files, for documents
// of another form: two stores of different names can use one directory.
func NewNamed(dir, name string) (*Store, error) {
	if err := checkPath("directory", dir); err != nil {
		return nil, err
	}
	if err := core.CheckKey(name); err != nil {
		return nil, fmt.Errorf("file store: the name of the files: %w", err)
	}
	dir = filepath.Clean(dir)
	return &Store{dir: dir, name: name, def: filepath.Join(dir, name)}, nil
}

// NewFile returns a store whose documents are all the one file path, whatever
// the key, for a person who says where the tokens are. The directory of path is
// that person's: it is made if it does not exist, and refused if others can
// write to it, but its mode is never changed. So is what stands at path if it is
// not a session ([core.IsDocument]), or a link: it is refused, and neither
// replaced, moved nor removed.
func NewFile(path string) (*Store, error) {
	if err := checkPath("file", path); err != nil {
		return nil, err
	}
	path = filepath.Clean(path)
	return &Store{file: path, def: path}, nil
}

// checkOwn refuses what a person has at the place that they named and is no session.
func (s *Store) checkOwn(path string) error {
	if s.file == "" {
		return nil
	}
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return &core.Error{Subject: path, Problem: "cannot be examined", Err: err}
	case info.Mode()&fs.ModeSymlink != 0:
		return notOwn(path, "a symbolic link, not a session")
	case !info.Mode().IsRegular():
		return nil // which privatefile refuses
	}
	f, err := os.Open(path)
	if err != nil {
		return nil // as it is by whoever reads it
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, privatefile.MaxSize))
	if err == nil && !core.IsDocument(data) {
		return notOwn(path, "another program's file, not a session")
	}
	return nil
}

func notOwn(path, problem string) error {
	return &core.Error{Subject: path, Kind: fault.BadConfig, Problem: problem, Remedy: fault.MoveAway.On(path)}
}

func checkPath(kind, path string) error {
	if path == "" {
		return fmt.Errorf("file store: no %s is given: is HOME set?", kind)
	}
	if !filepath.IsAbs(path) {
		return fmt.Errorf("file store: %s %q is relative: give an absolute path", kind, path)
	}
	return nil
}

// Path returns the path of the document of key, whether there is one or not. It
// is empty if key is not usable; see [core.CheckKey].
func (s *Store) Path(key string) string {
	path, err := s.path(key)
	if err != nil {
		return ""
	}
	return path
}

// Describe implements [core.Describer].
func (s *Store) Describe() string { return "files that you alone can read, not encrypted" }

func (s *Store) path(key string) (string, error) {
	if key == core.DefaultKey {
		return s.def, nil
	}
	if err := core.CheckKey(key); err != nil {
		return "", fmt.Errorf("file store: %w", err)
	}
	if s.file != "" {
		return s.file, nil
	}
	const sep = string(filepath.Separator)
	return s.dir + sep + profilesDir + sep + key + sep + s.name, nil
}
