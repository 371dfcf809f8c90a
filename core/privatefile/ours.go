package privatefile

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
)

// tempSuffix and random text make the name of a file that is being written.
const tempSuffix = ".tmp-"

// Read reads a file of ours, and tells whether its owner may write it. It needs no
// lock: such files are replaced in one step.
func Read(path string) (data []byte, writable bool, err error) {
	if err := checkName(path); err != nil {
		return nil, false, err
	}
	return read(path)
}

// Create writes a new file of ours. If there is something already, the error wraps
// [fault.Conflict]. Its directory must exist; see [MakeDir].
func Create(ctx context.Context, path string, data []byte) error {
	return Exclusively(ctx, path, func() error {
		if _, err := os.Lstat(path); err == nil {
			return &fault.Error{Subject: path, Kind: fault.Conflict, Problem: "it exists already"}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return cannotWrite(path, err)
		}
		return Replace(path, data)
	})
}

// Replace writes data to a new file with mode 0600, has it written to the disk,
// gives it the name path in one step, and has that written too. After a crash there
// is the old file or the new one. Call it in [Exclusively].
func Replace(path string, data []byte) error { return replace(path, data, 0o600) }

// Exclusively calls f while no other process changes the file path by this package.
// It waits until ctx ends; the error then wraps [fault.Locked]. What writers that
// were killed left beside path is removed first.
func Exclusively(ctx context.Context, path string, f func() error) error {
	if err := checkName(path); err != nil {
		return err
	}
	lock, err := lockFile(ctx, path, beside(path, ".write"))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	removeTemps(path)
	return f()
}

// CanReplace finds out whether [Replace] would work for a file of that size: it
// writes another one beside path, and removes it.
func CanReplace(path string, size int) error {
	temp, err := writeTemp(path, make([]byte, size), 0o600)
	if err != nil {
		return err
	}
	if err := os.Remove(temp); err != nil {
		return cannotWrite(path, err)
	}
	return nil
}

// Remove removes a file of ours, or a link, whatever is wrong with it. A directory, a
// device or the like stays, and it is no error when there is nothing.
func Remove(path string) error {
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !movable(info.Mode()): // os.Remove would remove an empty directory
		return notRegular(path, kindOf(info.Mode()), fault.MoveAway.On(path))
	}
	if err := remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cannotWrite(path, err)
	}
	return syncParent(path)
}

// SetAside renames a file, or a link, that stands in the place of a file of ours, so
// that a new one can be written and the old one can be looked into. It returns the
// new path: the old one with ".damaged-", the time in UTC, and a number if that name
// is taken. Nothing is overwritten. A directory, a device or the like is not ours to
// move and stays. If there is nothing, the error wraps [fault.NotFound]. Call it in
// [Exclusively].
func SetAside(path string) (string, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", notFound(path)
	}
	if err != nil {
		return "", cannotWrite(path, err)
	}
	if !movable(info.Mode()) {
		return "", notRegular(path, kindOf(info.Mode()), fault.MoveAway.On(path))
	}
	aside, err := freeName(path + ".damaged-" + time.Now().UTC().Format("20060102T150405Z"))
	if err != nil {
		return "", cannotWrite(path, err)
	}
	if err := rename(path, aside); err != nil {
		return "", cannotWrite(path, err)
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		// It may hold tokens that others could read until now. If it is not
		// ours to change it is no worse than it was.
		_ = os.Chmod(aside, 0o600)
	}
	return aside, syncParent(path)
}

// movable tells whether something is a file or a link: nothing else is moved or removed.
func movable(mode fs.FileMode) bool { return mode.IsRegular() || mode.Type() == fs.ModeSymlink }

// kindOf names what is not a regular file.
func kindOf(mode fs.FileMode) string {
	switch mode.Type() {
	case 0:
		return ""
	case fs.ModeDir:
		return "a directory"
	case fs.ModeNamedPipe:
		return "a named pipe"
	case fs.ModeSocket:
		return "a socket"
	case fs.ModeSymlink:
		return "a symbolic link"
	}
	return aDevice
}

// freeName returns the first of name, name-1, name-2... that nothing has. Those
// who could take it meanwhile hold the lock first.
func freeName(name string) (string, error) {
	candidate := name
	for n := 1; ; n++ {
		_, err := os.Lstat(candidate)
		if errors.Is(err, fs.ErrNotExist) {
			return candidate, nil
		}
		if err != nil {
			return "", err
		}
		candidate = fmt.Sprintf("%s-%d", name, n)
	}
}

// removeTemps removes files that writers of path left unfinished. Whoever holds
// the lock knows that those writers are dead. What cannot be removed now will be
// another time.
func removeTemps(path string) {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	prefix := filepath.Base(beside(path, tempSuffix))
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			os.Remove(filepath.Join(filepath.Dir(path), name))
		}
	}
}

// replace puts data in the place of the file path, in one step.
func replace(path string, data []byte, mode fs.FileMode) error {
	temp, err := writeTemp(path, data, mode)
	if err != nil {
		return err
	}
	if err := rename(temp, path); err != nil {
		os.Remove(temp)
		return cannotWrite(path, err)
	}
	// Without this the new name may be lost in a power cut.
	return syncParent(path)
}

// writeTemp writes data, down to the disk, to a new file beside path. The file has
// a random name so that it is nobody else's even if the lock fails, as it may on a
// network file system. It is private until it is whole.
func writeTemp(path string, data []byte, mode fs.FileMode) (temp string, err error) {
	temp = beside(path, tempSuffix+rand.Text())
	f, err := createPrivate(temp)
	if err != nil {
		return "", cannotWrite(path, err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err == nil && mode != 0o600 {
		err = f.Chmod(mode)
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(temp)
		return "", cannotWrite(path, err)
	}
	return temp, nil
}

// syncParent has the names of the directory of path written to the disk.
func syncParent(path string) error {
	if err := syncDir(filepath.Dir(path)); err != nil {
		return cannotWrite(path, err)
	}
	return nil
}

// beside returns the path of a hidden file next to path.
func beside(path, suffix string) string {
	dir, name := filepath.Split(path)
	return dir + "." + name + suffix
}
