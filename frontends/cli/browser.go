package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/cli/browser"
)

// noBrowser is the browser command that stands for none.
const noBrowser = "none"

// browserGrace is how long a browser command may take to fail. One that is still
// running then is a browser that stays open.
const browserGrace = 700 * time.Millisecond

// openBrowser opens url with command, or with the system's browser if command is
// empty. Every user of the machine can see the address: see [newBrowserLink].
func openBrowser(ctx context.Context, command, url string) error {
	if command != "" {
		return runBrowser(ctx, command, url)
	}
	commands := browserCommands(os.Getenv("BROWSER"))
	if len(commands) == 0 {
		return systemBrowser(ctx, url)
	}
	var err error
	for _, command := range commands {
		if err = runBrowser(ctx, command, url); err == nil {
			return nil
		}
	}
	return err
}

// browserCommands are those of $BROWSER, of which the first that works is taken, as
// elsewhere (https://docs.python.org/3/library/webbrowser.html, xdg-open(1)).
func browserCommands(list string) []string {
	var commands []string
	for _, command := range filepath.SplitList(list) {
		if command = strings.TrimSpace(command); command != "" {
			commands = append(commands, command)
		}
	}
	return commands
}

// wantsBrowser tells whether the environment allows a browser to be opened.
func wantsBrowser() bool { return strings.TrimSpace(os.Getenv("BROWSER")) != noBrowser }

func systemBrowser(ctx context.Context, url string) error {
	if !hasDisplay() {
		return errors.New("there is no display")
	}
	browser.Stdout, browser.Stderr = io.Discard, io.Discard
	failed := make(chan error, 1)
	go func() { failed <- browser.OpenURL(url) }() // ends with xdg-open or its like
	return failsSoon(ctx, failed)
}

func runBrowser(ctx context.Context, command, url string) error {
	if command == noBrowser {
		return errors.New("no browser is wanted")
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
	failed := make(chan error, 1)
	go func() { failed <- cmd.Wait() }()
	return failsSoon(ctx, failed)
}

// failsSoon returns an error that comes within [browserGrace].
func failsSoon(ctx context.Context, failed <-chan error) error {
	select {
	case err := <-failed:
		return err
	case <-ctx.Done(): // signed in already
	case <-time.After(browserGrace):
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

// shellCommand runs command with url in place of its %s, or else as its last
// argument. The shell splits the command, as for git's editor; the address is an
// argument of the shell, so that nothing in it is read by it.
func shellCommand(command, url string) *exec.Cmd {
	if runtime.GOOS == "windows" {
		return windowsCommand(command, url)
	}
	script := command + ` "$1"`
	if strings.Contains(command, "%s") {
		// With its quotes, if it has some.
		script = strings.NewReplacer(`'%s'`, `"$1"`, `"%s"`, `"$1"`, `%s`, `"$1"`).Replace(command)
	}
	return exec.Command("/bin/sh", "-c", script, "sh", url)
}
