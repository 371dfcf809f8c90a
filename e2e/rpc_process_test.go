//go:build linux

package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// The main job of a notebook, and with it: the shell and the notebook have one
// session, and no secret is anywhere but in messages and the session's file.
func TestRPC(t *testing.T) {
	m := newMachine(t, emulator.Options{})
	sec := &secrets{m: m, kinds: map[string]string{}}
	m.provider.SetTokenAnswer(sec.answered)
	m.provider.SetFault(emulator.Token, &emulator.Fault{Delay: 250 * time.Millisecond}) // long enough to be watched
	w := watch(t, filepath.Dir(m.dir))
	s := m.rpc(t)
	one := s.opened(nil)
	s.fails("sign_in_needed", "session.token", object{"session": one})
	if n := len(children(t, s.cmd.Process.Pid)); n != 0 {
		t.Errorf("there are %d processes before a view", n)
	}
	visit(t.Context(), m.agree(t, s.armed(one)))
	if got := s.phase(one, "signed_in"); got["account"] != ada {
		t.Errorf("the snapshot is %v", got)
	}
	token := s.does("session.token", object{"session": one})["token"].(string)
	if shell := strings.TrimSpace(m.run(t, "token").wantCode(t, 0).stdout); shell != token {
		t.Error("the shell has another token")
	}

	// Signed out in the widget, which the shell sees; then the other way round.
	s.say(one, object{"type": "sign_out"})
	s.phase(one, "signed_out")
	m.run(t, "token").wantCode(t, 3)
	m.signIn(t, ada)
	s.phase(one, "signed_in")
	m.run(t, "logout").wantCode(t, 0)
	s.phase(one, "signed_out")

	// The browser does not reach this machine.
	s.say(one, object{"type": "arm"})
	armed := s.until(one, "there is an address", func(m object) bool { return m["type"] == "armed" })
	s.say(one, object{"type": "redirect", "attempt": armed["attempt"], "url": m.agree(t, armed["auth_url"].(string))})
	s.phase(one, "signed_in")
	s.does("session.sign_out", object{"session": one, "local": true})
	s.fails("sign_in_needed", "session.token", object{"session": one})

	// Two at once.
	two := s.opened(object{"store": object{"memory": object{}}})
	first, second := s.armed(one), s.armed(two)
	visit(t.Context(), m.agree(t, first))
	s.phase(one, "signed_in")
	s.fails("sign_in_needed", "session.token", object{"session": two})
	visit(t.Context(), m.agree(t, second))
	s.phase(two, "signed_in")

	pids := children(t, s.cmd.Process.Pid)
	if len(pids) != 2 {
		t.Errorf("two sessions with views have %d processes", len(pids))
	}
	s.does("shutdown", nil)
	r := s.wait(t).wantCode(t, 0)
	for _, pid := range pids {
		if runs(pid) {
			t.Error("a process was left behind")
		}
	}
	wantNoSecrets(t, sec, w, r.stderr)
}

// wantNoSecrets looks where they must not be.
func wantNoSecrets(t *testing.T, sec *secrets, w *watcher, stderr string) {
	t.Helper()
	seen := w.stop()
	sec.collect()
	for _, kind := range []string{"code", "code_verifier", "state", "client_secret", "refresh_token", "access_token", "id_token"} {
		if !sec.has(kind) {
			t.Errorf("the run had no %s: this test tests nothing", kind)
		}
	}
	sec.wantNone(t, "standard error", stderr)
	frontend := false
	for _, p := range seen {
		sec.wantNone(t, "an argument list: "+p.cmdline, p.cmdline)
		sec.wantNone(t, "the environment of "+p.cmdline, p.environ)
		frontend = frontend || strings.Contains(p.cmdline, "serve-plugin\x00notebook")
	}
	if !frontend {
		t.Error("the frontend was not seen: this test tests little")
	}
}

// A shell and a notebook that meet an expired token together make one request.
func TestRPCAndShellMakeOneRefresh(t *testing.T) {
	m := newSession(t, emulator.Options{})
	s := m.rpc(t)
	one, two := s.opened(nil), s.opened(nil)
	s.does("session.token", object{"session": one})
	m.wantRefreshes(t, 0)
	m.provider.SetFault(emulator.Token, &emulator.Fault{Delay: 500 * time.Millisecond, Times: 1})
	age(t, m.tokens(), -time.Minute)
	// What a process holds in memory is not aged: a service refused it.
	for range 10 {
		s.begin("session.token", object{"session": one, "stale": 1})
		s.begin("session.token", object{"session": two, "stale": 1})
	}
	var shells sync.WaitGroup
	results := make([]result, 8)
	for i := range results {
		p := start(t, m.command("token"))
		shells.Go(func() {
			<-p.done
			results[i] = result{p.cmd.ProcessState.ExitCode(), p.stdout.String(), p.stderr.String()}
		})
	}
	tokens := map[string]bool{}
	for range 20 {
		answer, ok := s.receive()["result"].(object)
		if !ok {
			t.Fatal("a request failed")
		}
		tokens[answer["token"].(string)] = true
	}
	shells.Wait()
	tokens[strings.TrimSpace(wantAll(t, results, 0))] = true
	if len(tokens) != 1 {
		t.Errorf("there are %d tokens, want 1", len(tokens))
	}
	m.wantRefreshes(t, 1)
}

// When the notebook's kernel is killed, nothing is left, though a process that
// it has started holds the pipe open.
func TestRPCEndsWithItsParent(t *testing.T) {
	m := newMachine(t, emulator.Options{})
	s := m.rpc(t, func(c *exec.Cmd) {
		// This test holds the pipe open.
		c.Args = append([]string{"sh", "-c", `exec 3<&0; "$@" <&3 3<&- & echo $! >&2; wait`, "sh", c.Path}, c.Args[1:]...)
		c.Path = "/bin/sh"
	})
	address := s.armed(s.opened(nil))
	pid, err := strconv.Atoi(strings.TrimSpace(s.stderr.String()))
	if err != nil {
		t.Fatal(err)
	}
	all := append(children(t, pid), pid)
	if len(all) != 2 {
		t.Fatalf("there are %d processes, want 2", len(all))
	}
	_, port, _ := strings.Cut(address, "redirect_uri=http%3A%2F%2F127.0.0.1%3A")
	port = port[:strings.IndexFunc(port, func(r rune) bool { return r < '0' || r > '9' })]
	if closed(port) {
		t.Error("nobody listens while a view waits")
	}
	s.signal(t, syscall.SIGKILL)
	poll(t, "all processes have ended", func() bool { return !runs(all[0]) && !runs(all[1]) })
	if !closed(port) {
		t.Error("the port is still open")
	}
}

// However it ends, the frontend ends with it.
func TestRPCLeavesNothingBehind(t *testing.T) {
	m := newMachine(t, emulator.Options{})
	for name, end := range map[string]func(*served){
		"SIGKILL":      func(s *served) { s.signal(t, syscall.SIGKILL) },
		"SIGTERM":      func(s *served) { s.signal(t, syscall.SIGTERM) },
		"SIGINT":       func(s *served) { s.signal(t, syscall.SIGINT) },
		"end of input": func(s *served) { s.stdin.Close() },
		"shutdown":     func(s *served) { s.does("shutdown", nil) },
		"closed output": func(s *served) {
			s.stdout.Close()
			s.begin("session.status", nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := m.rpc(t)
			s.armed(s.opened(nil))
			frontend := s.frontend()
			end(s)
			s.wait(t).wantCode(t, map[string]int{"SIGKILL": -1, "closed output": 1}[name])
			poll(t, "the frontend has ended", func() bool { return !runs(frontend) })
		})
	}
}

// A frontend that dies is said to be gone, and another is there when a view asks.
func TestRPCFrontendDies(t *testing.T) {
	m := newMachine(t, emulator.Options{})
	s := m.rpc(t)
	one := s.opened(nil)
	s.armed(one)
	if err := syscall.Kill(s.frontend(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := s.until(one, "it is said", func(m object) bool { return m["type"] == "fatal" }); got["code"] != "ended" {
		t.Errorf("the fatal is %v", got)
	}
	visit(t.Context(), m.agree(t, s.armed(one)))
	s.phase(one, "signed_in")
}

// What is not a client is told so, and what is not a request does no harm.
func TestRPCMisuse(t *testing.T) {
	m := newMachine(t, emulator.Options{})
	m.run(t, "rpc").wantCode(t, 2)
	if r := m.run(t, "--frontend", "notebook", "login", "--no-browser").wantCode(t, 1); !strings.Contains(r.stderr, "it is for notebooks") || !strings.Contains(r.stderr, "choose another frontend") {
		t.Errorf("a login by the frontend says: %s", r.stderr)
	}
	s := m.rpc(t)
	s.write("\x00planted\xff")
	if got := s.receive(); got["id"] != nil || got["error"].(object)["code"] != -32700.0 {
		t.Errorf("the answer is %v", got)
	}
	s.write(strings.Repeat("planted", 1<<20))
	if got := s.receive(); got["id"] != nil || got["error"].(object)["code"] != -32600.0 {
		t.Errorf("the answer is %v", got)
	}
	hint := s.fails("version_mismatch", "initialize", object{"protocol": "tokentoss.rpc/2"})
	if !strings.Contains(hint, "install") {
		t.Errorf("the hint is %q", hint)
	}
	s.fails("not_initialized", "session.open", nil)
	s.last = 0
	s.opened(nil)
	s.stdin.Close()
	if r := s.wait(t).wantCode(t, 0); r.stderr != "" {
		t.Errorf("standard error is %q", r.stderr)
	}
}

// A store that is a plugin serves a notebook as it does a shell, and ends with it.
// One that has to ask a person asks nobody, and says what to do.
func TestRPCOverAPluginStore(t *testing.T) {
	m := withStore(t, emulator.Options{AutoConsent: ada}, "agent_idle = \"1m\"\n[stores.encrypted]\npassphrase = true\n[stores.plain]\nplugin = \"encrypted\"\n")
	s := m.rpc(t)
	one := s.opened(object{"store": object{"name": "plain"}})
	visit(t.Context(), s.armed(one))
	s.phase(one, "signed_in")
	s.does("session.token", object{"session": one})

	sealed := object{"store": object{"name": "encrypted"}}
	w := m.window(t, "--store", "encrypted", "login", "--browser", "curl -sL -o /dev/null")
	for range 2 {
		w.shows(t, `passphrase`)
		w.enter(t, "correct horse")
	}
	w.wait(t).wantCode(t, 0)
	s.does("session.open", sealed) // by the agent, which knows the passphrase
	m.run(t, "store", "lock").wantCode(t, 0)
	if hint := s.fails("sealed", "session.open", sealed); !strings.Contains(hint, "in a terminal") {
		t.Errorf("the hint is %q", hint)
	}
	s.does("shutdown", nil)
	s.wait(t).wantCode(t, 0)
	poll(t, "nothing is left", func() bool { return len(m.family(t)) == 0 })
}

// What docs/rpc.md shows works.
func TestRPCExample(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no Python here, in which the example is: ", err)
	}
	text := string(mustRead(t, filepath.Join("..", "docs", "rpc.md")))
	_, code, _ := strings.Cut(text, "```python\n")
	code, _, ok := strings.Cut(code, "```\n")
	if !ok {
		t.Fatal("docs/rpc.md has no example")
	}
	m := newMachine(t, emulator.Options{})
	example := func() result {
		c := m.command()
		c.Path, c.Args = python, []string{"python3", "-c", code}
		c.Env[0] = "PATH=" + binaries(t) + ":" + os.Getenv("PATH")
		return finish(t, c)
	}
	if r := example().wantCode(t, 1); !strings.Contains(r.stderr, "(sign_in_needed); sign in: ") {
		t.Errorf("without a session it says: %s", r.stderr)
	}
	m.signIn(t, ada)
	if r := example().wantCode(t, 0); !strings.HasPrefix(r.stdout, ada+" 2") || r.stderr != "" {
		t.Errorf("it says: %s%s", r.stdout, r.stderr)
	}
}
