//go:build unix

package pass

import (
	"os/exec"
	"syscall"
)

// grouped has the end of cmd's context end all that cmd started: pass is a shell
// script, and gpg and git are its children. They are asked to end, since git would
// leave its lock behind otherwise.
func grouped(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
}

// endGroup ends what did not end when it was asked to.
func endGroup(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
}
