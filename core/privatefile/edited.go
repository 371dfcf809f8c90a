package privatefile

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tokentoss/tokentoss/core/fault"
)

// ReadEdited reads a file that a person edits and that tokentoss obeys. It is
// refused if somebody else than the user and root may write it, or a directory above
// it, or a link on the way. If there is none, the error wraps [fault.NotFound],
// whoever may write the directories.
func ReadEdited(path string) ([]byte, error) {
	data, _, err := readEdited(path)
	return data, err
}

func readEdited(path string) ([]byte, place, error) { return editedRule.loadIfThere(path) }

// loadIfThere is load, but for what is not there nothing is checked.
func (r rule) loadIfThere(path string) ([]byte, place, error) {
	if err := checkName(path); err != nil {
		return nil, place{}, err
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, place{}, notFound(path)
	}
	data, p, err := r.load(path)
	return Text(data), p, err
}

// Edit changes a file that a person edits: change gets its content, nil if there is
// none, and returns what it shall be. The file is replaced in one step, where a link
// leads to and not in the place of the link, and keeps its mode; a new one is private.
// Nobody else changes it by Edit meanwhile. Errors of change are returned as they are.
func Edit(ctx context.Context, path string, change func(old []byte) ([]byte, error)) error {
	return editedRule.change(ctx, path, 0o777, change)
}

// ReplaceGiven puts a secret in the place of one that was given, or where none is yet.
// It is Edit, but that the file is private afterwards. What is there and cannot be
// believed is set aside, unless it is a link or another user's.
func ReplaceGiven(ctx context.Context, path string, data []byte) error {
	replace := func() error {
		return givenRule.change(ctx, path, 0o600, func([]byte) ([]byte, error) { return data, nil })
	}
	err := replace()
	var e *fault.Error
	if !errors.As(err, &e) || e.Subject != path || e.Kind != fault.Insecure && e.Kind != fault.Corrupt && e.Kind != fault.TooLarge {
		return err
	}
	if info, statErr := os.Lstat(path); statErr != nil || isLink(info) || !isUsers(info) {
		return err
	}
	if err := Exclusively(ctx, path, func() error { _, err := SetAside(path); return err }); err != nil {
		return err
	}
	return replace()
}

// change is Edit and ReplaceGiven. Of the present mode, what is in keep is kept.
func (r rule) change(ctx context.Context, path string, keep fs.FileMode, change func([]byte) ([]byte, error)) error {
	if err := checkName(path); err != nil {
		return err
	}
	if err := MakeDir(filepath.Dir(path), false); err != nil {
		return err
	}
	lock, err := lockFile(ctx, path, beside(path, ".write"))
	if err != nil {
		return err
	}
	defer lock.Unlock()
	old, p, err := r.loadIfThere(path)
	mode := fs.FileMode(0o600)
	switch {
	case errors.Is(err, fault.NotFound):
		if p, err = r.follow(path); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		mode = p.info.Mode().Perm() & keep
	}
	data, err := change(old)
	if err == nil {
		err = ctx.Err() // nobody wants it any more
	}
	if err != nil {
		return err
	}
	if p.info != nil {
		if bytes.Equal(old, data) && mode == p.info.Mode().Perm() {
			return nil
		}
		if err := checkWritable(p); err != nil {
			return err
		}
	}
	removeTemps(p.path)
	return replace(p.path, data, mode)
}

// checkWritable refuses to replace what is not the user's, or what the user has made
// read-only.
func checkWritable(p place) error {
	switch {
	case !isUsers(p.info):
		return &fault.Error{
			Subject: p.path, Kind: fault.ReadOnly, Problem: "it is not yours to change",
			Remedy: fault.Ask.To("an administrator", "to change "+p.path),
		}
	case p.info.Mode().Perm()&0o200 == 0:
		return readOnly(p.path)
	}
	return nil
}
