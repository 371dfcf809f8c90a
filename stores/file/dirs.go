package file

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// makeDirs makes the directories of path that do not exist, for the user alone,
// and checks those that do.
func (s *Store) makeDirs(path string) error {
	if s.file != "" {
		return ensureDir(filepath.Dir(path), false)
	}
	if err := ensureDir(s.dir, true); err != nil || path == s.def {
		return err
	}
	if err := ensureDir(filepath.Join(s.dir, profilesDir), true); err != nil {
		return err
	}
	return ensureDir(filepath.Dir(path), true)
}

// ensureDir makes or checks one directory. If it is the store's own, its mode is
// reduced to what the user alone needs.
func ensureDir(dir string, own bool) error {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		info, err = makeDir(dir)
	}
	if err != nil {
		return cannotWrite(dir, err)
	}
	if !info.IsDir() {
		return cannotWrite(dir, syscall.ENOTDIR)
	}
	return checkDir(dir, info, own)
}

func makeDir(dir string) (fs.FileInfo, error) {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, err
	}
	if err := mkdirPrivate(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	// A directory that is lost in a power cut takes the document with it. The
	// parent may be one that the user may not read, and so not sync.
	if err := syncDir(parent); err != nil && !errors.Is(err, fs.ErrPermission) {
		return nil, err
	}
	return os.Stat(dir)
}
