package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// SetAside renames what stands in the place of the document of key, whatever it
// is, so that a new document can be saved and the old one can be looked into. It
// returns the new path: the old one with ".damaged-", the time in UTC, and a
// number if that name is taken. Nothing is overwritten. If there is nothing it
// returns [core.ErrNotFound].
func (s *Store) Quarantine(ctx context.Context, key string) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", fmt.Errorf("file store: set aside: %w", err)
	}
	path, err := s.path(key)
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return "", notFound(path)
	}
	var aside string
	err = s.exclusively(ctx, path, func() error {
		info, err := os.Lstat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return notFound(path)
		}
		if err != nil {
			return cannotWrite(path, err)
		}
		if aside, err = freeName(path + ".damaged-" + time.Now().UTC().Format("20060102T150405Z")); err != nil {
			return cannotWrite(path, err)
		}
		if err := rename(path, aside); err != nil {
			return cannotWrite(path, err)
		}
		if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			// It may hold tokens that others could read until now. If it is not
			// ours to change it is no worse than it was.
			_ = os.Chmod(aside, 0o600)
		}
		return syncParent(path)
	})
	if err != nil {
		return "", err
	}
	return aside, nil
}

// freeName returns the first of name, name-1, name-2... that nothing has. Those
// who could take it meanwhile hold the write lock first.
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
