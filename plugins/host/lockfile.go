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
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/plugins"
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

	// Previous is what it replaced, nil for nothing.
	Previous *Previous `json:"previous,omitempty"`
}

// lockFile is the form of the lock file.
type lockFile struct {
	Version int         `json:"version"`
	Plugins []Installed `json:"plugins"`
}

// A lock is the lock file as it was read.
type lock struct {
	list []Installed
}

// readLock reads the lock file of a configuration directory. Nobody but the user and
// root may be able to write it: who can decides what is executed.
func readLock(dir string) (*lock, error) {
	path := filepath.Join(dir, LockName)
	data, err := privatefile.ReadEdited(path)
	if errors.Is(err, core.ErrNotFound) {
		return new(lock), nil
	}
	if err != nil {
		return nil, err
	}
	return parseLock(path, data)
}

func parseLock(path string, data []byte) (*lock, error) {
	var form lockFile
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	err := dec.Decode(&form)
	_, end := dec.Token()
	switch {
	case form.Version > lockVersion:
		return nil, &fault.Error{Subject: path, Kind: fault.Newer, Problem: fmt.Sprintf("it has version %d; this tokentoss knows version %d", form.Version, lockVersion)}
	case err != nil || !errors.Is(end, io.EOF) || form.Version != lockVersion || !usable(form.Plugins):
		return nil, damaged(path)
	}
	return &lock{form.Plugins}, nil
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

func damaged(path string) error {
	return &fault.Error{
		Subject: path, Kind: fault.Corrupt, Problem: "it is not the JSON that it should be",
		Remedy: fault.Say("move it away and install the plugins again"),
	}
}

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

// changeLock lets change do something with the lock file while nobody else does, and
// writes what came of it.
func changeLock(ctx context.Context, dir string, change func(*lock) error) error {
	path := filepath.Join(dir, LockName)
	return privatefile.Edit(ctx, path, func(old []byte) ([]byte, error) {
		l := new(lock)
		if old != nil {
			var err error
			if l, err = parseLock(path, old); err != nil {
				return nil, err
			}
		}
		if err := change(l); err != nil {
			return nil, err
		}
		data, err := json.MarshalIndent(lockFile{Version: lockVersion, Plugins: l.list}, "", "  ")
		return append(data, '\n'), err
	})
}
