//go:build linux

package e2e_test

import (
	"bytes"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// However much it is told to say, tokentoss shows no secret: not on
// its streams, not in a file but the session's and the client's, not in its or
// any child's argument list or environment.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{AutoConsent: ada})
	s := &secrets{m: m, kinds: map[string]string{}}
	m.provider.SetTokenAnswer(s.answered)
	// Long enough for the watcher to see who is waiting for an answer.
	for _, e := range []emulator.Endpoint{emulator.Authorize, emulator.Token, emulator.Revoke} {
		m.provider.SetFault(e, &emulator.Fault{Delay: 250 * time.Millisecond})
	}
	w := watch(t, m.dir)
	r := &transcript{t: t, m: m, watcher: w}
	wholeJob(r)
	seen := w.stop()
	s.collect()

	for _, kind := range []string{"code", "code_verifier", "state", "client_secret", "refresh_token", "access_token", "id_token"} {
		if !s.has(kind) {
			t.Errorf("the run had no %s: this test tests nothing", kind)
		}
	}
	for _, o := range r.said {
		s.wantNone(t, o.what, o.text, o.allowed...)
	}
	s.wantNoneInFiles(t)
	browser := false
	for _, p := range seen {
		if strings.Contains(p.cmdline, "tokentoss") {
			s.wantNone(t, "the argument list of tokentoss", p.cmdline)
		} else {
			s.wantNone(t, "the argument list of "+p.cmdline, p.cmdline)
			browser = browser || strings.Contains(p.cmdline, "curl") && strings.Contains(p.cmdline, "http://127.0.0.1:")
		}
		if !p.wrapped() {
			s.wantNone(t, "the environment of "+p.cmdline, p.environ)
		}
	}
	if !browser {
		t.Error("the watcher did not see the browser, which ran")
	}
}

// wholeJob does everything that has to do with secrets, also what fails.
func wholeJob(r *transcript) {
	t, m := r.t, r.m
	client := filepath.Join(t.TempDir(), "client.json")
	writeFile(t, client, m.provider.ClientSecrets())
	login := []string{"login", "--browser", "curl -sL -o /dev/null"}
	iap := m.provider.IAPURL()

	r.run(0, "configure", "--from", client)
	r.run(0, login...)
	r.run(0, "status", "--json")
	r.run(0, "doctor")
	r.run(0, "doctor", iap+"/whoami")
	r.run(0, "profile", "list")
	r.token(0)
	r.aged(-time.Minute).token(0) // a refresh that is waited for
	r.aged(2*time.Minute).run(0, "get", iap+"/whoami")
	r.run(0, "get", "--include", iap+"/echo")
	r.run(0, "post", iap+"/echo", "--json", `{"a": 1}`)
	r.run(1, "get", iap+"/401")
	m.provider.SetFault(emulator.IAP, &emulator.Fault{Delay: 150 * time.Millisecond})
	r.run(0, "curl", iap+"/whoami", "--", "-sS")
	m.provider.SetFault(emulator.IAP, nil)
	wrapped := start(t, m.command("--verbose", "exec", "--", "sleep", "100"))
	poll(t, "the watcher sees the wrapped command", func() bool { return r.watcher.saw(seen.wrapped) })
	wrapped.signal(t, syscall.SIGTERM)
	r.note("stderr of exec", wrapped.wait(t).stderr)

	// IAP's page repeats the token that it refuses.
	token := string(bytes.TrimSpace([]byte(r.token(0))))
	m.provider.SetIAPPolicy(func(emulator.IAPRequest) emulator.IAPDecision {
		return emulator.IAPDecision{Status: http.StatusUnauthorized, Text: "Invalid IAP credentials: " + token}
	})
	r.run(4, "get", iap+"/whoami")
	r.run(3, "doctor", "--json", iap+"/whoami")
	m.provider.SetIAPPolicy(nil)

	// Answers of the token endpoint that are no good, and have tokens in them.
	for _, body := range []string{"", "\x00" + token, `{"id_token": "` + token + `", "id_token": 1}`, `{"error": "` + token + `"}`} {
		for _, status := range []int{http.StatusOK, http.StatusBadRequest, http.StatusInternalServerError} {
			m.provider.SetFault(emulator.Token, &emulator.Fault{
				Status: status, Body: []byte(body), Header: http.Header{"Content-Type": {"application/json"}, "X-Token": {token}},
			})
			r.aged(-time.Minute).token(1)
		}
	}
	r.run(1, login...)
	m.provider.SetFault(emulator.Token, nil)

	endOfTheJob(r, login)
}

// endOfTheJob ends the session in each way that there is.
func endOfTheJob(r *transcript, login []string) {
	t, m := r.t, r.m
	// A dump of all goroutines.
	l := m.pendingLogin(t, "--verbose")
	l.signal(t, syscall.SIGQUIT)
	r.note("a dump", l.wait(t).stderr, "state")

	r.aged(-time.Minute)
	m.provider.RevokeAll()
	r.token(3)
	r.run(3, "status")
	r.run(0, login...)
	m.provider.SetFault(emulator.Revoke, &emulator.Fault{Status: http.StatusServiceUnavailable})
	r.run(1, "logout")
	m.provider.SetFault(emulator.Revoke, nil)
	r.run(0, login...)
	r.run(0, "logout")
	if _, err := os.Stat(m.tokens()); err == nil {
		t.Error("there is a session after logout")
	}
}

// A transcript collects what commands say.
type transcript struct {
	t       *testing.T
	m       *machine
	watcher *watcher
	said    []saying
}

type saying struct {
	what, text string
	allowed    []string
}

func (r *transcript) note(what, text string, allowed ...string) {
	r.said = append(r.said, saying{what, text, allowed})
}

// run runs a command with --verbose and notes all that it says. A login may
// show the state, in the address to open.
func (r *transcript) run(code int, args ...string) {
	r.t.Helper()
	res := r.m.run(r.t, append([]string{"--verbose"}, args...)...).wantCode(r.t, code)
	var allowed []string
	if args[0] == "login" {
		allowed = []string{"state"}
	}
	r.note("stdout of "+args[0], res.stdout)
	r.note("stderr of "+args[0], res.stderr, allowed...)
}

// token runs "token", whose output is what was asked for.
func (r *transcript) token(code int) (stdout string) {
	r.t.Helper()
	res := r.m.run(r.t, "--verbose", "token").wantCode(r.t, code)
	if code != 0 && res.stdout != "" {
		r.t.Errorf("token failed, and printed %d bytes", len(res.stdout))
	}
	r.note("stderr of token", res.stderr)
	return res.stdout
}

// aged makes the token one that has left to live, and forgets earlier failures.
func (r *transcript) aged(left time.Duration) *transcript {
	edit(r.t, r.m.tokens(), func(fields map[string]any) {
		delete(fields, "refresh_failure")
		delete(fields, "renewed_at")
	})
	age(r.t, r.m.tokens(), left)
	return r
}

// secrets are all those of a run, with their kinds.
type secrets struct {
	m     *machine
	mu    sync.Mutex
	kinds map[string]string // by secret
}

func (s *secrets) add(kind string, values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range values {
		if v == "" {
			continue
		}
		s.kinds[v] = kind
		s.kinds[url.QueryEscape(v)] = kind
		// Parts of an ID token: its claims and its signature.
		if parts := strings.Split(v, "."); len(parts) == 3 && kind == "id_token" {
			s.kinds[parts[1]], s.kinds[parts[2]] = kind, kind
		}
	}
}

func (s *secrets) answered(_ string, answer map[string]any) {
	for _, kind := range []string{"access_token", "id_token", "refresh_token"} {
		if v, ok := answer[kind].(string); ok {
			s.add(kind, v)
		}
	}
}

// collect adds what the provider was sent.
func (s *secrets) collect() {
	for _, r := range s.m.provider.Requests() {
		s.add("state", r.Query["state"]...)
		for _, kind := range []string{"code", "code_verifier", "client_secret", "refresh_token"} {
			s.add(kind, r.Form[kind]...)
		}
		s.add("refresh_token", r.Form["token"]...)
	}
}

func (s *secrets) has(kind string) bool {
	for _, k := range s.kinds {
		if k == kind {
			return true
		}
	}
	return false
}

// wantNone fails if text has a secret of a kind that is not allowed there.
func (s *secrets) wantNone(t *testing.T, what, text string, allowed ...string) {
	t.Helper()
next:
	for secret, kind := range s.kinds {
		for _, a := range allowed {
			if a == kind {
				continue next
			}
		}
		if strings.Contains(text, secret) {
			t.Errorf("%s has the %s", strings.ReplaceAll(what, "\x00", " "), kind)
		}
	}
}

// wantNoneInFiles looks into everything in the machine's home. The client's file
// is there, and may have the client's secret.
func (s *secrets) wantNoneInFiles(t *testing.T) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(filepath.Dir(s.m.dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		var allowed []string
		if d.Name() == "client_secrets.json" {
			allowed = []string{"client_secret"}
		}
		s.wantNone(t, "file "+d.Name(), string(mustRead(t, path)), allowed...)
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d files: %v", files, err)
	}
}

// A seen process is one moment of a process that has to do with a machine.
type seen struct{ cmdline, environ string }

// wrapped tells whether it is the command that exec runs, which has the token.
func (s seen) wrapped() bool {
	return strings.HasPrefix(s.cmdline, "sleep\x00") && strings.Contains(s.environ, "IAP_TOKEN=")
}

// A watcher looks at all processes of a machine, all the time.
type watcher struct {
	quit, done chan struct{}
	mu         sync.Mutex
	all        map[seen]bool
}

// saw tells whether it saw what is wanted.
func (w *watcher) saw(wanted func(seen) bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for s := range w.all {
		if wanted(s) {
			return true
		}
	}
	return false
}

// watch watches the processes whose environment names dir.
func watch(t *testing.T, dir string) *watcher {
	w := &watcher{quit: make(chan struct{}), done: make(chan struct{}), all: map[seen]bool{}}
	go func() {
		defer close(w.done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			w.look(dir)
			select {
			case <-w.quit:
				return
			case <-tick.C:
			}
		}
	}()
	t.Cleanup(func() { w.stop() })
	return w
}

func (w *watcher) look(dir string) {
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range paths {
		environ, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(environ, []byte(dir)) {
			continue
		}
		cmdline, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if err == nil {
			w.mu.Lock()
			w.all[seen{string(cmdline), string(environ)}] = true
			w.mu.Unlock()
		}
	}
}

// stop ends the watch and returns what was seen.
func (w *watcher) stop() []seen {
	select {
	case <-w.done:
	default:
		close(w.quit)
		<-w.done
	}
	list := make([]seen, 0, len(w.all))
	for s := range w.all {
		list = append(list, s)
	}
	return list
}
