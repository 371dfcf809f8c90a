//go:build linux

package hosts_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/emulator/emulatortest"
)

// The people who have accounts. Grace runs the servers.
const (
	ada   = "ada@example.com"
	alan  = "alan@example.com"
	grace = "grace@example.com"
)

// A place is a machine on which somebody runs a host: with a configuration directory, a
// provider, and a service behind IAP.
type place struct {
	t        *testing.T
	venv     string
	dir      string // of the host, and of nothing else
	config   string // tokentoss's directory
	provider *emulator.Emulator
	said     *emulatortest.Log
}

// newPlace returns a place with an OAuth client, of the desktop type.
func newPlace(t *testing.T, of string, clients ...emulator.Client) *place {
	t.Helper()
	p := &place{t: t, venv: environment(t, of), dir: t.TempDir(), said: &emulatortest.Log{}}
	p.config = filepath.Join(p.dir, "config")
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"value": 42}`)
	}))
	t.Cleanup(service.Close)
	var err error
	p.provider, err = emulator.Start(t.Context(), emulator.Options{
		Accounts: []emulator.Account{{Email: ada}, {Email: alan}, {Email: grace}}, Upstream: service.URL, Clients: clients,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.provider.Close() })
	if err := os.Mkdir(p.config, 0o700); err != nil {
		t.Fatal(err)
	}
	p.write("config/config.toml", fmt.Sprintf("issuer = %q\n", p.provider.Issuer()))
	p.write("ask.py", ask)
	return p
}

// ask is what apps have in common: they call the service as whoever visits.
const ask = `import os, tokentoss
def ask():
    try:
        return "It says %s" % tokentoss.IAPClient(base_url=os.environ["SERVICE"]).get_json("/api/data")["value"]
    except tokentoss.NoCredentialsError:
        return "It knows nobody"
`

// configure gives the place the provider's desktop client.
func (p *place) configure() {
	p.write("config/client_secrets.json", string(p.provider.ClientSecrets()))
}

// signIn signs the owner of the place in.
func (p *place) signIn() {
	p.t.Helper()
	p.provider.SetAutoConsent(grace)
	if out, err := p.command("tokentoss", "login", "--browser", "curl -sL -o /dev/null").CombinedOutput(); err != nil {
		p.t.Fatalf("%v\n%s", err, out)
	}
	p.provider.SetAutoConsent("")
}

// write makes a file below the place's directory.
func (p *place) write(name, text string) {
	p.t.Helper()
	path := filepath.Join(p.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// command is one of the place's environment.
func (p *place) command(name string, args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(p.venv, "bin", name), args...)
	c.Dir = p.dir
	c.Env = []string{
		"PATH=" + filepath.Join(p.venv, "bin") + ":" + os.Getenv("PATH"), "LANG=C.UTF-8", "HOME=" + p.dir, "PYTHONPATH=" + p.dir,
		"JUPYTER_CONFIG_DIR=" + p.dir + "/jupyter", "JUPYTER_DATA_DIR=" + p.dir + "/data", "JUPYTER_RUNTIME_DIR=" + p.dir + "/runtime",
		"IPYTHONDIR=" + p.dir + "/ipython", "TOKENTOSS_CONFIG_DIR=" + p.config, "TOKENTOSS_INSECURE_LOOPBACK=1", "SERVICE=" + p.provider.IAPURL(),
		"NO_PROXY=127.0.0.1,localhost", "no_proxy=127.0.0.1,localhost", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1",
	}
	return c
}

// run runs a command, which must succeed, and returns what it says.
func (p *place) run(name string, args ...string) string {
	p.t.Helper()
	out, err := p.command(name, args...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// serve starts a host, which ends with the test, and waits until it answers at address.
func (p *place) serve(address string, c *exec.Cmd) {
	p.t.Helper()
	c.Stdout, c.Stderr = p.said, p.said
	// Tests that are killed end nothing themselves.
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = c.Wait(); close(ended) }()
	p.t.Cleanup(func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(3 * browser.Patience):
			p.t.Error("the host does not end")
			_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
			<-ended
		}
		if p.t.Failed() {
			p.t.Logf("the host said:\n%s", p.said.String())
		}
		p.clean()
	})
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	p.poll("the host answers", func() bool {
		select {
		case <-ended:
			p.t.Fatal("the host ended")
		default:
		}
		res, err := client.Get(address)
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode < 400 // a proxy may answer before what is behind it
	})
}

// poll waits until ok. Hosts take their time to start on a busy machine.
func (p *place) poll(what string, ok func() bool) {
	p.t.Helper()
	for end := time.Now().Add(3 * browser.Patience); !ok(); time.Sleep(browser.Look) {
		if time.Now().After(end) {
			p.t.Fatalf("waiting in vain: %s\n%s", what, p.said.String())
		}
	}
}

// processes returns how many run of tokentoss below the place's directory.
func (p *place) processes(like string) (n int) {
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range paths {
		environ, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(environ, []byte(p.dir)) {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if bytes.Contains(line, []byte(like)) {
			n++
		}
	}
	return n
}

// view is in the command line of what is behind the widgets of a session.
const view = "serve-plugin"

// secret is like what nobody else may see: a client's secret, tokens, codes.
var secret = regexp.MustCompile(`GOCSPX-|ya29\.|\b1//|eyJhbGciOi|[?&]code=[^[]|code_verifier`)

// keeps are the files that are for secrets.
var keeps = regexp.MustCompile(`client_secrets\.json$|tokens\.json$|jupyterhub_cookie_secret$|jupyterhub\.sqlite`)

// clean fails where a file of the place or the host's log has a secret.
func (p *place) clean() {
	p.t.Helper()
	if m := secret.FindString(p.said.String()); m != "" {
		p.t.Errorf("the log of the host has %q", m)
	}
	_ = filepath.WalkDir(p.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || keeps.MatchString(path) {
			return nil
		}
		if data, err := os.ReadFile(path); err == nil && secret.Match(data) {
			p.t.Errorf("%s has %q", path, secret.Find(data))
		}
		return nil
	})
}

// freePort returns a port on which nobody listens. Hosts want a number.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
