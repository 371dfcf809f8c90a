package privatefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/tokentoss/tokentoss/core/fault"
)

// dirName is what tokentoss's own directories are called.
const dirName = "tokentoss"

// MakeDir makes a directory for the user alone, and those above it, where they do
// not exist. One that exists is refused if it belongs to neither the user nor root,
// or if others could put files in the place of the user's there. If it is tokentoss's
// own, and is called so, its mode is reduced to what the user alone needs; otherwise it
// is never changed.
func MakeDir(dir string, own bool) error {
	if err := checkName(dir); err != nil {
		return err
	}
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

// CheckPrivate refuses what is at path if it is not of that kind, such as [fs.ModeSocket], or
// not the user's alone.
func CheckPrivate(path string, kind fs.FileMode) error {
	info, err := os.Lstat(path)
	switch {
	case err != nil:
		return cannotOpen(path, err)
	case info.Mode().Type() != kind:
		return insecure(path, "it is not what it should be", fault.MoveAway.On(path))
	}
	return checkPrivate(path, info)
}

// CheckOwner refuses to have what is at path replaced if it is not the user's own.
func CheckOwner(path string) error {
	info, err := os.Lstat(path)
	if err != nil {
		return cannotOpen(path, err)
	}
	if !isUsers(info) {
		return notYours(path)
	}
	return nil
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
