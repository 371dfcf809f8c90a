//go:build linux

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/e2e/internal/suite"
	"github.com/tokentoss/tokentoss/emulator"
)

// A googleProgram runs a program that uses Google's libraries.
type googleProgram func(t *testing.T, env []string, args ...string) result

// googleGo builds testdata/google.
func googleGo(t *testing.T) googleProgram {
	t.Helper()
	if testing.Short() {
		t.Skip("downloads and builds Google's Go libraries")
	}
	bin := filepath.Join(t.TempDir(), "google")
	c := exec.Command("go", "build", "-o", bin, ".")
	c.Dir, c.Env = "testdata/google", append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
	outputOf(t, c)
	return func(t *testing.T, env []string, args ...string) result {
		t.Helper()
		c := exec.Command(bin, args...)
		c.Env = env
		return finish(t, c)
	}
}

// googleScript does with Google's Python libraries what testdata/google does in Go.
const googleScript = `
import sys, google.auth, requests
from google.auth.transport.requests import Request
from google.auth.compute_engine import _metadata
from google.oauth2 import id_token

def fetch(audience, url):
    r = requests.get(url, headers={"Authorization": "Bearer " + id_token.fetch_id_token(Request(), audience)})
    print(r.status_code)
    print(r.text)

def metadata():
    info = _metadata.get_service_account_info(Request())
    print(str(_metadata.ping(Request())).lower(), info["email"], _metadata.get_project_id(Request()), info["scopes"])

def access():
    creds, _ = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
    creds.refresh(Request())
    print(creds.token)

globals()[sys.argv[1]](*sys.argv[2:])
`

// googlePython installs Google's Python libraries.
func googlePython(t *testing.T) googleProgram {
	t.Helper()
	if testing.Short() {
		t.Skip("downloads Python packages")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	dir := filepath.Join(t.TempDir(), "venv")
	bin := filepath.Join(dir, "bin", "python")
	for _, args := range [][]string{
		{"python3", "-m", "venv", dir}, {bin, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "google-auth", "requests"},
	} {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Skipf("Google's Python libraries cannot be had here: %v: %v\n%s", args, err, out)
		}
	}
	return func(t *testing.T, env []string, args ...string) result {
		t.Helper()
		c := exec.Command(bin, append([]string{"-I", "-c", googleScript}, args...)...)
		c.Env = env
		return finish(t, c)
	}
}

// Programs that know of Google Cloud alone, in either language.
func TestGooglesLibraries(t *testing.T) {
	suite.Need(t, suite.Clients)
	t.Parallel()
	for name, install := range map[string]func(*testing.T) googleProgram{"go": googleGo, "python": googlePython} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run := install(t)
			t.Run("metadata", func(t *testing.T) { metadataFor(t, run) })
			t.Run("executable", func(t *testing.T) { executableFor(t, run) })
		})
	}
}

var shownHost = regexp.MustCompile(`export (GCE_METADATA_HOST=\S+) (GCE_METADATA_IP=(\S+))`)

// metadataServer starts tokentoss metadata and returns the environment that it
// wants programs to have.
func (m *machine) metadataServer(t *testing.T, args ...string) (env []string, at string) {
	t.Helper()
	p := start(t, m.command(append([]string{"metadata"}, args...)...))
	shown := shownBy(t, p, shownHost)
	return m.env(shown[1], shown[2]), shown[3]
}

// metadataFor has a program reach a service behind IAP by what it takes for the
// metadata server of its machine.
func metadataFor(t *testing.T, run googleProgram) {
	t.Helper()
	m := newHelped(t, emulator.Options{})
	client := m.provider.Clients()[0].ID
	service := m.provider.IAPURL() + "/whoami"
	for _, guard := range []string{"owner", "path"} {
		env, _ := m.metadataServer(t, "--project", "the-project", "--guard", guard)
		r := run(t, env, "fetch", client, service).wantCode(t, 0)
		wantWords(t, "the service's answer", r.stdout, "200\n", `"email": "ada@example.com"`)
		r = run(t, env, "metadata").wantCode(t, 0)
		wantWords(t, "the machine", r.stdout, "true ada@example.com the-project", "openid")
	}

	env, _ := m.metadataServer(t)
	other := "32555940559.apps.googleusercontent.com"
	r := run(t, env, "fetch", other, service)
	wantWords(t, "the error for another audience", r.stderr, client, other, "--any-audience")
	r2 := run(t, env, "access")
	wantWords(t, "the error for an access token", r2.stderr, "no access tokens")
	if r.code == 0 || r2.code == 0 {
		t.Error("it was given what is not there")
	}
	generous, _ := m.metadataServer(t, "--any-audience")
	wantWords(t, "the answer", run(t, generous, "fetch", other, service).stdout, ada)

	m.run(t, "logout").wantCode(t, 0)
	wantWords(t, "the error without a session", run(t, env, "fetch", client, service).stderr, "run tokentoss login")
}

// An sts stands for Google's token service: it takes ada's token for another.
type sts struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string // subject tokens
}

func newSTS(t *testing.T) *sts {
	t.Helper()
	s := &sts{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.PostFormValue("subject_token_type") != "urn:ietf:params:oauth:token-type:id_token" {
			http.Error(w, `{"error": "invalid_request"}`, http.StatusBadRequest)
			return
		}
		s.seen = append(s.seen, r.PostFormValue("subject_token"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token": "federated", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "token_type": "Bearer", "expires_in": 3600}`))
	}))
	t.Cleanup(s.Close)
	return s
}

// credentials is a credential configuration with what docs/helpers.md says.
func (s *sts) credentials(t *testing.T, m *helped) string {
	t.Helper()
	text := fmt.Sprintf(`{
		"type": "external_account", "token_url": %q,
		"audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
		%s}`, s.URL, strings.Replace(documented(t, "json"), "/usr/local/bin/", binaries(t)+"/", 1))
	path := filepath.Join(m.home(), "credentials.json")
	writeFile(t, path, []byte(text))
	return path
}

// executableFor has a program get an access token for ada's ID token.
func executableFor(t *testing.T, run googleProgram) {
	t.Helper()
	s := newSTS(t)
	m := newHelped(t, emulator.Options{})
	env := m.env("GOOGLE_APPLICATION_CREDENTIALS="+s.credentials(t, m), "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES=1",
		"GOOGLE_CLOUD_PROJECT=the-project") // or Python's asks Google for it
	// --verbose would go where Python reads the answer.
	loud := append(env, "TOKENTOSS_VERBOSE=1")
	for _, e := range [][]string{env, loud} {
		if r := run(t, e, "access").wantCode(t, 0); r.stdout != "federated\n" {
			t.Errorf("the program got %q", r.stdout)
		}
	}
	want := strings.TrimSpace(m.run(t, "token").stdout)
	s.mu.Lock()
	if len(s.seen) != 2 || s.seen[0] != want || s.seen[1] != want {
		t.Errorf("the token service was sent %d tokens, and not the session's", len(s.seen))
	}
	s.mu.Unlock()
	m.run(t, "logout").wantCode(t, 0)
	r := run(t, env, "access")
	wantWords(t, "the error", r.stderr, "tokentoss: ", "tokentoss login")
	if r.code == 0 {
		t.Error("it got a token without a session")
	}
}

// What Google's libraries read, as AIP-4117 has it.
func TestExecutableAnswer(t *testing.T) {
	t.Parallel()
	m := newHelped(t, emulator.Options{})
	ask := func(env ...string) map[string]any {
		t.Helper()
		c := m.command("credential", "executable")
		c.Env = append(c.Env, env...)
		r := finish(t, c).wantCode(t, 0)
		if r.stderr != "" {
			t.Errorf("standard error has %q", r.stderr)
		}
		answer, err := decode([]byte(r.stdout))
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	const kind = "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE=urn:ietf:params:oauth:token-type:"
	good := ask(kind+"jwt", "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE=0", "GOOGLE_EXTERNAL_ACCOUNT_REVOKE=0",
		"GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE="+filepath.Join(m.home(), "output"))
	seconds, _ := good["expiration_time"].(json.Number).Int64()
	if left := time.Until(time.Unix(seconds, 0)); good["success"] != true || good["version"] != json.Number("1") || left < 50*time.Minute || left > time.Hour {
		t.Errorf("the answer is %v", good)
	}
	if _, err := os.Stat(filepath.Join(m.home(), "output")); err == nil {
		t.Error("the token is in a second file")
	}
	for env, code := range map[string]string{
		kind + "saml2": "2", "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE=1": "2", "GOOGLE_EXTERNAL_ACCOUNT_REVOKE=1": "2",
		"TOKENTOSS_PROFILE=nobody": "2", "TOKENTOSS_TOKEN_FILE=" + filepath.Join(m.home(), "nothing"): "3",
	} {
		bad := ask(env)
		if message, _ := bad["message"].(string); bad["success"] != false || bad["code"] != code || !strings.HasPrefix(message, "tokentoss: ") {
			t.Errorf("%s: the answer is %v", env, bad)
		}
	}
}
