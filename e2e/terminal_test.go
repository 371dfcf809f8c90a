//go:build unix

package e2e_test

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/creack/pty"

	"github.com/tokentoss/tokentoss/emulator"
)

// A window is a process in a terminal of its own. What the terminal shows is its
// stderr.
type window struct {
	*process
	terminal *os.File
}

// window starts a command in a terminal.
func (m *machine) window(t *testing.T, args ...string) *window {
	t.Helper()
	return inWindow(t, m.command(args...))
}

// inWindow starts any command in a terminal.
func inWindow(t *testing.T, c *exec.Cmd) *window {
	t.Helper()
	c.Env = append(c.Env, "TERM=xterm")
	terminal, err := pty.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	w := &window{process: &process{cmd: c, done: make(chan struct{})}, terminal: terminal}
	go func() {
		defer close(w.done)
		_, _ = io.Copy(screen{&w.stderr}, terminal) // ends when nobody has the terminal any more
		_ = c.Wait()
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		<-w.done
		_ = terminal.Close()
	})
	return w
}

// A screen takes what a terminal shows, with the line ends of a file.
type screen struct{ *output }

func (s screen) Write(p []byte) (int, error) {
	_, err := s.output.Write(bytes.ReplaceAll(p, []byte("\r"), nil))
	return len(p), err
}

// enter types a line.
func (w *window) enter(t *testing.T, line string) {
	t.Helper()
	if _, err := io.WriteString(w.terminal, line+"\n"); err != nil {
		t.Fatal(err)
	}
}

// shows waits until the terminal shows what matches.
func (w *window) shows(t *testing.T, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	defer func() {
		if t.Failed() {
			t.Logf("the terminal shows:\n%s", w.stderr.String())
		}
	}()
	poll(t, "the terminal shows "+pattern, func() bool { return re.MatchString(w.stderr.String()) || ended(w.process) })
	if text := w.stderr.String(); !re.MatchString(text) {
		t.Fatalf("the terminal does not show %q but\n%s", pattern, text)
	}
}

// A person whose browser is on another machine pastes the address that it
// ended on. What is no such address is refused in words, and the wait goes on.
func TestPasteIntoTheTerminal(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{})
	w := m.window(t, "login", "--no-browser", "--timeout", "50s")
	l := shown(t, w.process)
	w.shows(t, `paste that page's address here`)
	w.shows(t, `waiting for the sign-in, 50s left`)
	w.shows(t, `waiting for the sign-in, 4\ds left`) // it counts
	redirect := l.agree(t, m.provider, ada)

	w.enter(t, "hello?")
	w.shows(t, `tokentoss: warning: not taken: paste the whole address that the browser ended on; it contains code= and state=`)
	other, err := url.Parse(redirect)
	if err != nil {
		t.Fatal(err)
	}
	q := other.Query()
	q.Set("state", "somebody-elses")
	other.RawQuery = q.Encode()
	w.enter(t, other.String())
	w.shows(t, `tokentoss: warning: not taken: this is not the answer of the sign-in that is waiting`)
	w.enter(t, "")
	if m.provider.TokenCalls("authorization_code") != 0 {
		t.Error("a code that came with a wrong state was used")
	}
	// As a mail shows it.
	w.enter(t, "  <"+redirect+"> ")
	r := w.wait(t).wantCode(t, 0)
	w.shows(t, `tokentoss: signed in as ada@example.com`)
	if n := strings.Count(r.stderr, "open this address"); n != 1 {
		t.Errorf("the address was shown %d times", n)
	}
	if !closed(l.port) {
		t.Errorf("port %s is still open", l.port)
	}
	m.run(t, "token").wantCode(t, 0)
}

// A browser command that fails, or that stays, is in nobody's way: the
// address is there while the command runs, and a paste completes the sign-in.
func TestBrowserThatFailsOrHangs(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{})
	stays := stayingBrowser(t)
	t.Cleanup(func() { killByFile(t, stays+".pid") })
	for browser, says := range map[string]string{
		"false":       `warning: the browser command failed: exit status 1`,
		stays + "-no": `warning: the browser command failed: exit status 127`,
		stays:         `your browser is opening; if it does not, open this address`,
	} {
		w := m.window(t, "login", "--browser", browser)
		l := shown(t, w.process)
		w.shows(t, says)
		w.enter(t, l.agree(t, m.provider, ada))
		w.wait(t).wantCode(t, 0)
		w.shows(t, `signed in as ada@example.com`)
	}
}

// Ctrl-C in the terminal ends the login, and not the browser that it opened.
func TestInterruptLeavesTheBrowser(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{})
	browser := stayingBrowser(t)
	w := m.window(t, "login", "--browser", browser)
	shown(t, w.process)
	if _, err := w.terminal.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	w.wait(t).wantCode(t, 1)
	killByFile(t, browser+".pid") // it is there to be killed
}

// stayingBrowser makes a command that does not end, and writes its number beside
// itself.
func stayingBrowser(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "browser")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho $$ >\"$0.pid\"\nexec sleep 100\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// killByFile ends the process whose number is in a file.
func killByFile(t *testing.T, path string) {
	t.Helper()
	pid, err := strconv.Atoi(strings.TrimSpace(string(mustRead(t, path))))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}

// A second login shows the address that is waiting already, and ends when the
// first one is done: one sign-in is enough.
func TestSecondLogin(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{})
	first := m.pendingLogin(t)
	w := m.window(t, "login", "--no-browser")
	second := shown(t, w.process)
	w.shows(t, `another tokentoss login is already waiting`)
	if second.url != first.url {
		t.Error("the second login shows another address")
	}
	visit(t.Context(), first.agree(t, m.provider, ada))
	first.wait(t).wantCode(t, 0)
	w.wait(t).wantCode(t, 0)
	w.shows(t, `signed in as ada@example.com, by the other login`)
	if n := m.provider.TokenCalls("authorization_code"); n != 1 {
		t.Errorf("%d codes were exchanged", n)
	}

	// A first one that is suspended does not hold up the second for ever.
	first = m.pendingLogin(t)
	first.signal(t, syscall.SIGSTOP)
	r := m.run(t, "login", "--no-browser", "--timeout", "1s").wantCode(t, 1)
	if want := fmt.Sprintf("another tokentoss login, process %d, is still waiting\ntokentoss: hint: finish that one, or end it: kill -9 %[1]d\n", first.cmd.Process.Pid); !strings.Contains(r.stderr, want) {
		t.Errorf("%s\nwant %s", r.stderr, want)
	}
	first.signal(t, syscall.SIGKILL)
	first.wait(t)

	// When the first one is given up, the second goes on with an address of its own.
	first = m.pendingLogin(t)
	w = m.window(t, "login", "--no-browser")
	shown(t, w.process)
	first.signal(t, syscall.SIGINT)
	first.wait(t).wantCode(t, 1)
	w.shows(t, `the other login did not finish; this one goes on`)
	w.shows(t, `(?s)this one goes on.*\n  http\S+\n`)
	_, own, _ := strings.Cut(w.stderr.String(), "this one goes on")
	redirect, err := m.provider.Authorize(t.Context(), shownURL.FindStringSubmatch(own)[1], ada)
	if err != nil {
		t.Fatal(err)
	}
	w.enter(t, redirect)
	w.wait(t).wantCode(t, 0)
	if left := m.left(t); len(left) > 0 {
		t.Errorf("these files are left: %q", left)
	}
}

// Ctrl-C, a signal, and a window that is closed end a login in a terminal, with the port closed and nothing left behind.
func TestInterruptInTheTerminal(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{})
	for name, end := range map[string]func(w *window) error{
		"Ctrl-C":        func(w *window) error { _, err := w.terminal.Write([]byte{3}); return err },
		"SIGTERM":       func(w *window) error { return w.cmd.Process.Signal(syscall.SIGTERM) },
		"closed window": func(w *window) error { return w.cmd.Process.Signal(syscall.SIGHUP) },
	} {
		w := m.window(t, "login", "--no-browser")
		l := shown(t, w.process)
		w.shows(t, `waiting for the sign-in, `)
		if err := end(w); err != nil {
			t.Fatal(err)
		}
		w.wait(t).wantCode(t, 1)
		w.shows(t, `tokentoss: error: interrupted`)
		if !closed(l.port) {
			t.Errorf("%s: port %s is still open", name, l.port)
		}
		if left := m.left(t); len(left) > 0 {
			t.Errorf("%s: these files are left: %q", name, left)
		}
	}
}

// A person who says no in the browser is told so, and what to do.
func TestDeniedSignIn(t *testing.T) {
	t.Parallel()
	m := newSession(t, emulator.Options{})
	old := mustRead(t, m.tokens())
	w := m.window(t, "login", "--no-browser")
	l := shown(t, w.process)
	redirect, err := m.provider.Deny(t.Context(), l.url)
	if err != nil {
		t.Fatal(err)
	}
	visit(t.Context(), redirect)
	w.wait(t).wantCode(t, 1)
	w.shows(t, `tokentoss: error: sign-in was denied: .*\(access_denied\)\ntokentoss: hint: tokentoss login to try again`)
	if !bytes.Equal(mustRead(t, m.tokens()), old) {
		t.Error("the session changed")
	}
}

// The client's secret is asked for without showing it, and Ctrl-C ends that too,
// with the terminal as it was.
func TestSecretPrompt(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{})
	const id, secret = "1234-abc.apps.googleusercontent.com", "GOCSPX-typed-by-hand"
	w := m.window(t, "configure", "--client-id", id)
	w.shows(t, `tokentoss: client secret \(not shown\): `)
	hidden := func() bool { return !echoes(t, w.terminal) }
	poll(t, "the terminal hides what is typed", hidden)
	w.enter(t, secret)
	r := w.wait(t).wantCode(t, 0)
	if strings.Contains(r.stderr, secret) {
		t.Error("the terminal shows the secret")
	}
	file := filepath.Join(m.dir, "client_secrets.json")
	if !strings.Contains(string(mustRead(t, file)), secret) {
		t.Error("the secret was not kept")
	}

	w = m.window(t, "configure", "--client-id", id)
	w.shows(t, `client secret`)
	poll(t, "the terminal hides what is typed", hidden)
	if _, err := w.terminal.Write([]byte{3}); err != nil {
		t.Fatal(err)
	}
	w.wait(t).wantCode(t, 1)
	w.shows(t, `tokentoss: error: interrupted`)
	if !echoes(t, w.terminal) {
		t.Error("the terminal still hides what is typed")
	}
}

// echoes tells whether a terminal shows what is typed.
func echoes(t *testing.T, terminal *os.File) bool {
	t.Helper()
	c := exec.Command("stty", "-a")
	c.Stdin = terminal
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("stty: %v\n%s", err, out)
	}
	return regexp.MustCompile(`(^|\s)echo\s`).Match(out)
}
