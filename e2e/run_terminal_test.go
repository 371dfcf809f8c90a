//go:build linux

package e2e_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
)

// atBash starts a shell with job control in a terminal, with the executables on its PATH.
func (r *runner) atBash(t *testing.T) *window {
	t.Helper()
	path, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("there is no bash")
	}
	c := r.command()
	c.Path, c.Args = path, []string{path, "--norc", "--noprofile", "--noediting", "-i"}
	c.Env = append(c.Env, "PS1="+prompt, "HISTFILE=", "URL="+r.target.URL, "PATH="+binaries(t)+string(filepath.ListSeparator)+os.Getenv("PATH"))
	w := inWindow(t, c)
	w.enter(t, "stty -echo; echo shell-$((1+1))")
	w.shows(t, `shell-2`)
	return w
}

// stopped waits until the job stands still, all of it: a process that is about to stop still
// takes the next line.
func (w *window) stopped(t *testing.T) {
	t.Helper()
	shell := strconv.Itoa(w.cmd.Process.Pid)
	poll(t, "the job stands still", func() bool {
		stats, err := filepath.Glob("/proc/[0-9]*/stat")
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, path := range stats {
			text, _ := os.ReadFile(path) // one that has ended has none
			_, rest, _ := bytes.Cut(text, []byte(") "))
			// Its state, its parent, its group and its session: see proc(5).
			f := strings.Fields(string(rest))
			if len(f) < 4 || f[3] != shell || f[2] == shell {
				continue
			}
			if f[0] != "T" {
				return false
			}
			n++
		}
		return n > 0
	})
}

// What the shell says when it reads the next line.
const prompt = "at your service\n"

// press types keys that the terminal or the program takes as they are.
func (w *window) press(t *testing.T, keys string) {
	t.Helper()
	if _, err := w.terminal.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// Job control is the command's: it stops and goes on with its shell's keys and commands, and
// with the pipeline that it is in; the terminal is the shell's again after it.
func TestRunInATerminalTheJobIsTheCommands(t *testing.T) {
	r := newRunner(t, emulator.Options{})
	w := r.atBash(t)
	const ctrlC, ctrlD, ctrlZ = "\x03", "\x04", "\x1a"

	w.enter(t, `tokentoss run --for $URL -- sh -c 'echo begun-1; cat; echo over'`)
	w.shows(t, `(?m)^begun-1`)
	w.enter(t, "first") // a shell that is about to start its command does not stop (vfork)
	w.shows(t, `(?m)^first`)
	w.press(t, ctrlZ)
	w.shows(t, `Stopped +tokentoss run.*\n`+prompt)
	w.stopped(t)
	w.enter(t, "echo still-$((1+1)); jobs")
	w.shows(t, `(?m)^still-2\n.*Stopped +tokentoss run.*\n`+prompt)
	w.enter(t, "fg")
	w.shows(t, prompt+`tokentoss run .*cat; echo over`) // which bash says as it wakes the job
	w.enter(t, "a line")
	w.shows(t, `(?m)^a line`)
	w.press(t, ctrlD)
	w.shows(t, `(?m)^over`)
	w.enter(t, "echo code-$?")
	w.shows(t, `(?m)^code-0`)

	// Ctrl-C is for the whole pipeline, which has an exit code of its own.
	w.enter(t, `tokentoss run --for $URL -- sh -c 'trap "curl -sS $URL/whoami >&2; exit 9" INT; echo begun-2; while :; do sleep 0.1; done' | sh -c 'trap "" INT; cat'`)
	w.shows(t, `(?m)^begun-2`)
	w.press(t, ctrlC)
	w.shows(t, ada) // the proxy went on
	w.enter(t, "echo codes-${PIPESTATUS[*]}")
	w.shows(t, `(?m)^codes-9 0`)

	// One that Ctrl-C ends has the code of the signal, as any other.
	w.enter(t, `tokentoss run --for $URL -- sh -c 'echo begun-3; exec sleep 1000'`)
	w.shows(t, `(?m)^begun-3`)
	w.press(t, ctrlC)
	w.enter(t, "echo code-$?")
	w.shows(t, `(?m)^code-130`)

	// A job in the background goes on without the terminal, and has the proxy.
	w.enter(t, `tokentoss run --for $URL -- sh -c 'while [ ! -e $XDG_RUNTIME_DIR/go ]; do sleep 0.1; done; curl -sS $URL/whoami >$XDG_RUNTIME_DIR/out' & wait; grep -c `+ada+` $XDG_RUNTIME_DIR/out | sed s/^/in-/`)
	touch(t, filepath.Join(r.runtime, "go"))
	w.shows(t, `(?m)^in-[1-9]`)

	// Without a command it is the person's shell, and a shell in it.
	w.enter(t, `SHELL=/bin/sh tokentoss run --for $URL`)
	w.enter(t, `echo inner-$((2+2)); curl -sS $URL/whoami; exit 5`)
	w.shows(t, `(?m)inner-4`)
	w.enter(t, "echo code-$?")
	w.shows(t, `(?m)code-5`)
	r.gone(t)
	w.enter(t, "exit")
	w.wait(t)
}

// What the system keeps of a process that crashes has no token: the command has none, and of
// the proxy nothing is kept.
func TestRunNoCoreDumpHasTheToken(t *testing.T) {
	r := newRunner(t, emulator.Options{})
	pattern, err := os.ReadFile("/proc/sys/kernel/core_pattern")
	if err != nil || strings.ContainsAny(string(pattern), "|/") {
		t.Skipf("core dumps are not kept where the process is: %q, %v", pattern, err)
	}
	token := []byte(strings.TrimSpace(r.run(t, "token").wantCode(t, 0).stdout))
	dir := t.TempDir()
	// curl asks for the second address again and again, past the proxy: it lives while it has the answer.
	cmd := r.script(`ulimit -c unlimited && exec curl -sS "$1/whoami" --next -sS --noproxy '*' --retry 100 --retry-delay 1000 --retry-connrefused http://127.0.0.1:1/`)
	shell := exec.Command("sh", "-c", `ulimit -c unlimited && exec "$@"`, "sh")
	shell.Args = append(shell.Args, cmd.Args...)
	shell.Args[4] = cmd.Path
	shell.Env, shell.Dir = append(cmd.Env, "GOTRACEBACK=crash"), dir
	shell.WaitDelay = patience
	p := start(t, shell)
	poll(t, "it got in", func() bool { return strings.Contains(p.stdout.String(), ada) })
	dirs := r.dirs(t)
	if len(dirs) != 1 {
		t.Fatalf("there are %v", dirs)
	}
	proxy, err := strconv.Atoi(strings.Split(filepath.Base(dirs[0]), "-")[1])
	if err != nil {
		t.Fatal(err)
	}
	if limit, err := os.ReadFile("/proc/" + strconv.Itoa(proxy) + "/limits"); err == nil && !strings.Contains(string(limit), "Max core file size        unlimited") {
		t.Errorf("the proxy has other limits than the command:\n%s", limit)
	}
	if err := syscall.Kill(proxy, syscall.SIGABRT); err != nil {
		t.Fatal(err)
	}
	poll(t, "the proxy has ended", func() bool { return syscall.Kill(proxy, 0) != nil })
	if left := cores(t, dir); len(left) != 0 {
		t.Errorf("of the proxy there is %d core dump", len(left))
	}
	p.signal(t, syscall.SIGABRT)
	p.wait(t)
	if s := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !s.Signaled() || s.Signal() != syscall.SIGABRT {
		t.Fatalf("the command ended with %v", p.cmd.ProcessState)
	} else if !s.CoreDump() {
		t.Skip("this system keeps no core dumps")
	}
	left := cores(t, dir)
	if len(left) != 1 || !bytes.Contains(left[0], []byte("HTTPS_PROXY=http://tokentoss-run:")) {
		t.Fatalf("%d core dumps, or it is not the command's", len(left))
	}
	if bytes.Contains(left[0], token) || bytes.Contains(left[0], token[:len(token)/2]) {
		t.Error("the core dump of the command has the token")
	}
}

// cores returns the core dumps in a directory.
func cores(t *testing.T, dir string) (all [][]byte) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "core*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}
