package pass

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
)

// Config are the settings of the store in config.toml.
type Config struct {
	Folder   string `json:"folder" about:"folder of the password store; tokentoss when not set"`
	StoreDir string `json:"store_dir" about:"directory of the password store; that of pass when not set"`
}

// Plugin returns the plugin, which main serves and the tests test.
func Plugin() plugins.Plugin {
	return plugins.Store(plugins.Info{
		Name: "pass", Version: "v0.1.0", About: "the pass password manager", Locking: true, Listing: true,
	}, Open)
}

// Open opens the store. It runs nothing: it finds out that pass and gpg are there
// and that "pass init" was run.
func Open(_ context.Context, o plugins.Opening[Config]) (core.TokenStore, error) {
	folder := cmp.Or(o.Config.Folder, "tokentoss")
	if !filepath.IsLocal(filepath.FromSlash(folder)) {
		return nil, fmt.Errorf("%w: folder is not a path within the password store: %q", plugins.ErrBadConfig, folder)
	}
	dir, err := storeDir(o.Config.StoreDir)
	if err != nil {
		return nil, err
	}
	s := &Store{dir: dir, folder: path.Clean(folder), log: o.Log}
	if err := s.installed(); err != nil {
		return nil, err
	}
	if !s.initialised() {
		return nil, s.uninitialised()
	}
	return s, nil
}

// storeDir finds the password store as pass does, if it is not configured.
func storeDir(configured string) (string, error) {
	dir := cmp.Or(configured, os.Getenv("PASSWORD_STORE_DIR"))
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("%w: no home directory: set store_dir", plugins.ErrBadConfig)
		}
		dir = filepath.Join(home, ".password-store")
	}
	if !filepath.IsAbs(dir) {
		return "", fmt.Errorf("%w: the directory of the password store is not an absolute path: %q", plugins.ErrBadConfig, dir)
	}
	return filepath.Clean(dir), nil
}

// initialised tells whether pass knows whom to encrypt to.
func (s *Store) initialised() bool {
	if os.Getenv("PASSWORD_STORE_KEY") != "" {
		return true
	}
	for folder := s.folder; ; folder = path.Dir(folder) {
		if info, err := os.Stat(s.path(path.Join(folder, ".gpg-id"))); err == nil && info.Mode().IsRegular() {
			return true
		}
		if folder == "." {
			return false
		}
	}
}
