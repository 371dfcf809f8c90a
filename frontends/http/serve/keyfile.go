package serve

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tokentoss/tokentoss/frontends/http/loopback"
)

// A keyFile has the header that the token API wants, in the form that curl -H
// @FILE takes, for nobody but the user.
type keyFile struct{ path, key string }

// header is the content of the file.
func (k *keyFile) header() string { return "Authorization: Bearer " + k.key + "\n" }

// writeKey makes a key and writes it to its file. There is none, and no API, where
// the frontend ends with the sign-in, or has no place for it.
func (f *frontend) writeKey() (*keyFile, error) {
	if f.Config.Once || f.Dir == "" && f.Config.APIKey == "" {
		return nil, nil
	}
	k := &keyFile{path: cmp.Or(f.Config.APIKey, filepath.Join(f.Dir, "api-key")), key: loopback.NewKey()}
	if err := k.write(); err != nil {
		return nil, fmt.Errorf("the key of the token API cannot be written: %w", err)
	}
	return k, nil
}

// write replaces the file whole: a program that reads it gets one key or the other.
func (k *keyFile) write() error {
	dir := filepath.Dir(k.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	t, err := os.CreateTemp(dir, ".api-key-") // 0600
	if err != nil {
		return err
	}
	_, err = t.WriteString(k.header())
	if err = errors.Join(err, t.Close()); err == nil {
		err = os.Rename(t.Name(), k.path)
	}
	if err != nil {
		_ = os.Remove(t.Name())
	}
	return err
}

// remove removes the file, unless a later run has written it.
func (k *keyFile) remove() {
	if k == nil {
		return
	}
	if data, err := os.ReadFile(k.path); err == nil && strings.TrimSpace(string(data)) == strings.TrimSpace(k.header()) {
		_ = os.Remove(k.path)
	}
}
