//go:build unix

package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// ada is the person at the machine, unless a test says otherwise.
const ada = "ada@example.com"

// A machine is a person's computer: a configuration directory, and a provider
// that it can reach.
type machine struct {
	provider *emulator.Emulator
	dir      string
}

// home is the home directory of the machine's person.
func (m *machine) home() string { return filepath.Dir(m.dir) }

func (m *machine) setTargets(t *testing.T, targets ...string) {
	t.Helper()
	writeFile(t, filepath.Join(m.dir, "config.toml"), []byte(fmt.Sprintf("targets = [\"%s\"]\n", strings.Join(targets, `", "`))))
}

// newMachine returns a machine on which tokentoss is configured for a provider
// of its own. Nobody is signed in.
func newMachine(t *testing.T, o emulator.Options) *machine {
	t.Helper()
	if len(o.Accounts) == 0 {
		o.Accounts = []emulator.Account{{Email: ada}}
	}
	e, err := emulator.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	m := &machine{provider: e, dir: filepath.Join(t.TempDir(), "tokentoss")}
	c := m.command("configure", "--from", "-")
	c.Stdin = bytes.NewReader(e.ClientSecrets())
	finish(t, c).wantCode(t, 0)
	return m
}

// newSession returns a machine on which ada is signed in.
func newSession(t *testing.T, o emulator.Options) *machine {
	t.Helper()
	m := newMachine(t, o)
	m.signIn(t, ada)
	return m
}

// command returns a command of the built executable. Its environment holds
// nothing of the test's.
func (m *machine) command(args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(os.Getenv(binariesEnv), "tokentoss"), args...)
	c.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Dir(m.dir),
		"TOKENTOSS_CONFIG_DIR=" + m.dir, "TOKENTOSS_INSECURE_LOOPBACK=1",
	}, wineEnv(m.dir)...)
	return c
}

// run runs a command to its end.
func (m *machine) run(t *testing.T, args ...string) result {
	t.Helper()
	return finish(t, m.command(args...))
}

// A result is what a process that ended left behind.
type result struct {
	code           int // -1: ended by a signal
	stdout, stderr string
}

// finish runs c to its end.
func finish(t *testing.T, c *exec.Cmd) result {
	t.Helper()
	return start(t, c).wait(t)
}

func (r result) wantCode(t *testing.T, code int) result {
	t.Helper()
	if r.code != code {
		t.Fatalf("exit code %d, expected %d\nstdout: %s\nstderr: %s", r.code, code, r.stdout, r.stderr)
	}
	return r
}

// A process is one that was started.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr output
	done           chan struct{}
}

// start starts c. A process that is still there when the test ends is killed.
func start(t *testing.T, c *exec.Cmd) *process {
	t.Helper()
	p := &process{cmd: c, done: make(chan struct{})}
	c.Stdout, c.Stderr = &p.stdout, &p.stderr
	if c.SysProcAttr == nil {
		// In a process group of its own: one that has no parent, and in which somebody is
		// stopped, gets a hangup with each process of it that ends (setpgid(2)).
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = c.Wait() // the state tells
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		<-p.done
	})
	return p
}

// patience is how long anything may take before a test gives up on it.
const patience = time.Minute

func (p *process) wait(t *testing.T) result {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		t.Fatalf("%v does not end\nstderr: %s", p.cmd.Args[1:], p.stderr.String())
	}
	return result{p.cmd.ProcessState.ExitCode(), p.stdout.String(), p.stderr.String()}
}

func (p *process) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
}

// output collects what a process writes, and can be read meanwhile.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// together runs n processes of the same command that begin at the same moment:
// each waits in a shell until a pipe is closed.
func (m *machine) together(t *testing.T, n int, args ...string) []result {
	t.Helper()
	gate, open, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close()
	processes := make([]*process, n)
	for i := range processes {
		c := m.command(args...)
		c.Args = append([]string{"sh", "-c", `read -r x; exec "$@"`, "sh", c.Path}, c.Args[1:]...)
		c.Path, c.Stdin = "/bin/sh", gate
		processes[i] = start(t, c)
	}
	open.Close()
	results := make([]result, n)
	for i, p := range processes {
		results[i] = p.wait(t)
	}
	return results
}

// wantAll fails unless all ended with code, and returns what they printed, which
// must be the same.
func wantAll(t *testing.T, results []result, code int) (stdout string) {
	t.Helper()
	for _, r := range results {
		r.wantCode(t, code)
		if r.stdout != results[0].stdout {
			t.Fatalf("the processes printed different things")
		}
	}
	return results[0].stdout
}

// poll waits until ok.
func poll(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waiting in vain: %s", what)
		}
	}
}

// A pendingLogin is a login that waits for a person.
type pendingLogin struct {
	*process
	url  string // of the authorization request
	port string // of the redirect
}

var shownURL = regexp.MustCompile(`(?m)^  (http\S+)$`)

// pendingLogin starts a login and returns when it shows its address.
func (m *machine) pendingLogin(t *testing.T, args ...string) *pendingLogin {
	t.Helper()
	return shown(t, start(t, m.command(append([]string{"login", "--no-browser"}, args...)...)))
}

// shown waits for the address that a login shows.
func shown(t *testing.T, p *process) *pendingLogin {
	t.Helper()
	l := &pendingLogin{process: p}
	poll(t, "the login shows its address", func() bool {
		if m := shownURL.FindStringSubmatch(p.stderr.String()); m != nil {
			l.url = m[1]
			return true
		}
		select {
		case <-p.done:
			t.Fatalf("the login ended: %s", p.stderr.String())
		default:
		}
		return false
	})
	u, err := url.Parse(l.url)
	if err != nil {
		t.Fatal(err)
	}
	redirect, err := url.Parse(u.Query().Get("redirect_uri"))
	if err != nil || redirect.Port() == "" {
		t.Fatalf("redirect_uri %q has no port", u.Query().Get("redirect_uri"))
	}
	l.port = redirect.Port()
	return l
}

// agree does what the person does in the browser, up to the last redirect.
func (l *pendingLogin) agree(t *testing.T, e *emulator.Emulator, email string) (redirect string) {
	t.Helper()
	redirect, err := e.Authorize(t.Context(), l.url, email)
	if err != nil {
		t.Fatal(err)
	}
	return redirect
}

// visit opens a page and follows its redirects; it returns the last status, 0
// for none.
func visit(ctx context.Context, page string) (status int) {
	tr := &http.Transport{DisableKeepAlives: true}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
	if err != nil {
		return 0
	}
	res, err := (&http.Client{Transport: tr}).Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// signIn signs email in.
func (m *machine) signIn(t *testing.T, email string, args ...string) {
	t.Helper()
	l := m.pendingLogin(t, args...)
	if status := visit(t.Context(), l.agree(t, m.provider, email)); status != http.StatusOK {
		t.Fatalf("the last page has status %d\n%s", status, l.stderr.String())
	}
	l.wait(t).wantCode(t, 0)
}

// refreshes is how often the provider was asked for a refresh.
func (m *machine) refreshes() int { return m.provider.TokenCalls("refresh_token") }

func (m *machine) wantRefreshes(t *testing.T, n int) {
	t.Helper()
	if got := m.refreshes(); got != n {
		t.Fatalf("the provider was asked for %d refreshes, expected %d", got, n)
	}
}

// closed tells whether nobody listens on a loopback port.
func closed(port string) bool {
	return !slices.ContainsFunc([]string{"127.0.0.1", "::1"}, func(host string) bool { return listens(host, port) })
}

func listens(host, port string) bool {
	c, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), 2*time.Second)
	if err != nil {
		return false
	}
	c.Close()
	return true
}
