//go:build unix

package host

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkOwner refuses what belongs to neither the user nor root.
func checkOwner(path string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return &TrustError{Path: path, Problem: "its owner is not known"}
	}
	if uid := os.Geteuid(); st.Uid != 0 && int(st.Uid) != uid {
		return &TrustError{
			Path: path, Problem: fmt.Sprintf("it belongs to user %d, and you are user %d", st.Uid, uid),
			Fix: "install the plugin as the user who uses it",
		}
	}
	return nil
}

// checkMode refuses what others can write to.
func checkMode(path string, info fs.FileInfo) error {
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return &TrustError{
			Path: path, Problem: fmt.Sprintf("mode %04o: others can write to it", mode),
			Fix: "run chmod go-w " + path,
		}
	}
	return nil
}

// extension is what the name of an executable ends with.
const extension = ""

// alive tells whether there is a process of that number.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || err == syscall.EPERM
}
