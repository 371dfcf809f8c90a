//go:build linux

package clients_test

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

const (
	ada = "ada@example.com"

	// lifetime is that of tokens.
	lifetime = 5 * time.Second

	// pause is for how long a client waits between its two turns: a token of the first is of no use in the second.
	pause = "6"

	// patience is how long anything may take before a test gives up on it.
	patience = 4 * time.Minute

	domain = ".iap.test"
	site   = "https://wiki" + domain
)

// A world is a person's machine and a network in which all names below .iap.test are
// services behind IAP, at port 443. No other name leads anywhere. It takes no loopback
// name or address, which many programs do not send to a proxy, to get there.
type world struct {
	*emulator.Emulator
	home, ca string
	way      *httptest.Server // a forward proxy, the only way out

	mu      sync.Mutex
	strange []string // hosts that are not in this world and were asked for
}

// newWorld has ada signed in. Upstream is the URL of the services.
func newWorld(t *testing.T, upstream string) *world {
	t.Helper()
	e, err := emulator.Start(t.Context(), emulator.Options{
		TLS: true, TLSNames: []string{"*" + domain}, TokenLifetime: lifetime, AutoConsent: ada, Upstream: upstream,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	// Its name has nothing of the test's, some of which shells would read otherwise.
	home, err := os.MkdirTemp("", "tokentoss-client-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	w := &world{Emulator: e, home: home}
	w.ca = filepath.Join(w.home, "ca.pem")
	write(t, w.ca, string(e.CA()))
	secrets := filepath.Join(w.home, "client_secrets.json")
	write(t, secrets, string(e.ClientSecrets()))
	w.way = httptest.NewServer(http.HandlerFunc(w.connect))
	t.Cleanup(w.way.Close)
	w.tokentoss(t, "configure", "--from", secrets).want(t, "")
	w.tokentoss(t, "login", "--browser", "curl -sL --cacert "+w.ca+" -o "+os.DevNull).want(t, "")
	write(t, filepath.Join(w.home, ".config", "tokentoss", "config.toml"), `targets = ["`+site+`"]`+"\n")
	return w
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// connect leads a tunnel to the services (RFC 9110 section 9.3.6).
func (w *world) connect(out http.ResponseWriter, r *http.Request) {
	host, port, err := net.SplitHostPort(r.Host)
	if r.Method != http.MethodConnect || err != nil || !strings.HasSuffix(host, domain) || port != "443" {
		w.mu.Lock()
		w.strange = append(w.strange, r.Host)
		w.mu.Unlock()
		http.Error(out, "there is no such host in this test", http.StatusBadGateway)
		return
	}
	there, err := net.Dial("tcp", strings.TrimPrefix(w.IAPURL(), "https://"))
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadGateway)
		return
	}
	defer there.Close()
	here, buffered, err := out.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer here.Close()
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	done := make(chan struct{}, 2)
	for to, from := range map[net.Conn]io.Reader{there: buffered, here: there} {
		go func() {
			_, _ = io.Copy(to, from)
			done <- struct{}{}
		}()
	}
	<-done
}

// env is the environment of the person's programs, which have nothing of the test's.
func (w *world) env(more ...string) []string {
	return append([]string{
		"PATH=" + path(), "HOME=" + w.home, "XDG_RUNTIME_DIR=" + w.home, "SSL_CERT_FILE=" + w.ca, "HTTPS_PROXY=" + w.way.URL, "HTTP_PROXY=" + w.way.URL,
		"TOKENTOSS_INSECURE_LOOPBACK=1", "LANG=C.UTF-8", "PAUSE=" + pause, "SITE=" + site, "PYTHONDONTWRITEBYTECODE=1",
		"RUSTUP_HOME=" + cmp.Or(os.Getenv("RUSTUP_HOME"), filepath.Join(os.Getenv("HOME"), ".rustup")),
	}, more...)
}

// path is where the programs are.
func path() string {
	return strings.Join([]string{binaries, programs + "/node/node_modules/.bin", programs + "/python/bin", programs + "/go", os.Getenv("PATH")}, ":")
}

// A said is what a program that ended said, and whether it succeeded.
type said struct {
	command, text string
	ok            bool
}

// run runs a program of the person to its end.
func (w *world) run(t *testing.T, more []string, command ...string) said {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	c.Path, c.Err = lookUp(command[0]), nil
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	c.Env, c.Dir, c.WaitDelay = w.env(more...), t.TempDir(), time.Second
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	err := c.Run()
	return said{strings.Join(command, " "), out.String(), err == nil}
}

// lookUp returns where a program is, or its name.
func lookUp(name string) string {
	for dir := range strings.SplitSeq(path(), ":") {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
			return filepath.Join(dir, name)
		}
	}
	return name
}

func (w *world) tokentoss(t *testing.T, args ...string) said {
	t.Helper()
	c := exec.CommandContext(t.Context(), filepath.Join(binaries, "tokentoss"), args...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.home, "XDG_RUNTIME_DIR=" + w.home, "SSL_CERT_FILE=" + w.ca, "TOKENTOSS_INSECURE_LOOPBACK=1"}
	out, err := c.CombinedOutput()
	return said{"tokentoss " + args[0], string(out), err == nil}
}

// want fails unless the program succeeded and said so.
func (s said) want(t *testing.T, text string) said {
	t.Helper()
	if !s.ok || !strings.Contains(s.text, text) {
		t.Fatalf("succeeded: %t, wanted %q in what it said\n%s\n%s", s.ok, text, s.command, s.text)
	}
	return s
}

// wantRenewed fails unless IAP let a client that calls itself so through with one token,
// and later with another.
func (w *world) wantRenewed(t *testing.T, agent string) {
	t.Helper()
	name := regexp.MustCompile(agent)
	tokens, agents := map[string]bool{}, map[string]bool{}
	for _, r := range w.Requests(emulator.Upstream) {
		agents[r.Header.Get("User-Agent")] = true
		if name.MatchString(r.Header.Get("User-Agent")) {
			tokens[r.Header.Get("X-Goog-Iap-Jwt-Assertion")] = true
		}
	}
	sent := map[string]bool{}
	for _, r := range w.Requests(emulator.IAP) {
		if name.MatchString(r.Header.Get("User-Agent")) {
			for _, h := range []string{"Authorization", "Proxy-Authorization"} {
				if v := r.Header.Get(h); strings.Contains(v, "eyJ") {
					sent[v] = true
				}
			}
		}
	}
	if len(sent) < 2 || len(tokens) < 2 {
		t.Errorf("it got through with %d tokens, as %v", len(sent), maps.Keys(agents))
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.strange) > 0 {
		t.Logf("it asked for %q, too", w.strange)
	}
}
