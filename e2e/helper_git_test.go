//go:build linux

package e2e_test

import (
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
)

// A gitServer is git's own, behind IAP.
type gitServer struct {
	*httptest.Server
	served atomic.Int64
}

// newGitServer serves one repository, app.git, to ada alone.
func newGitServer(t *testing.T) *gitServer {
	t.Helper()
	root := t.TempDir()
	core := strings.TrimSpace(outputOf(t, exec.Command("git", "--exec-path")))
	outputOf(t, exec.Command("git", "init", "--quiet", "--bare", "--initial-branch=main", filepath.Join(root, "app.git")))
	outputOf(t, exec.Command("git", "-C", filepath.Join(root, "app.git"), "config", "http.receivepack", "true"))
	backend := &cgi.Handler{
		Path: filepath.Join(core, "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + root},
	}
	s := &gitServer{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Goog-Authenticated-User-Email") != "accounts.google.com:"+ada {
			http.Error(w, "IAP did not send this", http.StatusTeapot)
			return
		}
		s.served.Add(1)
		backend.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// outputOf runs c to its end, which must be a good one.
func outputOf(t *testing.T, c *exec.Cmd) (stdout string) {
	t.Helper()
	return finish(t, c).wantCode(t, 0).stdout
}

// A git is one that is installed, with a person's settings. It notes when the
// person would be asked for a password.
type git struct {
	m     *helped
	path  string
	env   []string
	asked string // the file that tells
	dir   string // of clones
}

func newGit(t *testing.T, m *helped, path string, env ...string) *git {
	t.Helper()
	g := &git{m: m, path: path, asked: filepath.Join(t.TempDir(), "asked"), dir: t.TempDir()}
	ask := filepath.Join(t.TempDir(), "ask")
	writeFile(t, ask, []byte("#!/bin/sh\necho \"$1\" >>'"+g.asked+"'\nexit 1\n"))
	if err := os.Chmod(ask, 0o700); err != nil {
		t.Fatal(err)
	}
	g.env = m.env(append(env, "GIT_ASKPASS="+ask, "GIT_CONFIG_NOSYSTEM=1")...)
	g.set(t, "user.name", "Ada")
	g.set(t, "user.email", ada)
	return g
}

// git runs git, in the clone of that name if there is one.
func (g *git) git(t *testing.T, clone string, args ...string) result {
	t.Helper()
	c := exec.Command(g.path, args...)
	c.Env, c.Dir = g.env, filepath.Join(g.dir, clone)
	return finish(t, c)
}

func (g *git) set(t *testing.T, name, value string) {
	t.Helper()
	g.git(t, "", "config", "--global", "--replace-all", name, value).wantCode(t, 0)
}

// roundTrip clones, pushes, and finds what was pushed in another clone.
func (g *git) roundTrip(t *testing.T, url string) {
	t.Helper()
	g.git(t, "", "clone", "--quiet", url, "one").wantCode(t, 0)
	writeFile(t, filepath.Join(g.dir, "one", "file"), []byte("content\n"))
	for _, args := range [][]string{
		{"checkout", "--quiet", "-B", "main"}, {"add", "file"}, {"commit", "--quiet", "-m", "first"}, {"push", "--quiet", "origin", "main"}, {"fetch", "--quiet"},
	} {
		g.git(t, "one", args...).wantCode(t, 0)
	}
	g.git(t, "", "clone", "--quiet", url, "two").wantCode(t, 0)
	if got := string(mustRead(t, filepath.Join(g.dir, "two", "file"))); got != "content\n" {
		t.Errorf("the second clone has %q", got)
	}
	g.wantNobodyAsked(t)
}

func (g *git) wantNobodyAsked(t *testing.T) {
	t.Helper()
	if what, err := os.ReadFile(g.asked); err == nil {
		t.Errorf("git asked the person: %s", what)
	}
}

var gitVersion = regexp.MustCompile(`(\d+)\.(\d+)`)

// knowsTokens tells whether a git takes tokens from helpers: since 2.46.
func knowsTokens(t *testing.T, path string) bool {
	t.Helper()
	var major, minor int
	if _, err := fmt.Sscan(strings.Join(gitVersion.FindStringSubmatch(outputOf(t, exec.Command(path, "version")))[1:], " "), &major, &minor); err != nil {
		t.Fatal(err)
	}
	return major > 2 || major == 2 && minor >= 46
}

// newerGit returns a git that takes tokens: the machine's, or one that is unpacked
// for the test.
func newerGit(t *testing.T) (path string, env []string) {
	t.Helper()
	if path, err := exec.LookPath("git"); err == nil && knowsTokens(t, path) {
		return path, nil
	}
	const core = "/usr/lib/git-core/"
	path = unpack(t, "git", "/usr/bin/git", core+"git-remote-http", core+"git-remote-https")
	if !knowsTokens(t, path) {
		t.Skip("this machine's git is older than 2.46, and so is that of Debian's stable release")
	}
	return path, []string{"GIT_EXEC_PATH=" + filepath.Dir(path)}
}

func TestGitHelper(t *testing.T) {
	t.Parallel()
	path, env := newerGit(t)
	server := newGitServer(t)
	m := newHelped(t, emulator.Options{Upstream: server.URL})
	g := newGit(t, m, path, env...)
	at := m.provider.IAPURL()
	g.set(t, "credential."+at+".helper", "!tokentoss credential git")
	g.set(t, "http."+at+".proactiveAuth", "auto")
	g.roundTrip(t, at+"/app.git")
	for _, r := range m.provider.Requests(emulator.IAP) {
		if r.Header.Get("Authorization") == "" {
			t.Errorf("%s was asked for without a token, at first", r.Path)
		}
	}

	// Without proactiveAuth git wants a 401 to ask its helper, which IAP gives to
	// those who say that they are no browser.
	g.git(t, "", "config", "--global", "--unset", "http."+at+".proactiveAuth").wantCode(t, 0)
	g.set(t, "http."+at+".extraHeader", "X-Requested-With: XMLHttpRequest")
	m.provider.ResetCalls()
	wantWords(t, "the list", g.git(t, "", "ls-remote", at+"/app.git").wantCode(t, 0).stdout, "refs/heads/main")
	if first := m.provider.Requests(emulator.IAP)[0]; first.Header.Get("Authorization") != "" {
		t.Error("git sent a token before it was refused: this tests nothing")
	}

	// Another helper keeps what helpers give; not this.
	g.git(t, "", "config", "--global", "--add", "credential.helper", "store").wantCode(t, 0)
	g.git(t, "", "ls-remote", at+"/app.git").wantCode(t, 0)
	if kept, err := os.ReadFile(filepath.Join(m.home(), ".git-credentials")); err == nil && len(kept) > 0 {
		t.Error("git's own store was given the token")
	}

	// What cannot be had is said once, and nobody is asked for a password.
	m.provider.SetAllowedClients([]string{})
	if r := g.git(t, "", "ls-remote", at+"/app.git"); r.code == 0 {
		t.Error("a refused token worked")
	}
	m.provider.SetAllowedClients(nil)
	if r := m.run(t, "status"); r.code != 0 {
		t.Errorf("a service refused the token, and the session ended: %s", r.stdout)
	}
	g.git(t, "", "config", "--global", "--unset", "credential.helper").wantCode(t, 0)
	m.run(t, "logout").wantCode(t, 0)
	r := g.git(t, "", "ls-remote", at+"/app.git")
	wantWords(t, "git", r.stderr, "tokentoss: error: ", "tokentoss: hint: tokentoss login", "told us to quit")
	if r.code == 0 {
		t.Error("git got through without a session")
	}
	g.wantNobodyAsked(t)
}

// A git that takes no tokens says so, and gets through with a cookie jar.
func TestGitCookieJar(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("git")
	if err != nil {
		t.Skip("there is no git")
	}
	server := newGitServer(t)
	m := newHelped(t, emulator.Options{Upstream: server.URL})
	g := newGit(t, m, path)
	at := m.provider.IAPURL()
	if !knowsTokens(t, path) {
		g.set(t, "credential."+at+".helper", "!tokentoss credential git")
		g.set(t, "http."+at+".extraHeader", "X-Requested-With: XMLHttpRequest")
		r := g.git(t, "", "ls-remote", at+"/app.git")
		wantWords(t, "git", r.stderr, "that began with git 2.46", "tokentoss token --jar FILE "+at, "told us to quit")
		if r.code == 0 {
			t.Error("an old git got through")
		}
	}
	jar := filepath.Join(m.home(), "jar")
	m.run(t, "token", "--jar", jar, at).wantCode(t, 0)
	g.set(t, "http."+at+".cookieFile", jar)
	g.roundTrip(t, at+"/app.git")
}

// Any git, with the proxy: the password is in a file that is for this address alone.
func TestGitThroughProxy(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("git")
	if err != nil {
		t.Skip("there is no git")
	}
	server := newGitServer(t)
	m := newHelped(t, emulator.Options{Upstream: server.URL})
	g := newGit(t, m, path)
	at := m.provider.IAPURL()
	p := start(t, m.command("proxy", at))
	shown := shownBy(t, p, regexp.MustCompile(`git config --global (credential\.(\S+)\.helper) '(.+)'`))
	g.set(t, shown[1], shown[3])
	g.set(t, "url."+shown[2]+"/.insteadOf", at+"/")
	g.roundTrip(t, at+"/app.git")
}

// shownBy waits until a process says on standard error what re wants.
func shownBy(t *testing.T, p *process, re *regexp.Regexp) (match []string) {
	t.Helper()
	poll(t, re.String(), func() bool {
		select {
		case <-p.done:
			t.Fatalf("it ended: %s", p.stderr.String())
		default:
		}
		match = re.FindStringSubmatch(p.stderr.String())
		return match != nil
	})
	return match
}
