//go:build unix

package etcd

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// exposed tells how others could read or write a file, and how to end that.
func exposed(path string, info fs.FileInfo) (problem, fix string) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return fmt.Sprintf("it belongs to user %d, and you are user %d", st.Uid, os.Geteuid()), "use a file of your own"
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return fmt.Sprintf("mode %04o: others can use it", mode), fmt.Sprintf("run chmod 600 %q", path)
	}
	return "", ""
}
