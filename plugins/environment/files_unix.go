//go:build unix

package environment

import (
	"os"
	"strconv"
	"syscall"
)

// KeepFiles keeps the files that this process has inherited from its children, all
// but the standard streams: a shell's redirections and locks are not for what
// stays longer than the command. What Go itself opens, no child inherits.
func KeepFiles() {
	dir, err := os.Open("/dev/fd")
	if err != nil {
		return
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if fd, err := strconv.Atoi(name); err == nil && fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}
