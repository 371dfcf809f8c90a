package host

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup keeps Ctrl-C from a process: it is for this program, which ends its
// plugins itself.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP, HideWindow: true}
}

// killGroup ends the process. Its children, if it has any, end by themselves.
func killGroup(p *os.Process) { _ = p.Kill() }
