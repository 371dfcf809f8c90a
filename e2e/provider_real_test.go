//go:build linux

package e2e_test

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/e2e/internal/suite"
)

// cookieBrowser plays a browser: curl, which follows redirects and keeps cookies.
const cookieBrowser = "curl -sL -b '' -o /dev/null"

// realProviders builds the providers and guards of others, once. They are modules outside of the workspace.
var realProviders = sync.OnceValues(func() (string, error) {
	dir, err := filepath.Abs("../.cache/providers")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "-C", "tools/providers", "build", "-o", dir+string(filepath.Separator), "tool", "./dex")
	cmd.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building providers: %w\n%s", err, out)
	}
	return dir, nil
})

// realProvider returns the path of a program that tests sign in at or go through.
func realProvider(t *testing.T, name string) string {
	t.Helper()
	suite.Need(t, suite.Providers)
	dir, err := realProviders()
	if err != nil {
		t.Skip(err)
	}
	return filepath.Join(dir, name)
}

// freeAddress returns an address on loopback that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serving waits until a server answers at address, whatever it says.
func serving(t *testing.T, p *process, address string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	poll(t, "it answers", func() bool {
		res, err := client.Get(address)
		if err == nil {
			res.Body.Close()
		}
		select {
		case <-p.done:
			t.Fatalf("it ended: %s%s", p.stdout.String(), p.stderr.String())
		default:
		}
		return err == nil
	})
}

// A dex is https://dexidp.io, with an account that agrees to everything. Its memory ends with it.
type dex struct {
	path, address, web string
	port               string // to which it redirects
	process            *process
}

// What Dex knows the client by.
const (
	dexClient = "tokentoss"
	dexSecret = "a secret of Dex"
)

func newDex(t *testing.T) *dex {
	t.Helper()
	d := &dex{path: realProvider(t, "dex"), address: freeAddress(t)}
	_, d.port, _ = net.SplitHostPort(freeAddress(t))
	cmd := exec.Command("go", "-C", "tools/providers", "list", "-m", "-f", "{{.Dir}}", "github.com/dexidp/dex")
	cmd.Env = append(os.Environ(), "GOWORK=off")
	d.web = filepath.Join(strings.TrimSpace(outputOf(t, cmd)), "web")
	d.start(t)
	return d
}

func (d *dex) issuer() string { return "http://" + d.address + "/dex" }

func (d *dex) start(t *testing.T) {
	t.Helper()
	d.process = start(t, exec.Command(d.path, d.address, d.web, dexClient, dexSecret, "http://127.0.0.1:"+d.port+"/callback"))
	serving(t, d.process, d.issuer()+"/.well-known/openid-configuration")
}

// forget restarts it, after which it knows no session.
func (d *dex) forget(t *testing.T) {
	t.Helper()
	_ = d.process.cmd.Process.Kill()
	<-d.process.done
	d.start(t)
}

// machine returns a machine on which the account of the provider is signed in.
func (d *dex) machine(t *testing.T) *machine {
	t.Helper()
	m := &machine{dir: filepath.Join(t.TempDir(), "tokentoss")}
	c := m.command("configure", "--client-id", dexClient, "--issuer", d.issuer(), "--client-secret-file", "-")
	c.Stdin = strings.NewReader(dexSecret)
	finish(t, c).wantCode(t, 0)
	d.signIn(t, m)
	return m
}

func (d *dex) signIn(t *testing.T, m *machine) {
	t.Helper()
	m.run(t, "login", "--redirect-port", d.port, "--browser", cookieBrowser).wantCode(t, 0)
}

// A life at Dex: sign in, refresh with rotation, and the end of the session, which Dex says by invalid_request.
func TestProviderDex(t *testing.T) {
	d := newDex(t)
	m := d.machine(t)
	wantWords(t, "status", m.run(t, "status").wantCode(t, 0).stdout, "kilgore@kilgore.trout", d.issuer())

	before := m.session(t)["refresh_token"]
	age(t, m.tokens(), -time.Minute)
	m.run(t, "token").wantCode(t, 0)
	if m.session(t)["refresh_token"] == before {
		t.Error("Dex rotates refresh tokens, and the new one was not saved")
	}

	d.forget(t)
	age(t, m.tokens(), -time.Minute)
	r := m.run(t, "token").wantCode(t, 3)
	wantWords(t, "the error", r.stderr, "tokentoss login")
	d.signIn(t, m)
	m.run(t, "token").wantCode(t, 0)
}

// node's oidc-provider, a certified one: the client's ID and secret by HTTP Basic with odd characters, tokens that are
// not signed with RS256, and refresh tokens for offline_access with prompt=consent alone.
func TestProviderNode(t *testing.T) {
	suite.Need(t, suite.Providers)
	dir := nodeProvider(t)
	for _, tt := range []struct{ auth, alg string }{
		{"client_secret_basic", "ES384"}, {"client_secret_post", "PS256"}, {"client_secret_basic", "EdDSA"},
	} {
		t.Run(tt.auth+" "+tt.alg, func(t *testing.T) {
			issuer := startNodeProvider(t, dir, tt.auth, tt.alg)
			m := &machine{dir: filepath.Join(t.TempDir(), "tokentoss")}
			c := m.command("configure", "--client-id", "tokentoss", "--issuer", issuer, "--client-secret-file", "-")
			c.Stdin = strings.NewReader("a+b:c%d&e=f g")
			finish(t, c).wantCode(t, 0)
			m.run(t, "login", "--browser", cookieBrowser).wantCode(t, 0)
			wantWords(t, "status", m.run(t, "status").wantCode(t, 0).stdout, ada, issuer)
			// It gave no refresh token, since nobody was asked to consent. The next sign-in asks.
			m.run(t, "login", "--browser", cookieBrowser).wantCode(t, 0)
			age(t, m.tokens(), -time.Minute)
			m.run(t, "token").wantCode(t, 0)
			m.run(t, "logout").wantCode(t, 0)
			m.run(t, "token").wantCode(t, 3)
		})
	}
}

// nodeProvider installs oidc-provider and returns its directory.
func nodeProvider(t *testing.T) string {
	t.Helper()
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(program + " is missing here")
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/oidc-provider")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("oidc-provider cannot be had here: %v\n%s", err, out)
	}
	return dir
}

// startNodeProvider returns the issuer.
func startNodeProvider(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("node", append([]string{"server.js"}, args...)...)
	cmd.Dir = dir
	var said bytes.Buffer
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = in.Close(), cmd.Wait() })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "http://") {
			return lines.Text()
		}
	}
	t.Fatalf("oidc-provider does not start:\n%s", said.String())
	return ""
}

// oauth2-proxy in front of a service, with Dex behind it: a token that it takes, and one that it answers with a redirect
// to the profile's own provider.
func TestGuardOAuth2Proxy(t *testing.T) {
	d := newDex(t)
	m := d.machine(t)
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, "hello", r.Header.Get("X-Forwarded-Email"))
	}))
	t.Cleanup(service.Close)
	guard := func(client string) string {
		address := freeAddress(t)
		p := start(t, exec.Command(realProvider(t, "oauth2-proxy"),
			"--http-address="+address, "--upstream="+service.URL, "--provider=oidc", "--oidc-issuer-url="+d.issuer(),
			"--client-id="+client, "--client-secret=unused", "--cookie-secret=0123456789abcdef", "--cookie-secure=false", "--email-domain=*",
			"--skip-jwt-bearer-tokens=true", "--skip-provider-button=true", "--redirect-url=http://"+address+"/oauth2/callback"))
		serving(t, p, "http://"+address+"/ping")
		return "http://" + address
	}
	wantWords(t, "the service", m.run(t, "get", guard(dexClient)+"/").wantCode(t, 0).stdout, "hello kilgore@kilgore.trout")
	if r := m.run(t, "get", guard("another client")+"/").wantCode(t, 4); r.stdout != "" {
		t.Errorf("the sign-in page is taken for the answer: %s", r.stdout)
	}
}
