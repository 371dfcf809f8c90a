//go:build unix

package e2e_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/creack/pty"

	"github.com/tokentoss/tokentoss/emulator"
)

// A shell is one that a person sits at.
type shell struct {
	name string
	args []string
	// source and install set completion up: by the line of the person's own file, or
	// by the file of a package.
	source, install string
}

var shells = []shell{
	{name: "bash", args: []string{"--norc", "--noprofile", "-i"},
		source: `source <(tokentoss completion bash)`, install: `source $DIR/_tokentoss`},
	{name: "zsh", args: []string{"-f", "-i"},
		source:  `autoload -U compinit; compinit -D -u; source <(tokentoss completion zsh)`,
		install: `fpath=($DIR $fpath); autoload -U compinit; compinit -D -u`},
}

// A person who presses Tab in a shell sees what fits, also what only the
// configuration knows.
func TestTab(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{})
	m.run(t, "profile", "add", "workshop").wantCode(t, 0)
	for _, s := range shells {
		path, err := exec.LookPath(s.name)
		if err != nil {
			t.Logf("there is no %s here", s.name)
			continue
		}
		dir := t.TempDir()
		script := m.run(t, "completion", s.name).wantCode(t, 0).stdout
		if err := os.WriteFile(filepath.Join(dir, "_tokentoss"), []byte(script), 0o600); err != nil {
			t.Fatal(err)
		}
		for how, setUp := range map[string]string{"sourced": s.source, "installed": s.install} {
			t.Run(s.name+", "+how, func(t *testing.T) {
				w := m.atShell(t, path, dir, s.args)
				w.enter(t, setUp+`; PS1='ready''> '`)
				w.shows(t, `(?m)^\W*ready> `)
				w.completes(t, "tokentoss logi", "tokentoss login ")
				w.completes(t, "tokentoss login --no-b", "tokentoss login --no-browser ")
				w.completes(t, "tokentoss --profile wor", "tokentoss --profile workshop ")
				w.completes(t, "tokentoss profile use wor", "tokentoss profile use workshop ")
				w.completes(t, "tokentoss store use keyr", "tokentoss store use keyring ")
				w.completes(t, "tokentoss configure --from "+dir+"/_tok", "tokentoss configure --from "+dir+"/_tokentoss ")
			})
		}
	}
}

// atShell starts a shell in a terminal, with the executables on its PATH.
func (m *machine) atShell(t *testing.T, path, dir string, args []string) *window {
	t.Helper()
	c := m.command()
	c.Path, c.Args = path, append([]string{path}, args...)
	c.Env = append(c.Env, "TERM=dumb", "DIR="+dir, "PATH="+binaries(t)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	terminal, err := pty.StartWithSize(c, &pty.Winsize{Rows: 50, Cols: 250})
	if err != nil {
		t.Fatal(err)
	}
	w := &window{process: &process{cmd: c, done: make(chan struct{})}, terminal: terminal}
	go func() {
		defer close(w.done)
		_, _ = io.Copy(screen{&w.stderr}, terminal)
		_ = c.Wait()
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		<-w.done
		_ = terminal.Close()
	})
	return w
}

// completes types a line and Tab, and wants the shell to make another line of it.
// The line is then given to echo in the place of tokentoss: what the shell has is
// what it prints.
func (w *window) completes(t *testing.T, typed, want string) {
	t.Helper()
	if _, err := io.WriteString(w.terminal, typed+"\t"); err != nil {
		t.Fatal(err)
	}
	// A shell writes only what is new of the line; the end of it is enough.
	tail := want[strings.LastIndexAny(strings.TrimSpace(want), " /")+1:]
	w.shows(t, regexp.QuoteMeta(strings.TrimSpace(tail)))
	// Ctrl-A, "echo <", Ctrl-E, ">": the line as it stands, in the shell's own words.
	if _, err := io.WriteString(w.terminal, "\x01echo '<\x05>'\n"); err != nil {
		t.Fatal(err)
	}
	// Zsh takes back the space when another key than one of a word comes.
	w.shows(t, `(?m)^<`+regexp.QuoteMeta(strings.TrimSpace(want))+` ?>`)
}
