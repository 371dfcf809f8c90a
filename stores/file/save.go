package file

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tokentoss/tokentoss/core"
)

// tempSuffix and random text make the name of a file that is being written.
const tempSuffix = ".tmp-"

// Save writes the document to a new file with mode 0600, has it written to the
// disk, gives it the name of the old one, and has that written too. A document
// that is stored already is not written again.
//
// It waits for other writers of the same document, and not for the holder of
// [Store.Lock]. When ctx ends first, the error wraps [core.ErrLocked] and ctx's
// error. Any failure to write is [core.ErrReadOnly]; the old document is then
// still there, unless all that failed was the last step, which makes the new one
// outlive a power cut. A document that is there but is refused, see
// [Store.Load], is not replaced. Empty documents are refused with
// [core.ErrCorrupt], and those of more than 1 MiB with [core.ErrTooLarge].
func (s *Store) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	if err := ctx.Err(); err != nil {
		return core.Record{}, fmt.Errorf("file store: save: %w", err)
	}
	path, err := s.path(key)
	if err != nil {
		return core.Record{}, err
	}
	if err := checkFileSize(path, int64(len(r.Data))); err != nil {
		return core.Record{}, err
	}
	next := core.Record{Data: r.Data, Revision: revision(r.Data)}
	err = s.exclusively(ctx, path, func() error {
		stored, writable, err := current(path)
		switch {
		case err != nil:
			return err
		case stored != r.Revision:
			return &Error{Path: path, Kind: core.ErrConflict, Fix: "load it again"}
		case stored == next.Revision:
			return nil
		case !writable:
			return readOnly(path)
		}
		return replace(path, r.Data)
	})
	if err != nil {
		return core.Record{}, err
	}
	return next, nil
}

// Delete removes the document of key. What an interrupted Save left goes too;
// the directory and the files that are locked stay.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("file store: delete: %w", err)
	}
	path, err := s.path(key)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	err = s.exclusively(ctx, path, func() error { return remove(path) })
	if errors.Is(err, core.ErrReadOnly) {
		// What cannot be written need not be if there is nothing to remove.
		if _, statErr := os.Lstat(path); errors.Is(statErr, fs.ErrNotExist) {
			return nil
		}
	}
	return err
}

func remove(path string) error {
	switch info, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && info.IsDir(): // which os.Remove would remove if it is empty
		return otherKind(path, "a directory")
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cannotWrite(path, err)
	}
	return syncParent(path)
}

// exclusively calls f while no other process writes path. It makes the directory
// and removes what killed writers left.
func (s *Store) exclusively(ctx context.Context, path string, f func() error) error {
	if err := s.makeDirs(path); err != nil {
		return err
	}
	lock, err := waitLock(ctx, path, beside(path, ".write"))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	removeTemps(path)
	return f()
}

// removeTemps removes files that writers of path left unfinished. Whoever holds
// the write lock knows that those writers are dead. What cannot be removed now
// will be another time.
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
func replace(path string, data []byte) error {
	temp, err := writeTemp(path, data)
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

// writeTemp writes data, down to the disk, to a new private file beside path.
// The file has a random name so that it is nobody else's even if the lock fails,
// as it may on a network file system.
func writeTemp(path string, data []byte) (temp string, err error) {
	temp = beside(path, tempSuffix+rand.Text())
	f, err := createPrivate(temp)
	if err != nil {
		return "", cannotWrite(path, err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
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
