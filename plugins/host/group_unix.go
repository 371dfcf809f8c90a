//go:build unix

package host

import (
	"os"
	"os/exec"
	"syscall"
)

// ownGroup puts a process into a group of its own: Ctrl-C in the terminal is for
// this program, which ends its plugins itself.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// killGroup ends all processes of a group.
func killGroup(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
