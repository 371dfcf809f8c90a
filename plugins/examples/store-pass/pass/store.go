package pass

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// maxSize bounds a document, in bytes.
const maxSize = 1 << 20

// suffix is what pass adds to an entry's name to get its file's.
const suffix = ".gpg"

// A Store keeps documents in a folder of a password store. Open one with [Open].
type Store struct {
	dir    string // of the password store
	folder string // in it, with slashes; "." is all of it
	log    *slog.Logger
}

var (
	_ core.TokenStore = (*Store)(nil)
	_ core.Locker     = (*Store)(nil)
	_ core.Lister     = (*Store)(nil)
	_ core.Checker    = (*Store)(nil)
	_ core.Locator    = (*Store)(nil)
	_ core.Describer  = (*Store)(nil)
)

// path returns where something of the password store is on the disk.
func (s *Store) path(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

// entry returns the name that pass has for a key.
func (s *Store) entry(key string) string { return path.Join(s.folder, key) }

// hidden returns a name beside the entry of key that no key has, and that pass
// does not show.
func (s *Store) hidden(key, what string) string { return path.Join(s.folder, "."+key+what) }

// Path implements [core.Locator].
func (s *Store) Path(key string) string { return s.path(s.entry(key) + suffix) }

// Describe implements [core.Describer].
func (s *Store) Describe() string { return "encrypted with GnuPG, by pass" }

// Load implements [core.TokenStore]. It returns [core.ErrSealed] when gpg cannot
// use the key that the document is encrypted to.
func (s *Store) Load(ctx context.Context, key string) (core.Record, error) {
	if err := admit(ctx, key); err != nil {
		return core.Record{}, err
	}
	return s.read(ctx, s.entry(key))
}

// Save implements [core.TokenStore]. It reads the stored document to compare it,
// so it needs what Load needs.
func (s *Store) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	if err := admit(ctx, key); err != nil {
		return core.Record{}, err
	}
	if len(r.Data) > maxSize {
		return core.Record{}, &fault.Error{Subject: s.entry(key), Kind: core.ErrTooLarge, Problem: fmt.Sprintf("%d bytes; there is room for %d", len(r.Data), maxSize)}
	}
	next := core.Record{Data: r.Data, Revision: revision(r.Data)}
	err := s.exclusively(ctx, key, func() error {
		stored, err := s.stored(ctx, key)
		switch {
		case err != nil:
			return err
		case stored != r.Revision:
			return &fault.Error{Subject: s.entry(key), Kind: core.ErrConflict, Remedy: fault.Say("load it again")}
		case stored == next.Revision:
			return nil
		}
		return s.replace(ctx, key, r.Data)
	})
	if err != nil {
		return core.Record{}, err
	}
	return next, nil
}

// Delete implements [core.TokenStore]. What an interrupted Save left goes too.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := admit(ctx, key); err != nil {
		return err
	}
	if !exists(s.path(s.folder)) {
		return nil
	}
	return s.exclusively(ctx, key, func() error {
		return errors.Join(s.remove(ctx, s.hidden(key, ".new")), s.remove(ctx, s.entry(key)))
	})
}

// Check implements [core.Checker]: it reads what is stored, and lets pass write,
// read and remove an entry beside it.
func (s *Store) Check(ctx context.Context, key string) error {
	if err := admit(ctx, key); err != nil {
		return err
	}
	return s.exclusively(ctx, key, func() error {
		if _, err := s.stored(ctx, key); err != nil {
			return err
		}
		trial := s.hidden(key, ".new")
		if err := s.write(ctx, trial, bytes.Repeat([]byte("."), 16<<10)); err != nil {
			return err
		}
		_, err := s.read(ctx, trial)
		return errors.Join(err, s.remove(ctx, trial))
	})
}

// List implements [core.Lister].
func (s *Store) List(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("pass: list: %w", err)
	}
	entries, err := os.ReadDir(s.path(s.folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &fault.Error{Subject: s.folder, Kind: core.ErrUnavailable, Problem: "the folder cannot be read", Err: bare(err)}
	}
	var keys []string
	for _, e := range entries {
		key, ok := strings.CutSuffix(e.Name(), suffix)
		if ok && !e.IsDir() && core.CheckKey(key) == nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys) // the files were sorted with their suffix
	return keys, nil
}

// admit checks what every call begins with.
func admit(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("pass: %w", err)
	}
	return core.CheckKey(key)
}

// stored returns the revision of the document of key, empty if there is none.
func (s *Store) stored(ctx context.Context, key string) (string, error) {
	r, err := s.read(ctx, s.entry(key))
	if errors.Is(err, core.ErrNotFound) {
		return "", nil
	}
	return r.Revision, err
}

// revision names a document by its content. Documents hold tokens, which nobody
// can guess from it.
func revision(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// replace puts data in the place of the document of key, in one step.
func (s *Store) replace(ctx context.Context, key string, data []byte) error {
	entry, fresh := s.entry(key), s.hidden(key, ".new")
	if info, err := os.Stat(s.path(entry)); err == nil && info.IsDir() {
		// pass would move into it.
		return &fault.Error{Subject: entry, Kind: core.ErrReadOnly, Problem: "there is a folder of that name", Remedy: fault.Say("pass mv %s OTHER-NAME", entry)}
	}
	if err := s.write(ctx, fresh, data); err != nil {
		return err
	}
	if err := syncFile(s.path(fresh + suffix)); err != nil {
		return &fault.Error{Subject: entry, Kind: core.ErrReadOnly, Err: bare(err)}
	}
	out, err := s.run(ctx, nil, "mv", "--force", "--", fresh, entry)
	if err == nil && out.exit == nil && !exists(s.path(fresh+suffix)) {
		_ = syncFile(s.path(s.folder)) // not every system can
		return nil
	}
	if err != nil {
		return err
	}
	return s.failed(entry, out)
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// syncFile has a file or a directory written to the disk.
func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
