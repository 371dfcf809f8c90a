package proxy_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// clientsDir has the programs that a machine usually lacks: make test-clients installs them.
const clientsDir = "TOKENTOSS_CLIENTS"

// program finds a client, or skips the test.
func program(t *testing.T, name string) string {
	t.Helper()
	if dir := os.Getenv(clientsDir); dir != "" {
		if path := filepath.Join(dir, "bin", name); exists(path) {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil || name != "git" && name != "node" && name != "curl" && os.Getenv(clientsDir) == "" {
		t.Skipf("%s: not tried; make test-clients does", name)
	}
	return path
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// client runs a program of a person without settings, and returns what it said.
func client(t *testing.T, env []string, path string, args ...string) (said string, ok bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 6*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = t.TempDir()
	cmd.WaitDelay = time.Second
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0"}, env...)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		t.Errorf("%s does not end: %s", filepath.Base(path), out)
	}
	return string(out), err == nil
}

// What people use says that nobody is signed in, and does not ask again and again.
func TestClientsOfSomebodySignedOut(t *testing.T) {
	signedOut := error(&core.SignInNeededError{Cause: core.CauseSignedOut})
	const sentence = "run tokentoss login"
	for _, c := range []struct {
		name, program string
		args          []string // with URL, that has the secret
		env           []string
		says          string
	}{
		{"git", "git", []string{"ls-remote", "URL/app.git"}, nil, sentence},
		{"curl", "curl", []string{"-sS", "--fail-with-body", "--retry", "9", "URL/x"}, nil, sentence},
		{"Node's fetch", "node", []string{"-e", "fetch(process.argv[1]).then(async r => { console.log(r.status, (await r.json()).detail); process.exit(1) })", "URL/x"}, nil, sentence},
		{"npm", "npm", []string{"view", "nothing", "--registry", "URL/"}, nil, sentence},
		{"pip, a file", "pip", []string{"--isolated", "download", "--no-cache-dir", "URL/x-1.0-py3-none-any.whl"}, nil, sentence},
		{"pip, an index", "pip", []string{"--isolated", "-vv", "download", "--no-cache-dir", "--index-url", "URL/simple/", "nothing"}, nil, sentence},
		{"uv, a file", "uv", []string{"pip", "install", "--no-cache", "--no-config", "--target", "x", "x @ URL/x-1.0-py3-none-any.whl"}, nil, "403"},
		{"uv, an index", "uv", []string{"pip", "install", "--no-cache", "--no-config", "--target", "x", "--index-url", "URL/simple/", "nothing"}, nil, "403 Forbidden"},
		{"MLflow", "python3", []string{"-c", "import mlflow; mlflow.MlflowClient().get_experiment('1')"}, []string{"MLFLOW_TRACKING_URI=URL"}, sentence},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := program(t, c.program)
			app := &ada{}
			app.fail.Store(&signedOut)
			w := start(t, app, proxy.Config{Targets: []string{serve(t, func(http.ResponseWriter, *http.Request) {})}}, proxy.Options{})
			at := strings.NewReplacer("URL", w.URL+"/~"+w.Secret.Reveal())
			for i := range c.args {
				c.args[i] = at.Replace(c.args[i])
			}
			for i := range c.env {
				c.env[i] = at.Replace(c.env[i])
			}
			said, ok := client(t, c.env, path, c.args...)
			if ok || !strings.Contains(said, c.says) {
				t.Errorf("succeeds: %t\n%s", ok, said)
			}
			if n := app.asked.Load(); n < 1 || n > 2 {
				t.Errorf("it asked %d times\n%s", n, said)
			}
			t.Log(said)
		})
	}
}

// Git has the secret from a file that is for this address alone, and keeps it when
// nobody is signed in.
func TestGitCredentials(t *testing.T) {
	git := program(t, "git")
	repository := t.TempDir()
	for _, args := range [][]string{{"init", "--quiet", "--bare", repository}, {"-C", repository, "update-server-info"}} {
		if said, ok := client(t, nil, git, args...); !ok {
			t.Fatal(said)
		}
	}
	app := &ada{}
	w := start(t, app, proxy.Config{Targets: []string{serve(t, http.FileServer(http.Dir(repository)).ServeHTTP)}}, proxy.Options{Dir: t.TempDir()})
	other, asked := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Www-Authenticate", `Basic realm="another server of this machine"`)
		w.WriteHeader(http.StatusUnauthorized)
		if r.Header.Get("Authorization") != "" {
			t.Errorf("it was sent %s", r.Header.Get("Authorization"))
		}
	}), []string{"-c", `credential.helper=store --file "` + w.Git + `"`}
	if said, ok := client(t, nil, git, append(asked, "ls-remote", w.URL+"/")...); !ok {
		t.Errorf("signed in: %s", said)
	}
	before := read(t, w.Git)
	if said, ok := client(t, nil, git, append(asked, "ls-remote", other+"/")...); ok {
		t.Errorf("another port: %s", said)
	}
	signedOut := error(&core.SignInNeededError{Cause: core.CauseSignedOut})
	app.fail.Store(&signedOut)
	deadline := time.Now().Add(patience)
	for said, ok := "", true; ok; { // a token is used for a moment
		if said, ok = client(t, nil, git, append(asked, "ls-remote", w.URL+"/")...); !ok && !strings.Contains(said, "run tokentoss login") || time.Now().After(deadline) {
			t.Fatalf("signed out: %s", said)
		}
	}
	if after := read(t, w.Git); !strings.Contains(before, w.Secret.Reveal()) || after != before {
		t.Errorf("the credentials were %q and are %q", before, after)
	}
}
