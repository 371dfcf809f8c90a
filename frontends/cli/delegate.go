package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// hostName is the executable that has everything.
const hostName = "tokentoss-host"

// hostPackage is what to install to get it.
const hostPackage = "github.com/tokentoss/tokentoss/frontends/cli/cmd/tokentoss-host@latest"

// delegated is delegate for a command that cannot go on here. Its error is never
// nil: it ends the command with the host's exit code.
func delegated(ctx context.Context, in *Invocation) error {
	if err := delegate(ctx, in); err != nil {
		return err
	}
	return &exitError{code: exitDone}
}

// delegate runs this very command line by the host beside this executable. It
// is looked for nowhere else: what lies on PATH may be anybody's.
func delegate(ctx context.Context, in *Invocation) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find this executable's directory: %w", err)
	}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		self = real
	}
	host := filepath.Join(filepath.Dir(self), hostName)
	if runtime.GOOS == "windows" {
		host += ".exe"
	}
	if _, err := os.Stat(host); err != nil {
		return &hintedError{fmt.Errorf("%s is done by %s, which is not in %s", in.Command.HelpName, hostName, filepath.Dir(self)),
			"go install " + hostPackage + ", or install the complete release"}
	}
	args := append([]string{host}, in.args[1:]...)
	if err := replaceProcess(host, args, os.Environ()); !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("%s: %w", host, err)
	}
	cmd := exec.CommandContext(ctx, host, in.args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in.Stdin, in.Stdout, in.Stderr
	return passExit(cmd.Run())
}
