//go:build unix

package full

import (
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// leaveTerminal takes this process out of the terminal's session: no key that is pressed
// there, and no end of it, is for this process.
func leaveTerminal() { _, _ = syscall.Setsid() }

// manyFiles is how many numbers of files are tried.
const manyFiles = 1024

// closeInherited closes what a shell opened for the command: whoever waits for its end
// must not wait for this process. Go's own files go to no child.
func closeInherited() {
	for fd := 3; fd < manyFiles; fd++ {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 {
			_ = unix.Close(fd)
		}
	}
}

// endOutput ends standard output for who reads it. The descriptor stays taken: the next
// connection must not have the number that programs print to.
func endOutput() {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return
	}
	defer null.Close()
	_ = unix.Dup2(int(null.Fd()), 1)
}
