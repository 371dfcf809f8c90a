//go:build linux

package jupyter_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/e2e/internal/browser"
	"github.com/tokentoss/tokentoss/emulator"
)

// The people who have accounts.
const (
	ada   = "ada@example.com"
	grace = "grace@example.com"
)

// A desk is where a person works: a provider, a configuration directory, notebooks, and
// a kernel that knows of them. Each test has its own, on a server and in a browser that
// it may share.
type desk struct {
	t        *testing.T
	name     string
	server   *server
	browser  *browser.Browser
	provider *emulator.Emulator
	client   core.ClientSecrets
	home     string // of the kernel and of the shell, and of nothing else
	config   string // tokentoss's directory
	notes    string // where this desk's notebooks are
	secrets  *secrets
	alone    bool // what is done here would change a page that other flows see
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// newDesk returns a desk at which a client is configured, or not. Its kernels, and all
// that they started, must have ended soon after they are told to, at the end of t.
func newDesk(t *testing.T, s *server, b *browser.Browser, configured bool) *desk {
	t.Helper()
	service := httptest.NewServer(http.HandlerFunc(serveData))
	t.Cleanup(service.Close)
	e, err := emulator.Start(t.Context(), emulator.Options{Accounts: []emulator.Account{{Email: ada}, {Email: grace}}, Upstream: service.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	name := strings.Trim(notInNames.ReplaceAllString(strings.ToLower(t.Name()), "-"), "-")
	d := &desk{t: t, name: name, server: s, browser: b.For(t), provider: e, home: filepath.Join(t.TempDir(), "home"), notes: filepath.Join(s.root, name)}
	if d.client, err = oidc.ParseClientSecrets(e.ClientSecrets()); err != nil {
		t.Fatal(err)
	}
	d.config = filepath.Join(d.home, "tokentoss")
	for _, dir := range []string{d.config, d.notes} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	// What is typed is a client of this provider, and not of Google's.
	if err := os.WriteFile(filepath.Join(d.config, "config.toml"), []byte(fmt.Sprintf("issuer = %q\n", e.Issuer())), 0o600); err != nil {
		t.Fatal(err)
	}
	if configured {
		d.shell(bytes.NewReader(e.ClientSecrets()), "configure", "--from", "-")
	}
	d.secrets = watchSecrets(d)
	d.pythonKernel(nil)
	t.Cleanup(func() {
		d.endKernels()
		wantNoProcess(t, d.home)
	})
	return d
}

// serveData is the service behind IAP. It lets nobody know who asks, so that what a
// notebook prints may be kept.
func serveData(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch r.Method + " " + r.URL.Path {
	case "GET /api/data":
		fmt.Fprint(w, `{"value": 42}`)
	case "POST /api/items":
		w.WriteHeader(http.StatusCreated)
		_, _ = io.Copy(w, r.Body)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// pythonKernel makes the desk's kernel one for Python, whose environment has more in it.
func (d *desk) pythonKernel(more map[string]string) {
	d.t.Helper()
	env := d.environ()
	maps.Copy(env, more)
	python := filepath.Join(d.server.venv, "bin", "python")
	d.server.kernel(d.t, d.name, "python", []string{python, "-m", "ipykernel_launcher", "-f", "{connection_file}"}, env)
}

// environ is what the kernel and the shell know of the desk.
func (d *desk) environ() map[string]string {
	return map[string]string{"HOME": d.home, "TOKENTOSS_CONFIG_DIR": d.config, "TOKENTOSS_INSECURE_LOOPBACK": "1"}
}

// endKernels ends all kernels, as a person does who closes notebooks.
func (d *desk) endKernels() {
	var kernels []struct{ ID string }
	d.server.api(d.t, http.MethodGet, "api/kernels", &kernels)
	for _, k := range kernels {
		d.server.api(d.t, http.MethodDelete, "api/kernels/"+k.ID, nil)
	}
}

// tokentoss returns a command in a shell of the desk. The executable is the one that
// came with the Python package.
func (d *desk) tokentoss(args ...string) *exec.Cmd {
	c := exec.Command(filepath.Join(d.server.venv, "bin", "tokentoss"), args...)
	c.Env = []string{"PATH=" + os.Getenv("PATH")}
	for name, value := range d.environ() {
		c.Env = append(c.Env, name+"="+value)
	}
	return c
}

// shell runs a command, which must succeed, and returns what it printed.
func (d *desk) shell(stdin *bytes.Reader, args ...string) string {
	d.t.Helper()
	c := d.tokentoss(args...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if stdin != nil {
		c.Stdin = stdin
	}
	out, err := c.Output()
	if err != nil {
		d.t.Fatalf("tokentoss %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// signInInShell signs ada in by the command line. A program plays her browser.
func (d *desk) signInInShell() {
	d.t.Helper()
	d.provider.SetAutoConsent(ada)
	d.shell(nil, "login", "--browser", "curl -sL -o /dev/null")
	d.provider.SetAutoConsent("")
}
