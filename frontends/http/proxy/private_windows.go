package proxy

import (
	"fmt"
	"io/fs"

	"github.com/tokentoss/tokentoss/core"
)

// checkPrivate refuses what is no file. Its directory is the user's own.
func checkPrivate(path string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("proxy: %s: %w: it must be a file: remove it", path, core.ErrInsecure)
	}
	return nil
}
