package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

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
	if err := checkSize(path, len(r.Data)); err != nil {
		return core.Record{}, err
	}
	next := core.Record{Data: r.Data, Revision: revision(r.Data)}
	err = s.exclusively(ctx, path, func() error {
		stored, writable, err := current(path)
		switch {
		case err != nil:
			return err
		case stored != r.Revision:
			return &core.Error{Subject: path, Kind: core.ErrConflict}
		case stored == next.Revision:
			return nil
		case !writable:
			return readOnly(path)
		}
		return privatefile.Replace(path, r.Data)
	})
	if err != nil {
		return core.Record{}, err
	}
	return next, nil
}

// readOnly tells that somebody took the permission to write from a document.
func readOnly(path string) error {
	return &core.Error{Subject: path, Kind: core.ErrReadOnly, Problem: "the file is read-only", Remedy: fault.MakeWritable.On(path)}
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
	if err := s.checkOwn(path); err != nil {
		return err
	}
	err = s.exclusively(ctx, path, func() error { return privatefile.Remove(path) })
	if errors.Is(err, core.ErrReadOnly) {
		// What cannot be written need not be if there is nothing to remove.
		if _, statErr := os.Lstat(path); errors.Is(statErr, fs.ErrNotExist) {
			return nil
		}
	}
	return err
}

// exclusively calls f while no other process writes path. It makes the directory.
func (s *Store) exclusively(ctx context.Context, path string, f func() error) error {
	if err := s.makeDirs(path); err != nil {
		return err
	}
	return privatefile.Exclusively(ctx, path, f)
}

// makeDirs makes the directories of path that do not exist, for the user alone,
// and checks those that do.
func (s *Store) makeDirs(path string) error {
	if s.file != "" {
		return privatefile.MakeDir(filepath.Dir(path), false)
	}
	if err := privatefile.MakeDir(s.dir, true); err != nil || path == s.def {
		return err
	}
	if err := privatefile.MakeDir(filepath.Join(s.dir, profilesDir), true); err != nil {
		return err
	}
	return privatefile.MakeDir(filepath.Dir(path), true)
}
