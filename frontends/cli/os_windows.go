package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"golang.org/x/sys/windows"
)

// ttyName is the input of the console that a process belongs to.
const ttyName = "CONIN$"

// ownSession takes a process that stays off the console.
func ownSession(cmd *exec.Cmd) { ownGroup(cmd) }

// endSignals end a command in order.
var endSignals = []os.Signal{os.Interrupt}

// withParent is for systems on which a process learns of its parent's end.
func withParent(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

// replaceProcess cannot be done on Windows; the caller runs a child.
func replaceProcess(string, []string, []string) error { return errors.ErrUnsupported }

// ownGroup keeps a Ctrl-C in the console, which is for this program, from ending
// cmd as well.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// startOrphan starts a process that stays off the console.
func startOrphan(words []string, stdout *os.File, stderr io.Writer) error {
	cmd := exec.Command(words[0], words[1:]...)
	ownGroup(cmd)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd.Start()
}

// windowsCommand splits command as Windows programs split their command line: a path
// with spaces is in double quotes.
func windowsCommand(command, url string) *exec.Cmd {
	words, err := windows.DecomposeCommandLine(command)
	if err != nil || len(words) == 0 {
		words = []string{command}
	}
	if strings.Contains(command, "%s") {
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "%s", url)
		}
	} else {
		words = append(words, url)
	}
	return exec.Command(words[0], words[1:]...)
}

// configFile gives curl a configuration on its standard input, which Windows
// programs can read where they cannot read an inherited pipe.
func configFile(cmd *exec.Cmd, pipe *os.File) string {
	cmd.Stdin = pipe
	return "-"
}
