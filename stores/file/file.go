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
	"fmt"
	"path/filepath"

	"github.com/tokentoss/tokentoss/core"
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
// saved. The directory is the store's own: if others can read it, Save changes
// its mode to 0700. New does not look at the disk; it refuses a path that is
// relative, which would put tokens wherever the program happens to be started.
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
// write to it, but its mode is never changed.
func NewFile(path string) (*Store, error) {
	if err := checkPath("file", path); err != nil {
		return nil, err
	}
	path = filepath.Clean(path)
	return &Store{file: path, def: path}, nil
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
