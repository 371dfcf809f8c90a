//go:build unix

package forward

import (
	"io/fs"
	"os"
	"syscall"

	"github.com/tokentoss/tokentoss/core/fault"
)

// checkOwn tells whether what is at path is of the kind, and the user's alone.
func checkOwn(path string, kind fs.FileMode) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || info.Mode().Type() != kind || int(st.Uid) != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		return &fault.Error{Subject: path, Kind: fault.Insecure}
	}
	return nil
}
