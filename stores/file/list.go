package file

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/tokentoss/tokentoss/core"
)

// List returns the keys that have a file, sorted. It opens none of the files, so
// those are named too that Load refuses. A store of one file has the key
// "default" if that file exists.
func (s *Store) List(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("file store: list: %w", err)
	}
	var keys []string
	if _, err := os.Lstat(s.def); err == nil {
		keys = append(keys, core.DefaultKey)
	}
	if s.file != "" {
		return keys, nil
	}
	profiles := filepath.Join(s.dir, profilesDir)
	entries, err := os.ReadDir(profiles)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, &core.Error{Subject: profiles, Problem: "cannot be listed", Err: errors.Unwrap(err)}
	}
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("file store: list: %w", err)
		}
		key := entry.Name()
		if key == core.DefaultKey || core.CheckKey(key) != nil {
			continue // not made by a Store
		}
		if _, err := os.Lstat(s.Path(key)); err == nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}
