//go:build linux

package e2e_test

import (
	"archive/zip"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	svchost "github.com/hashicorp/terraform-svchost"
	"github.com/hashicorp/terraform-svchost/auth"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tokentoss/tokentoss/emulator"
)

// installed makes the link of a tool, and returns its path.
func (m *helped) installed(t *testing.T, tool, name string) string {
	t.Helper()
	dir := filepath.Join(m.home(), "links")
	m.run(t, "credential", "install", tool, "--dir", dir).wantCode(t, 0)
	return filepath.Join(dir, name)
}

// tool runs a program of the machine's person.
func (m *helped) tool(t *testing.T, env []string, path string, args ...string) result {
	t.Helper()
	c := exec.Command(path, args...)
	c.Env, c.Dir = m.env(env...), t.TempDir()
	return finish(t, c)
}

// shortToken is how long a token lives that is to expire while a program runs.
const shortToken = 10 * time.Second

// outlive returns when the tokens that are there have expired.
func outlive() { time.Sleep(shortToken + time.Second) }

// Go asks again for what its first token no longer opens, so that a build lasts as long as it
// likes.
func TestGoHelper(t *testing.T) {
	t.Parallel()
	var expired sync.Once
	module := moduleZip(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/example.com/private/@v/v1.0.0.info":
			expired.Do(outlive)
			fmt.Fprint(w, `{"Version": "v1.0.0"}`)
		case "/example.com/private/@v/v1.0.0.mod":
			fmt.Fprint(w, "module example.com/private\n")
		case "/example.com/private/@v/v1.0.0.zip":
			_, _ = w.Write(module)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	m := newHelped(t, emulator.Options{Upstream: server.URL, TokenLifetime: shortToken})
	front, ca := newFront(t, m)
	m.setTargets(t, front)
	bundle := filepath.Join(m.home(), "ca.pem")
	writeFile(t, bundle, ca)
	gopath := t.TempDir()
	download := func() result {
		return m.tool(t, []string{
			"GOAUTH=tokentoss credential go;netrc", "GOPROXY=" + front, "GONOSUMDB=*", "GOFLAGS=-modcacherw", "GOTOOLCHAIN=local",
			"GOPATH=" + gopath, "GOENV=off", "SSL_CERT_FILE=" + bundle,
		}, "go", "mod", "download", "-x", "example.com/private@v1.0.0")
	}
	download().wantCode(t, 0)
	if n := m.refreshes(); n == 0 {
		t.Error("no token expired: this tests nothing")
	}
	if text := string(mustRead(t, filepath.Join(gopath, "pkg/mod/example.com/private@v1.0.0/go.mod"))); !strings.Contains(text, "example.com/private") {
		t.Errorf("the module has %q", text)
	}

	m.run(t, "logout").wantCode(t, 0)
	gopath = t.TempDir()
	if r := download(); r.code == 0 || !strings.Contains(r.stderr, "401 Unauthorized") {
		t.Errorf("signed out: code %d, %s", r.code, r.stderr)
	}
}

// moduleZip is a module as a proxy of Go's serves it.
func moduleZip(t *testing.T) []byte {
	t.Helper()
	return zipOf(t, map[string]string{"example.com/private@v1.0.0/go.mod": "module example.com/private\n"})
}

func zipOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		f, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(f, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The answers have the form that the specification says, and tell when to ask again: before
// the token ends.
func TestBazelHelper(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile("testdata/bazel/get-credentials-response.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	m := newHelped(t, emulator.Options{TokenLifetime: shortToken})
	helper := m.installed(t, "bazel", "tokentoss-credential-bazel")
	ask := func(uri string) (authorization string, expires time.Time) {
		t.Helper()
		c := exec.Command(helper, "get")
		c.Env = m.env()
		c.Stdin = strings.NewReader(fmt.Sprintf(`{"uri": %q}`, uri))
		text := outputOf(t, c)
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err == nil {
			err = schema.Validate(value)
		}
		var answer struct {
			Headers map[string][]string
			Expires time.Time
		}
		if err == nil {
			err = json.Unmarshal([]byte(text), &answer)
		}
		if err != nil {
			t.Fatalf("%s: %v", uri, err)
		}
		return strings.Join(answer.Headers["Authorization"], ","), answer.Expires
	}
	iap := m.provider.IAPURL()
	for range 2 {
		asked := time.Now()
		authorization, expires := ask(iap + "/cache/ac/1")
		if status := statusOf(t, http.DefaultClient, iap+"/protected", authorization); status != http.StatusOK {
			t.Errorf("IAP answers %d", status)
		}
		if !expires.After(asked.Add(shortToken/2-2*time.Second)) || expires.After(time.Now().Add(shortToken)) {
			t.Errorf("asked at %s, it is to be kept until %s", asked, expires)
		}
		outlive()
	}
	if authorization, _ := ask("https://github.com/x"); authorization != "" {
		t.Error("another host is given the token")
	}
}

func statusOf(t *testing.T, client *http.Client, url, authorization string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", authorization)
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// Terraform's own package for hosts' credentials, which OpenTofu has too, asks the helper. It
// asks once in a run: the token that it gets has at least half an hour left.
func TestTerraformHelper(t *testing.T) {
	// The helper has the environment of this process.
	m := newHelped(t, emulator.Options{})
	front, ca := newFront(t, m)
	m.setTargets(t, front)
	helper := m.installed(t, "terraform", "terraform-credentials-tokentoss")
	for _, e := range m.env() {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	at, err := url.Parse(front)
	if err != nil {
		t.Fatal(err)
	}
	host, err := svchost.ForComparison(at.Host)
	if err != nil {
		t.Fatal(err)
	}
	age(t, m.tokens(), 20*time.Minute)
	source := auth.HelperProgramCredentialsSource(helper)
	credentials, err := source.ForHost(host)
	if err != nil || credentials == nil {
		t.Fatalf("credentials for %s: %v", host, err)
	}
	m.wantRefreshes(t, 1)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, front+"/protected", nil)
	if err != nil {
		t.Fatal(err)
	}
	credentials.PrepareRequest(req)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	if status := statusOf(t, client, front+"/protected", req.Header.Get("Authorization")); status != http.StatusOK {
		t.Errorf("IAP answers %d", status)
	}
	if c, err := source.ForHost("registry.opentofu.org"); c != nil || err != nil {
		t.Errorf("another host: %v, %v", c, err)
	}
	if err := source.ForgetForHost(host); err != nil {
		t.Errorf("forget: %v", err)
	}
	if err := source.StoreForHost(host, auth.HostCredentialsToken("x")); err == nil {
		t.Error("a token was stored")
	}
}

// aProxy starts the proxy, and returns host:port.
func (m *helped) aProxy(t *testing.T) string {
	t.Helper()
	p := start(t, m.command("proxy", m.provider.IAPURL()))
	return hostOf(t, "http://"+shownBy(t, p, shownProxy)[1])
}

// clientsEnv has the programs of make test-clients.
const clientsEnv = "TOKENTOSS_CLIENTS"

// aClient returns a program that make test-clients installs, by its path there or by its
// name.
func aClient(t *testing.T, path string) string {
	t.Helper()
	dir := os.Getenv(clientsEnv)
	if dir == "" {
		t.Skipf("make test-clients runs %s", filepath.Base(path))
	}
	if found, err := exec.LookPath(filepath.Join(dir, path)); err == nil {
		return found
	}
	found, err := exec.LookPath(filepath.Base(path))
	if err != nil {
		t.Fatalf("make test-clients installs it: %v", err)
	}
	return found
}
