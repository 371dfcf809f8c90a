package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/cli/browser"
)

// browserPatience is how long a browser command may take to fail. One that is
// still running then is a browser that stays open.
const browserPatience = 700 * time.Millisecond

// openBrowser opens url with command, or with the system's browser if command is
// empty.
func openBrowser(ctx context.Context, command, url string) error {
	failed := make(chan error, 1)
	if command == "" {
		if command = os.Getenv("BROWSER"); command == "" {
			if !hasDisplay() {
				return errors.New("there is no display")
			}
			browser.Stdout, browser.Stderr = io.Discard, io.Discard
			go func() { failed <- browser.OpenURL(url) }()
			return patience(ctx, failed)
		}
	}
	cmd := shellCommand(command, url)
	ownGroup(cmd)
	// Its output goes nowhere: a browser that stays open would hold this
	// program's, and whoever reads that would wait for the browser.
	if err := cmd.Start(); err != nil {
		return err
	}
	// The browser outlives this program, if it wants to; the goroutine ends with
	// the one that ends first.
	go func() { failed <- cmd.Wait() }()
	return patience(ctx, failed)
}

// patience returns an error that comes soon.
func patience(ctx context.Context, failed <-chan error) error {
	select {
	case err := <-failed:
		return err
	case <-ctx.Done(): // signed in already
	case <-time.After(browserPatience):
	}
	return nil
}

// hasDisplay tells whether a browser could show itself. Without this check,
// xdg-open would start a browser in the terminal.
func hasDisplay() bool {
	switch runtime.GOOS {
	case "windows", "darwin":
		return true
	}
	for _, name := range []string{"DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"} {
		if os.Getenv(name) != "" {
			return true
		}
	}
	return false
}

// shellCommand runs command with url as its last argument. The shell splits the
// command, as for git's editor; the address is an argument, so that nothing in
// it is read by the shell.
func shellCommand(command, url string) *exec.Cmd {
	if runtime.GOOS == "windows" {
		return windowsCommand(command, url)
	}
	return exec.Command("/bin/sh", "-c", command+` "$1"`, "sh", url)
}
