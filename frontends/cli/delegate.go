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

// hostPath returns the host, which is beside this executable, or is it. It is
// looked for nowhere else: what is on PATH may be anybody's. Its error goes on
// from the host's name.
func hostPath() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("whose directory cannot be found: %w", err)
	}
	if real, err := filepath.EvalSymlinks(self); err == nil {
		self = real
	}
	host := filepath.Join(filepath.Dir(self), hostName)
	if runtime.GOOS == "windows" {
		host += ".exe"
	}
	if _, err := os.Stat(host); err != nil {
		return "", fmt.Errorf("which is not in %s", filepath.Dir(self))
	}
	return host, nil
}

// delegate runs this very command line by the host.
func delegate(ctx context.Context, in *Invocation) error {
	host, err := hostPath()
	if err != nil {
		return &hintedError{fmt.Errorf("%s is done by %s, %w", in.Command.HelpName, hostName, err),
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
