package privatefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tokentoss/tokentoss/core/fault"
)

// MaxRuntimeDir is how long the path of [RuntimeDir] may be, in bytes. A socket's path
// has 108 at most, on macOS 104, and names in the directory need the rest.
const MaxRuntimeDir = 50

// RuntimeDir returns the user's own directory for sockets, which lives no longer than
// the user is logged in, and makes it where it is missing: the first that can be used of
// $XDG_RUNTIME_DIR/tokentoss, tokentoss-UID in the place for temporary files, and run in
// the user's directory for caches, which is the only one on Windows. It is the user's
// alone: one that others made, or can write, is passed over.
func RuntimeDir() (string, error) {
	candidates := runtimeDirs()
	if cache, err := os.UserCacheDir(); err == nil {
		candidates = append(candidates, filepath.Join(cache, "tokentoss", "run"))
	}
	var first error
	for _, dir := range candidates {
		if !filepath.IsAbs(dir) || len(dir) > maxRuntimeDir {
			continue
		}
		err := runtimeDir(dir)
		if err == nil {
			return dir, nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = &fault.Error{
			Subject: "XDG_RUNTIME_DIR and TMPDIR", Kind: fault.BadConfig, Problem: "too long or not absolute",
			Remedy: fault.SetVariable.To("XDG_RUNTIME_DIR", "a directory of yours with a short name"),
		}
	}
	return "", first
}

// runtimeDir makes dir, or checks the one that is there.
func runtimeDir(dir string) error {
	remedy := fault.SetVariable.To("XDG_RUNTIME_DIR", "a directory of yours")
	err := os.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrNotExist) && filepath.Base(dir) == "run" {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return &fault.Error{Subject: dir, Kind: fault.ReadOnly, Problem: "the directory cannot be made", Remedy: remedy, Err: reason(err)}
	}
	info, err := os.Lstat(dir)
	switch {
	case err != nil:
		return cannotExamine(dir, err)
	case !info.IsDir():
		return insecure(dir, "it is not a directory", remedy)
	}
	return checkRuntimeDir(dir, info)
}
