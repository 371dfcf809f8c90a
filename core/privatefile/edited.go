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

func readEdited(path string) ([]byte, place, error) {
	if err := checkName(path); err != nil {
		return nil, place{}, err
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, place{}, notFound(path)
	}
	data, p, err := editedRule.load(path)
	return text(data), p, err
}

// Edit changes a file that a person edits: change gets its content, nil if there is
// none, and returns what it shall be. The file is replaced in one step, where a link
// leads to and not in the place of the link, and keeps its mode; a new one is private.
// Nobody else changes it by Edit meanwhile. Errors of change are returned as they are.
func Edit(ctx context.Context, path string, change func(old []byte) ([]byte, error)) error {
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
	return edit(path, change)
}

func edit(path string, change func([]byte) ([]byte, error)) error {
	old, p, err := readEdited(path)
	mode := fs.FileMode(0o600)
	switch {
	case errors.Is(err, fault.NotFound):
		if p, err = editedRule.follow(path); err != nil {
			return err
		}
	case err != nil:
		return err
	default:
		mode = p.info.Mode().Perm()
	}
	data, err := change(old)
	if err != nil || p.info != nil && bytes.Equal(old, data) {
		return err
	}
	if p.info != nil {
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
