package host

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/stores/file"
)

// LockName is the name of the lock file in the configuration directory.
const LockName = "plugins.lock"

// lockVersion is the version of the lock file's form.
const lockVersion = 1

// An Installed is a plugin that a person has installed: what may be executed
// under its name, and nothing else.
type Installed struct {
	plugins.Description
	Path      string    `json:"path"`
	SHA256    string    `json:"sha256"`
	Installed time.Time `json:"installed"`
}

// lockFile is the form of the lock file.
type lockFile struct {
	Version int         `json:"version"`
	Plugins []Installed `json:"plugins"`
}

// A lock is the lock file as it was read.
type lock struct {
	store    *file.Store
	path     string
	revision string
	list     []Installed
}

// readLock reads the lock file of a configuration directory. It must be as
// private as a session: who can write it decides what is executed.
func readLock(dir string) (*lock, error) {
	path := filepath.Join(dir, LockName)
	store, err := file.NewFile(path)
	if err != nil {
		return nil, err
	}
	l := &lock{store: store, path: path}
	r, err := store.Load(context.Background(), core.DefaultKey)
	switch {
	case errors.Is(err, core.ErrNotFound):
		return l, nil
	case errors.Is(err, core.ErrCorrupt):
		return nil, damaged(path)
	case err != nil:
		return nil, err
	}
	l.revision = r.Revision
	var form lockFile
	dec := json.NewDecoder(bytes.NewReader(r.Data))
	dec.DisallowUnknownFields()
	err = dec.Decode(&form)
	_, end := dec.Token()
	switch {
	case form.Version > lockVersion:
		return nil, &lockError{path, fmt.Sprintf("it has version %d; this tokentoss knows version %d", form.Version, lockVersion), "update tokentoss", nil}
	case err != nil || !errors.Is(end, io.EOF) || form.Version != lockVersion || !usable(form.Plugins):
		return nil, damaged(path)
	}
	l.list = form.Plugins
	return l, nil
}

// usable tells whether each plugin has what it is found and checked by, and no two
// have one name.
func usable(list []Installed) bool {
	names := make(map[string]bool)
	for _, p := range list {
		if core.CheckKey(p.Name) != nil || p.Path == "" || len(p.SHA256) != hex.EncodedLen(sha256.Size) || names[p.Name] {
			return false
		}
		names[p.Name] = true
	}
	return true
}

// A lockError is a lock file that cannot be used.
type lockError struct {
	path, problem, fix string
	kind               error // of package core, or nil
}

func damaged(path string) error {
	return &lockError{path, "it is not the JSON that it should be", "move it away and install the plugins again", core.ErrCorrupt}
}

func (e *lockError) Error() string { return e.path + ": " + e.problem }
func (e *lockError) Hint() string  { return e.fix }
func (e *lockError) Unwrap() error { return e.kind }

// find returns the plugin of that name.
func (l *lock) find(name string) (Installed, bool) {
	i := slices.IndexFunc(l.list, func(p Installed) bool { return p.Name == name })
	if i < 0 {
		return Installed{}, false
	}
	return l.list[i], true
}

// set puts p in the place of the one of its name.
func (l *lock) set(p Installed) {
	l.remove(p.Name)
	l.list = append(l.list, p)
	slices.SortFunc(l.list, func(a, b Installed) int { return strings.Compare(a.Name, b.Name) })
}

func (l *lock) remove(name string) {
	l.list = slices.DeleteFunc(l.list, func(p Installed) bool { return p.Name == name })
}

// changeLock lets change do something with the lock file while nobody else does.
func changeLock(ctx context.Context, dir string, change func(*lock) error) (err error) {
	store, err := file.NewFile(filepath.Join(dir, LockName))
	if err != nil {
		return err
	}
	lease, err := store.Lock(ctx, core.DefaultKey)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lease.Release()) }()
	l, err := readLock(dir)
	if err != nil {
		return err
	}
	return change(l)
}

// save writes the lock file, unless somebody else has meanwhile.
func (l *lock) save(ctx context.Context) error {
	data, err := json.MarshalIndent(lockFile{Version: lockVersion, Plugins: l.list}, "", "  ")
	if err != nil {
		return err
	}
	r, err := l.store.Save(ctx, core.DefaultKey, core.Record{Data: append(data, '\n'), Revision: l.revision})
	if err != nil {
		return err
	}
	l.revision = r.Revision
	return nil
}
