//go:build unix

package pgtest

import (
	"os"
	"os/exec"
	"syscall"
)

// nobody is the user who owns nothing, on Debian and most systems.
const nobody = 65534

// quit makes the server end at once.
const quit = syscall.SIGQUIT

// unprivileged has a program run as nobody if this one is root's: the server refuses
// to run as root.
func unprivileged(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
}

// giveAway gives files to whom the server runs as.
func giveAway(paths ...string) error {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, path := range paths {
		if err := os.Chown(path, nobody, nobody); err != nil {
			return err
		}
	}
	return nil
}
