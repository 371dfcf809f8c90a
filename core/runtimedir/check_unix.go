//go:build unix

package runtimedir

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// shortTemp is a directory for temporary files that has a short name.
const shortTemp = "/tmp"

func checkOwn(dir string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if uid := os.Geteuid(); !ok || int(st.Uid) != uid {
		return &Error{Path: dir, Problem: fmt.Sprintf("it does not belong to you, user %d", uid), Fix: "remove it, or set XDG_RUNTIME_DIR"}
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return &Error{Path: dir, Problem: fmt.Sprintf("mode %04o: others have access to it", mode), Fix: "run chmod 700 " + dir}
	}
	return nil
}
