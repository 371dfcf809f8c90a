//go:build unix

package host

import "syscall"

// extension is what the name of an executable ends with.
const extension = ""

// alive tells whether there is a process of that number.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || err == syscall.EPERM
}
