package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	if errors.Is(err, core.ErrNotFound) {
		return l, nil
	}
	if err != nil {
		return nil, err
	}
	l.revision = r.Revision
	var form lockFile
	dec := json.NewDecoder(bytes.NewReader(r.Data))
	dec.DisallowUnknownFields()
	switch err := dec.Decode(&form); {
	case form.Version > lockVersion:
		return nil, &lockError{path, fmt.Sprintf("it has version %d; this tokentoss knows version %d", form.Version, lockVersion), "update tokentoss"}
	case err != nil:
		return nil, &lockError{path, "it is not the JSON that it should be", "move it away and install the plugins again"}
	}
	l.list = form.Plugins
	return l, nil
}

// A lockError is a lock file that cannot be used.
type lockError struct{ path, problem, fix string }

func (e *lockError) Error() string { return e.path + ": " + e.problem }
func (e *lockError) Hint() string  { return e.fix }

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
