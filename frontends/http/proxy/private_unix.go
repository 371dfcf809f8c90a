//go:build !windows

package proxy

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/tokentoss/tokentoss/core"
)

// checkPrivate refuses a file that others can read or have made.
func checkPrivate(path string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || ok && int(st.Uid) != os.Geteuid() {
		return fmt.Errorf("proxy: %s: %w: it must be a file of yours with mode 0600: remove it", path, core.ErrInsecure)
	}
	return nil
}
