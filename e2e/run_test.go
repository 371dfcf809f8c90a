//go:build unix

package e2e_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
)

// A runner is a machine with services behind https: the target, which IAP guards, and
// another one.
type runner struct {
	*machine
	target, other *httptest.Server
	ca            string   // of both
	runtime       string   // the user's directory for what lives as long as a run
	more          []string // of the environment

	mu   sync.Mutex
	seen []http.Header // by the other
}

func newRunner(t *testing.T, o emulator.Options) *runner {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	m := newMachine(t, o)
	m.signIn(t, m.provider.Accounts()[0].Email)
	return runnerOf(t, m)
}

// runnerOf is one on a machine that is there.
func runnerOf(t *testing.T, m *machine) *runner {
	t.Helper()
	r := &runner{machine: m, runtime: shortDir(t)}
	u, err := url.Parse(r.provider.IAPURL())
	if err != nil {
		t.Fatal(err)
	}
	r.target = secure(t, &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(u) }})
	r.other = secure(t, http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.seen = append(r.seen, req.Header)
	}))
	r.ca = filepath.Join(t.TempDir(), "ca.pem")
	block := &pem.Block{Type: "CERTIFICATE", Bytes: r.target.Certificate().Raw}
	if err := os.WriteFile(r.ca, pem.EncodeToMemory(block), 0o644); err != nil {
		t.Fatal(err)
	}
	return r
}

func secure(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// shortDir is a private directory, of which the name leaves room for those of sockets.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "tr")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// command is one of a shell that trusts the services.
func (r *runner) command(args ...string) *exec.Cmd {
	c := r.machine.command(args...)
	c.Env = append(c.Env, "SSL_CERT_FILE="+r.ca, "XDG_RUNTIME_DIR="+r.runtime)
	c.Env = append(c.Env, r.more...)
	c.WaitDelay = patience
	return c
}

// for the target, a script of the shell.
func (r *runner) script(text string, options ...string) *exec.Cmd {
	args := append(options, "run", "--for", r.target.URL, "--", "sh", "-c", text, "sh", r.target.URL, r.other.URL)
	return r.command(args...)
}

// dirs are those of runs that are there.
func (r *runner) dirs(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(r.runtime, "tokentoss", "run-*"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// gone waits until nothing of a run is left.
func (r *runner) gone(t *testing.T) {
	t.Helper()
	poll(t, "nothing of the run is left", func() bool { return len(r.dirs(t)) == 0 })
}

// withoutWarning is what tokentoss said, but for the warning about targets on this machine.
func withoutWarning(t *testing.T, stderr string) string {
	t.Helper()
	var rest []string
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "tokentoss: warning: 127.0.0.1") {
			rest = append(rest, line)
		}
	}
	return strings.Join(rest, "")
}

const curl = "curl -sS -o /dev/stdout -w '%{http_version} %{http_code}\\n' "

// A program gets in as it is, and all else is as it was.
func TestRunLetsAProgramIn(t *testing.T) {
	r := newRunner(t, emulator.Options{})
	out := finish(t, r.script(curl+`"$1/whoami"; `+curl+`"$2"`)).wantCode(t, 0)
	if !strings.Contains(out.stdout, ada) || strings.Count(out.stdout, "2 200") != 2 || withoutWarning(t, out.stderr) != "" {
		t.Errorf("%+v", out)
	}
	if len(r.seen) != 1 || r.seen[0].Get("Authorization") != "" || r.seen[0].Get("Proxy-Authorization") != "" {
		t.Errorf("the other service got %v", r.seen)
	}
	r.gone(t)
	// The targets may be the profile's.
	r.setTargets(t, r.target.URL)
	out = finish(t, r.command("run", "curl", "-sS", r.target.URL+"/whoami")).wantCode(t, 0)
	if !strings.Contains(out.stdout, ada) {
		t.Errorf("%+v", out)
	}
}

// The command has no token: in its environment, its arguments, its files, nor those of
// the proxy that others can see.
func TestRunTheCommandHasNoToken(t *testing.T) {
	r := newRunner(t, emulator.Options{})
	r.more = []string{"IAP_TOKEN=of-an-earlier-exec"}
	token := strings.TrimSpace(r.run(t, "token").wantCode(t, 0).stdout)
	out := finish(t, r.script(`env; cat /proc/self/environ /proc/$$/cmdline; cat "$XDG_RUNTIME_DIR"/tokentoss/run-*/*; cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' '; ulimit -c 0`)).wantCode(t, 0)
	if strings.Contains(out.stdout, token) || strings.Contains(out.stdout, "IAP_TOKEN") || !strings.Contains(out.stdout, "HTTPS_PROXY=http://") {
		t.Error("the command has a token")
	}
	if strings.Contains(out.stdout, "PRIVATE KEY") {
		t.Error("the command has a private key")
	}
	password := strings.Split(strings.Split(out.stdout, "HTTPS_PROXY=http://tokentoss-run:")[1], "@")[0]
	cmdlines := out.stdout[strings.LastIndex(out.stdout, "END CERTIFICATE"):]
	if strings.Contains(cmdlines, password) {
		t.Error("the credential is in the arguments of a process")
	}
}

// The process is the command's: its number, its exit code, its signals. It has no child
// that it did not make, and no file of ours.
func TestRunTheProcessIsTheCommands(t *testing.T) {
	r := newRunner(t, emulator.Options{})
	p := start(t, r.script(`echo $$; read kids < /proc/$$/task/$$/children && echo "$kids"; exit 7`))
	out := p.wait(t).wantCode(t, 7)
	if out.stdout != strconv.Itoa(p.cmd.Process.Pid)+"\n" {
		t.Errorf("process %d: %q", p.cmd.Process.Pid, out.stdout)
	}
	p = start(t, r.script(`kill -TERM $$`))
	p.wait(t)
	if s := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !s.Signaled() || s.Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v", p.cmd.ProcessState)
	}
	p = start(t, r.script(`trap 'echo term; exit 3' TERM; echo ready; while :; do sleep 0.1; done`))
	poll(t, "it is ready", func() bool { return strings.Contains(p.stdout.String(), "ready") })
	p.signal(t, syscall.SIGTERM)
	if out := p.wait(t).wantCode(t, 3); !strings.Contains(out.stdout, "term") {
		t.Errorf("%+v", out)
	}
	r.gone(t)
}

// A signal to all of the terminal's processes is the command's; the proxy stays for it.
func TestRunTheProxyIsNotInTheCommandsGroup(t *testing.T) {
	r := newRunner(t, emulator.Options{})
	p := start(t, r.script(`trap : INT; echo ready; while [ ! -e "$XDG_RUNTIME_DIR/go" ]; do sleep 0.1; done; `+curl+` "$1/whoami"`))
	poll(t, "it is ready", func() bool { return strings.Contains(p.stdout.String(), "ready") })
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTSTP, syscall.SIGCONT} {
		if err := syscall.Kill(-p.cmd.Process.Pid, s); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(r.runtime, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if out := p.wait(t).wantCode(t, 0); !strings.Contains(out.stdout, ada) {
		t.Errorf("%+v", out)
	}
}

// What is killed leaves no more than files that nobody else can read, and the next run
// removes them.
func TestRunWhatIsKilledLeavesLittle(t *testing.T) {
	r := newRunner(t, emulator.Options{})
	ready := func() *process {
		p := start(t, r.script(`echo ready; exec sleep 1000`))
		poll(t, "it is ready", func() bool { return strings.Contains(p.stdout.String(), "ready") })
		return p
	}
	p := ready() // the command
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	r.gone(t)

	p = ready() // the proxy
	dirs := r.dirs(t)
	if len(dirs) != 1 {
		t.Fatalf("there are %v", dirs)
	}
	pid, err := strconv.Atoi(strings.Split(filepath.Base(dirs[0]), "-")[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	poll(t, "it has ended", func() bool { return syscall.Kill(pid, 0) != nil })
	err = filepath.WalkDir(dirs[0], func(path string, d os.DirEntry, err error) error {
		info, ierr := d.Info()
		if err != nil || ierr != nil {
			t.Fatal(err, ierr)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	finish(t, r.script(`true`)).wantCode(t, 0)
	r.gone(t)
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
}

// What cannot be right is said before the command begins.
func TestRunSaysWhatIsWrongBeforeTheCommandBegins(t *testing.T) {
	r := newRunner(t, emulator.Options{})
	began := filepath.Join(r.runtime, "began")
	for name, c := range map[string]struct {
		more []string
		args []string
		code int
		says string
	}{
		"no target":       {nil, []string{"--", "touch", began}, 2, "for which service"},
		"http":            {nil, []string{"--for", "http://app.example.com", "--", "touch", began}, 2, "only https"},
		"http here":       {nil, []string{"--for", r.provider.IAPURL(), "--", "touch", began}, 2, "only https"},
		"no URL":          {nil, []string{"--for", "::", "--", "touch", began}, 2, "scheme"},
		"wildcard":        {nil, []string{"--for", "https://*.example.com", "--", "touch", began}, 2, "pattern"},
		"no command":      {nil, []string{"--for", r.target.URL, "--", "there-is-no-such-command"}, 127, "no command"},
		"not executable":  {nil, []string{"--for", r.target.URL, "--", r.ca}, 126, "cannot be run"},
		"HTTPS_PROXY":     {[]string{"HTTPS_PROXY=http://user:p#ss@proxy:8080"}, []string{"--for", r.target.URL, "--", "touch", began}, 1, "HTTPS_PROXY"},
		"http_proxy":      {[]string{"http_proxy=ht!tp://x"}, []string{"--for", r.target.URL, "--", "touch", began}, 1, "http_proxy"},
		"all_proxy":       {[]string{"all_proxy=://"}, []string{"--for", r.target.URL, "--", "touch", began}, 1, "all_proxy"},
		"REQUESTS bundle": {[]string{"REQUESTS_CA_BUNDLE=/there/is/none"}, []string{"--for", r.target.URL, "--", "touch", began}, 1, "REQUESTS_CA_BUNDLE"},
		"profile":         {nil, []string{"--profile", "other", "--for", r.target.URL, "--", "touch", began}, 2, "other"},
	} {
		cmd := r.command(append([]string{"run"}, c.args...)...)
		cmd.Env = append(cmd.Env, c.more...)
		out := finish(t, cmd)
		if out.code != c.code || !strings.Contains(out.stderr, c.says) || !strings.Contains(out.stderr, "hint: ") || strings.Contains(out.stderr, "p#ss") {
			t.Errorf("%s: code %d\n%s", name, out.code, out.stderr)
		}
	}
	r.run(t, "logout", "--local").wantCode(t, 0)
	if out := finish(t, r.script("touch "+began)); out.code != 3 || !strings.Contains(out.stderr, "tokentoss login") {
		t.Errorf("signed out: %+v", out)
	}
	if _, err := os.Stat(began); err == nil {
		t.Error("the command began")
	}
	r.gone(t)
}

// When the session ends, the next request of the command gets a status that is not tried
// again, with the reason, and the person is told once, with what to do; then it goes on by
// itself.
func TestRunTheEndOfTheSessionIsTold(t *testing.T) {
	r := newRunner(t, emulator.Options{})
	p := start(t, r.script(curl+`"$1/whoami"; until [ -e "$XDG_RUNTIME_DIR/out" ]; do sleep 0.1; done
		sleep 0.2; `+curl+`"$1/whoami"; `+curl+`"$1/whoami"; echo ended; until `+curl+`"$1/whoami" | grep -q "2 200"; do sleep 0.1; done`))
	poll(t, "it got in", func() bool { return strings.Contains(p.stdout.String(), ada) })
	r.run(t, "logout", "--local").wantCode(t, 0)
	touch(t, filepath.Join(r.runtime, "out"))
	poll(t, "it was refused", func() bool { return strings.Contains(p.stdout.String(), "ended") })
	r.signIn(t, ada)
	out := p.wait(t).wantCode(t, 0)
	if strings.Count(out.stdout, "2 403") != 2 || !strings.Contains(out.stdout, "run tokentoss login") {
		t.Errorf("%s", out.stdout)
	}
	if said := withoutWarning(t, out.stderr); strings.Count(said, "tokentoss login") != 1 || strings.Count(said, "\n") != 2 {
		t.Errorf("%s", said)
	}
}

func touch(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A service with a bad certificate is refused, and the command learns why.
func TestRunABadCertificateIsRefused(t *testing.T) {
	r := newRunner(t, emulator.Options{})
	cmd := r.script(curl + `"$1/whoami"`)
	cmd.Env = append(slices.DeleteFunc(cmd.Env, func(e string) bool { return strings.HasPrefix(e, "SSL_CERT_FILE=") }), "CURL_CA_BUNDLE="+r.ca)
	out := finish(t, cmd).wantCode(t, 0)
	if !strings.Contains(out.stdout, "2 502") || !strings.Contains(out.stdout, "certificate") || !strings.Contains(out.stderr, "certificate") {
		t.Errorf("%+v", out)
	}
}

// A run in a run has the services of both, each with the token of its own session.
func TestRunInARun(t *testing.T) {
	r := newRunner(t, emulator.Options{})
	second := newRunner(t, emulator.Options{Accounts: []emulator.Account{{Email: "bob@example.com"}}})
	inner := fmt.Sprintf(`TOKENTOSS_CONFIG_DIR=%s tokentoss run --for %s -- sh -c 'curl -sS %s/whoami; curl -sS %s/whoami'`,
		second.dir, second.target.URL, r.target.URL, second.target.URL)
	r.more = []string{"PATH=" + os.Getenv(binariesEnv) + ":" + os.Getenv("PATH")}
	out := finish(t, r.script(inner)).wantCode(t, 0)
	if strings.Count(out.stdout, `"email": "`+ada) != 1 || strings.Count(out.stdout, `"email": "bob@example.com`) != 1 {
		t.Errorf("%+v", out)
	}
	// For the same service, the inner one counts, and there is one token.
	calls := r.provider.TokenCalls("refresh_token")
	out = finish(t, r.script(fmt.Sprintf(`tokentoss run --for %s -- curl -sS %s/echo`, r.target.URL, r.target.URL))).wantCode(t, 0)
	if strings.Contains(out.stdout, "Proxy-Authorization") || !strings.Contains(out.stdout, ada) || r.provider.TokenCalls("refresh_token") != calls {
		t.Errorf("%+v", out)
	}
}

// All goes through the person's own proxy, but for what their NO_PROXY says.
func TestRunGoesThroughThePersonsProxy(t *testing.T) {
	r := newRunner(t, emulator.Options{})
	var mu sync.Mutex
	var asked []string
	own := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		asked = append(asked, req.Method+" "+req.Host+" "+req.Header.Get("Proxy-Authorization"))
		mu.Unlock()
		far, err := net.Dial("tcp", r.other.Listener.Addr().String())
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		near, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		fmt.Fprint(near, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { defer near.Close(); _, _ = io.Copy(near, far) }()
		defer far.Close()
		_, _ = io.Copy(far, near)
	}))
	t.Cleanup(own.Close)
	through := strings.Replace(own.URL, "http://", "http://me:pw@", 1)
	for name, more := range map[string][]string{
		"HTTPS_PROXY": {"HTTPS_PROXY=" + through}, "https_proxy": {"https_proxy=" + through}, "ALL_PROXY": {"ALL_PROXY=" + through},
	} {
		asked = nil
		r.more = append(more, "NO_PROXY=skipped.test,127.0.0.1")
		out := finish(t, r.script(curl+`-k https://example.com/; echo "$NO_PROXY"; `+curl+`"$1/whoami"`, "--verbose")).wantCode(t, 0)
		if !strings.Contains(out.stdout, "2 200") || !strings.Contains(out.stdout, "skipped.test\n") || !strings.Contains(out.stdout, ada) {
			t.Errorf("%s: %+v", name, out)
		}
		if !slices.Equal(asked, []string{"CONNECT example.com:443 Basic bWU6cHc="}) {
			t.Errorf("%s: the proxy was asked %q", name, asked)
		}
		if !strings.Contains(out.stderr, "127.0.0.1") || strings.Contains(out.stderr, "pw") {
			t.Errorf("%s: %s", name, out.stderr)
		}
	}
}

// Who waits for the end of what the command writes waits for the command alone.
func TestRunTheProxyHoldsNoFileOfTheCommands(t *testing.T) {
	r := newRunner(t, emulator.Options{})
	// The command goes on, but not with these files, until whoever reads them saw the end.
	cmd := exec.Command("sh", "-c", `tokentoss run --for "$0" -- sh -c 'exec >&- 3>&-; while [ ! -e "$XDG_RUNTIME_DIR/go" ]; do sleep 0.1; done' 3>&1 | { cat; touch "$XDG_RUNTIME_DIR/go"; echo over; }`, r.target.URL)
	cmd.WaitDelay = patience
	cmd.Env = append(r.command().Env, "PATH="+os.Getenv(binariesEnv)+":"+os.Getenv("PATH"))
	if out := finish(t, cmd).wantCode(t, 0); out.stdout != "over\n" {
		t.Errorf("%+v", out)
	}
}

// What goes to standard output must not go into a connection that took its number.
func TestRunTheProxyPrintsToNobody(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what a process has open is asked of Linux")
	}
	r := newRunner(t, emulator.Options{})
	out := finish(t, r.script(`curl -s "$1/whoami" >&2; set -- "$XDG_RUNTIME_DIR"/tokentoss/run-*; proxy=${1##*/run-}; readlink "/proc/${proxy%%-*}/fd/1"`)).wantCode(t, 0)
	if out.stdout != os.DevNull+"\n" {
		t.Errorf("it prints to %q", out.stdout)
	}
}

// The variables name one file of certificates each, with those that they named before.
func TestRunTheVariablesKeepWhatTheyNamed(t *testing.T) {
	r := newRunner(t, emulator.Options{})
	own, err := os.ReadFile(r.ca)
	if err != nil {
		t.Fatal(err)
	}
	out := finish(t, r.script(`for v in SSL_CERT_FILE REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS GIT_SSL_CAINFO PIP_CERT CARGO_HTTP_CAINFO DENO_CERT GRPC_DEFAULT_SSL_ROOTS_FILE_PATH AWS_CA_BUNDLE; do
		eval f=\$$v; printf '%s ' "$v"; grep -c BEGIN "$f"; done; cat "$SSL_CERT_FILE"`)).wantCode(t, 0)
	for name, count := range map[string]string{"SSL_CERT_FILE": "2", "CURL_CA_BUNDLE": "2", "CARGO_HTTP_CAINFO": "2", "NODE_EXTRA_CA_CERTS": "1", "DENO_CERT": "1"} {
		if !strings.Contains(out.stdout, name+" "+count+"\n") {
			t.Errorf("%s has not %s certificates\n%.500s", name, count, out.stdout)
		}
	}
	if !strings.Contains(out.stdout, strings.TrimSpace(string(own))) {
		t.Error("SSL_CERT_FILE lacks what it named")
	}
}
