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
	for _, fd := range openFiles() {
		if fd > 2 {
			syscall.CloseOnExec(fd)
		}
	}
}

// manyFiles is how many numbers are tried where the system does not tell which files
// are open: it does not tell a process whose memory is protected.
const manyFiles = 1024

func openFiles() []int {
	var list []int
	dir, err := os.Open("/dev/fd")
	if err != nil {
		for fd := range manyFiles {
			list = append(list, fd)
		}
		return list
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if fd, err := strconv.Atoi(name); err == nil {
			list = append(list, fd)
		}
	}
	return list
}
