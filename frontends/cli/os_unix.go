//go:build !windows

package cli

import (
	"context"
	"io"
	"os"
	"os/exec"
	"syscall"

	"github.com/tokentoss/tokentoss/core/parent"
)

// ttyName is the terminal that a process belongs to.
const ttyName = "/dev/tty"

// ownSession takes a process that stays out of the terminal's session.
func ownSession(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// endSignals end a command in order.
var endSignals = []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}

// withParent ends when the process that started this one ended: nobody is there
// any more to sign in.
func withParent(ctx context.Context) (context.Context, context.CancelFunc) { return parent.With(ctx) }

// replaceProcess runs a command in place of this process, so that signals and
// the exit code are the command's own.
func replaceProcess(path string, args, env []string) error {
	return syscall.Exec(path, args, env)
}

// ownGroup keeps a Ctrl-C in the terminal, which is for this program, from ending
// cmd as well.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// startOrphan starts a process that is nobody's child, by a shell that ends at once: the
// program that this process becomes may wait for all children that it has. It stays in
// the terminal's group. Where there is no shell, it is a child.
func startOrphan(words []string, stdout *os.File, stderr io.Writer) error {
	const shell = "/bin/sh"
	cmd := exec.Command(shell, append([]string{"-c", `"$@" &`, "sh"}, words...)...)
	if _, err := os.Stat(shell); err != nil {
		cmd = exec.Command(words[0], words[1:]...)
		cmd.Stdout, cmd.Stderr = stdout, stderr
		return cmd.Start()
	}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd.Run()
}

// windowsCommand is for Windows only.
func windowsCommand(command, url string) *exec.Cmd { return exec.Command(command, url) }

// configFile gives curl a configuration through an inherited pipe: it returns
// what to pass as --config.
func configFile(cmd *exec.Cmd, pipe *os.File) string {
	cmd.ExtraFiles = append(cmd.ExtraFiles, pipe)
	return "/dev/fd/3"
}
