package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// Quarantine renames the file or link that stands in the place of the document of
// key, so that a new document can be saved and the old one can be looked into. It
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
		return "", &core.Error{Subject: path, Kind: core.ErrNotFound}
	}
	if err := s.checkOwn(path); err != nil {
		return "", err
	}
	var aside string
	err = s.exclusively(ctx, path, func() (err error) {
		aside, err = privatefile.SetAside(path)
		return err
	})
	return aside, err
}
