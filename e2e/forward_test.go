//go:build unix

package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"github.com/tokentoss/tokentoss/emulator"
)

// A remote is another machine: a home of its own, behind a real sshd, with nothing but
// the light executable.
type remote struct {
	t      *testing.T
	home   string
	bin    string
	server *sshServer
	hosts  string // known_hosts
}

func newRemote(t *testing.T, settings ...string) *remote {
	t.Helper()
	if _, err := exec.LookPath("ssh"); err != nil {
		t.Skip("there is no ssh here")
	}
	home, err := os.MkdirTemp("", "far") // short: the path of a socket has 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(home) })
	r := &remote{t: t, home: home, bin: filepath.Join(home, "bin"), hosts: filepath.Join(t.TempDir(), "hosts")}
	if err := os.Mkdir(r.bin, 0o755); err != nil {
		t.Fatal(err)
	}
	r.install("tokentoss")
	command := fmt.Sprintf(`ForceCommand HOME=%s PATH=%s:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND"`, r.home, r.bin)
	r.server = newSSHServer(t, append(settings, command)...)
	return r
}

// run runs the light executable there.
func (r *remote) run(args ...string) result {
	r.t.Helper()
	c := exec.Command(filepath.Join(r.bin, "tokentoss"), args...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.home, "TOKENTOSS_INSECURE_LOOPBACK=1"}
	return finish(r.t, c)
}

// start starts a command there that stays.
func (r *remote) start(args ...string) *process {
	r.t.Helper()
	c := exec.Command(filepath.Join(r.bin, "tokentoss"), args...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.home}
	return start(r.t, c)
}

// sockets are the directories of forwarded sockets there.
func (r *remote) sockets() int {
	list, _ := filepath.Glob(filepath.Join(r.home, ".cache", "tokentoss", "forward", "*"))
	return len(list)
}

// install puts an executable there, and nothing beside it.
func (r *remote) install(name string) {
	r.t.Helper()
	data, err := os.ReadFile(filepath.Join(binaries(r.t), name))
	if err == nil {
		err = os.WriteFile(filepath.Join(r.bin, name), data, 0o755)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// command is the person's command that lends the session to the remote.
func (r *remote) command(m *machine, options ...string) *exec.Cmd {
	return r.commandOf(m.command, m.provider.IAPURL(), options...)
}

// commandOf is command of a shell, for a service.
func (r *remote) commandOf(command func(...string) *exec.Cmd, target string, options ...string) *exec.Cmd {
	r.t.Helper()
	me, err := user.Current()
	if err != nil {
		r.t.Fatal(err)
	}
	_, port, _ := strings.Cut(r.server.address, ":")
	args := append([]string{"forward", "--for", target}, options...)
	args = append(args, me.Username+"@127.0.0.1", "--", "-F", "/dev/null", "-p", port, "-i", r.server.key, "-o", "IdentitiesOnly=yes",
		"-o", "StrictHostKeyChecking=accept-new", "-o", "UserKnownHostsFile="+r.hosts)
	return command(args...)
}

// lend starts to forward, and waits until the session is there.
func (r *remote) lend(m *machine, options ...string) *process {
	r.t.Helper()
	p := start(r.t, r.command(m, options...))
	r.lent(p)
	return p
}

func (r *remote) lent(p *process) {
	r.t.Helper()
	poll(r.t, "the session is lent", func() bool { return strings.Contains(p.stderr.String(), "has the session of") || ended(p) })
	if ended(p) {
		r.t.Fatalf("it ended: %s", p.stderr.String())
	}
}

// A machine without a browser, a configuration or the complete tokentoss uses the
// session of the person's machine while ssh runs, and holds nothing of it afterwards.
func TestForwardLendsTheSession(t *testing.T) {
	t.Parallel()
	m, r := newSession(t, emulator.Options{}), newRemote(t)
	r.run("token").wantCode(t, 1)
	p := r.lend(m)

	// 1. Programs there find it by themselves, and say whose it is.
	if out := r.run("status").wantCode(t, 0).stdout; !strings.Contains(out, ada) || !strings.Contains(out, "forwarded from") {
		t.Errorf("status does not say whose session it is:\n%s", out)
	}
	token := r.run("token").wantCode(t, 0).stdout
	if token != m.run(t, "token").wantCode(t, 0).stdout {
		t.Error("the token is not the session's")
	}
	if out := r.run("get", m.provider.IAPURL()+"/whoami").wantCode(t, 0).stdout; !strings.Contains(out, ada) {
		t.Errorf("the service does not see the person: %s", out)
	}
	// 2. Only for what was named, and nothing beside tokens.
	r.install("tokentoss-host")
	for _, args := range [][]string{
		{"get", "http://127.0.0.1:1/"}, {"curl", "http://127.0.0.1:1/"}, {"token", "--jar", "jar", "http://127.0.0.1:1/"},
		{"proxy", "http://127.0.0.1:1"}, {"proxy", m.provider.IAPURL(), "/x=http://127.0.0.1:1"}, {"proxy", "x=http://127.0.0.1:1"},
	} {
		if other := r.run(args...); other.code == 0 || !strings.Contains(other.stderr, "the session is lent for "+m.provider.IAPURL()+" alone") {
			t.Errorf("%q: another service was asked: %s", args, other.stderr)
		}
	}
	for _, args := range [][]string{{"token", "--access"}, {"login"}} {
		if x := r.run(args...); x.code == 0 {
			t.Errorf("%q is done there: %s", args, x.stdout)
		}
	}
	// 3. Nothing is written there but the socket.
	err := filepath.WalkDir(r.home, func(path string, d os.DirEntry, err error) error {
		switch {
		case err == nil && path == r.bin:
			return filepath.SkipDir
		case err == nil && d.Type().IsRegular():
			t.Errorf("%s was written", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	// 4. It ends with the forwarding, and leaves nothing.
	p.signal(t, syscall.SIGINT)
	p.wait(t)
	poll(t, "the socket is gone", func() bool { return r.sockets() == 0 })
	r.run("token").wantCode(t, 1)
}

// A machine to which no token is given has its requests made here: by the light executable,
// by any program in a run, by curl, and by the proxy.
func TestForwardMakesRequests(t *testing.T) {
	t.Parallel()
	m, r := newRunner(t, emulator.Options{}), newRemote(t)
	url := m.target.URL
	p := start(t, r.commandOf(m.command, url, "--requests"))
	r.lent(p)

	// 1. The light executable alone.
	if out := r.run("get", url+"/whoami").wantCode(t, 0).stdout; !strings.Contains(out, ada) {
		t.Errorf("the service does not see the person: %s", out)
	}
	if out := r.run("status").wantCode(t, 0).stdout; !strings.Contains(out, ada) || !strings.Contains(out, "where requests are made") {
		t.Errorf("status does not say where requests are made:\n%s", out)
	}
	// 2. No token, and no other service.
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"token"}, {"exec", "--", "true"}} {
		if x := r.run(args...); x.code != 1 || x.stdout != "" || !strings.Contains(x.stderr, "no token leaves it") || !strings.Contains(x.stderr, host) {
			t.Errorf("%q: exit code %d\n%s%s", args, x.code, x.stdout, x.stderr)
		}
	}
	if x := r.run("get", m.other.URL); x.code == 0 || !strings.Contains(x.stderr, "alone") {
		t.Errorf("another service: exit code %d\n%s", x.code, x.stderr)
	}
	// 3. Any program, with the complete tokentoss.
	if x := r.run("run", "--for", url, "--", "true"); x.code != 1 || !strings.Contains(x.stderr, "tokentoss-host") {
		t.Errorf("exit code %d\n%s", x.code, x.stderr)
	}
	r.install("tokentoss-host")
	const script = `curl -sS "$1/whoami"; env | grep -c eyJ`
	if out := r.run("run", "--for", url, "--", "sh", "-c", script, "sh", url); !strings.Contains(out.stdout, ada) || !strings.HasSuffix(out.stdout, "0\n") {
		t.Errorf("run: %+v", out)
	}
	if out := r.run("curl", url+"/whoami", "--", "-sS", "-H", "X-Own: 1").wantCode(t, 0).stdout; !strings.Contains(out, ada) {
		t.Errorf("curl: %s", out)
	}
	proxy := r.start("proxy", "--secret", "none", url)
	shown := regexp.MustCompile(`is at (http://\S+)`)
	poll(t, "the proxy listens", func() bool { return shown.MatchString(proxy.stderr.String()) || ended(proxy) })
	if ended(proxy) {
		t.Fatalf("it ended: %s", proxy.stderr.String())
	}
	address := shown.FindStringSubmatch(proxy.stderr.String())[1]
	get := func() (int, string) {
		t.Helper()
		res, err := http.Get(strings.TrimSuffix(address, "/") + "/whoami")
		if err != nil {
			t.Fatalf("%v\n%s", err, proxy.stderr.String())
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(body)
	}
	if status, body := get(); !strings.Contains(body, ada) {
		t.Errorf("the proxy answers %d: %s", status, body)
	}
	// 4. It ends with the forwarding; what stays there goes on when it is lent again.
	p.signal(t, syscall.SIGINT)
	p.wait(t)
	if x := r.run("get", url+"/whoami"); x.code != 1 || !strings.Contains(x.stderr, "no OAuth client") {
		t.Errorf("exit code %d\n%s", x.code, x.stderr)
	}
	if status, body := get(); status != http.StatusServiceUnavailable || !strings.Contains(body, "connect again") {
		t.Errorf("the proxy answers %d: %s", status, body)
	}
	r.lent(start(t, r.commandOf(m.command, url, "--requests")))
	if status, body := get(); !strings.Contains(body, ada) {
		t.Errorf("the proxy answers %d: %s", status, body)
	}
}

// When the session ends, the other machine is told to have it renewed here.
func TestForwardSaysWhereToSignIn(t *testing.T) {
	t.Parallel()
	m, r := newMachine(t, emulator.Options{TokenLifetime: 8 * time.Second}), newRemote(t)
	m.signIn(t, ada)
	r.lend(m)
	m.provider.RevokeAll()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	var x result
	poll(t, "the session has ended", func() bool {
		x = r.run("token")
		return x.code != 0
	})
	if x.code != 3 || !strings.Contains(x.stderr, "sign in on "+host) {
		t.Errorf("exit code %d\n%s", x.code, x.stderr)
	}
}

// An ssh that is killed leaves nothing at either side.
func TestForwardWhoseSSHIsKilled(t *testing.T) {
	t.Parallel()
	m, r := newSession(t, emulator.Options{}), newRemote(t)
	p := r.lend(m)
	out, err := exec.Command("pgrep", "-P", fmt.Sprint(p.cmd.Process.Pid), "ssh").Output()
	if err != nil {
		t.Skipf("pgrep: %v", err)
	}
	var pid int
	if _, err := fmt.Sscan(string(out), &pid); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if x := p.wait(t); x.code != 1 || !strings.Contains(x.stderr, "the connection to") {
		t.Errorf("exit code %d\n%s", x.code, x.stderr)
	}
	poll(t, "the socket is gone", func() bool { return r.sockets() == 0 })
}

// A server that does not forward sockets, and a machine without room, are said to be
// so.
func TestForwardThatCannotBe(t *testing.T) {
	t.Parallel()
	m := newSession(t, emulator.Options{})
	t.Run("forbidden", func(t *testing.T) {
		r := newRemote(t, "AllowStreamLocalForwarding no")
		if x := finish(t, r.command(m)); x.code != 1 || !strings.Contains(x.stderr, "AllowStreamLocalForwarding") {
			t.Errorf("exit code %d\n%s", x.code, x.stderr)
		}
		poll(t, "the directory is gone", func() bool { return r.sockets() == 0 })
	})
	t.Run("no room", func(t *testing.T) {
		r := newRemote(t)
		if err := os.WriteFile(filepath.Join(r.home, ".cache"), nil, 0o600); err != nil { // as good as a full disk, to mkdir
			t.Fatal(err)
		}
		if x := finish(t, r.command(m)); x.code != 1 || !strings.Contains(x.stderr, "room in ~/.cache") {
			t.Errorf("exit code %d\n%s", x.code, x.stderr)
		}
	})
	t.Run("full disk", func(t *testing.T) {
		// One file more than the directories would have a place: the socket has none.
		r := newRemote(t)
		cache := filepath.Join(r.home, ".cache")
		if err := os.Mkdir(cache, 0o700); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=4", "tmpfs", cache).CombinedOutput(); err != nil {
			t.Skipf("no tmpfs can be mounted here: %v: %s", err, out)
		}
		t.Cleanup(func() {
			if out, err := exec.Command("umount", "-l", cache).CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
		if x := finish(t, r.command(m)); x.code != 1 || !strings.Contains(x.stderr, "room in ~/.cache") || strings.Contains(x.stderr, "AllowStreamLocalForwarding") {
			t.Errorf("exit code %d\n%s", x.code, x.stderr)
		}
		poll(t, "the directory is gone", func() bool { return r.sockets() == 0 })
	})
	t.Run("no target", func(t *testing.T) {
		if x := m.run(t, "forward", "host"); x.code != 2 || !strings.Contains(x.stderr, "--for") {
			t.Errorf("exit code %d\n%s", x.code, x.stderr)
		}
	})
	t.Run("an option for a host", func(t *testing.T) {
		if x := m.run(t, "forward", "--for", m.provider.IAPURL(), "--", "-oProxyCommand=touch x"); x.code != 2 {
			t.Errorf("exit code %d\n%s", x.code, x.stderr)
		}
	})
	t.Run("no ssh", func(t *testing.T) {
		c := m.command("forward", "--for", m.provider.IAPURL(), "host")
		c.Env = append(c.Env, "PATH="+t.TempDir())
		if x := finish(t, c); x.code != 1 || !strings.Contains(x.stderr, "install OpenSSH") {
			t.Errorf("exit code %d\n%s", x.code, x.stderr)
		}
	})
}

// Another user of the other machine has no use of the socket, and a directory of theirs is
// not looked at.
func TestForwardIsNotForAnotherUserThere(t *testing.T) {
	t.Parallel()
	if os.Getuid() != 0 {
		t.Skip("only root is also somebody else")
	}
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("there is no curl")
	}
	m, r := newSession(t, emulator.Options{}), newRemote(t)
	r.lend(m)
	sockets, err := filepath.Glob(filepath.Join(r.home, ".cache", "tokentoss", "forward", "*", "s"))
	if err != nil || len(sockets) != 1 {
		t.Fatalf("%v, %v", sockets, err)
	}
	for _, dir := range []string{r.home, r.bin} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	const nobody = 65534
	as := func(uid uint32, name string, args ...string) result {
		t.Helper()
		c := exec.Command(name, args...)
		c.Dir, c.Env = "/", []string{"PATH=" + os.Getenv("PATH"), "HOME=" + r.home}
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		return finish(t, c)
	}
	// What answers speaks no HTTP, which curl says in its own way; 7 is that it cannot connect.
	connect := []string{"-sS", "--max-time", "30", "--unix-socket", sockets[0], "http://x/"}
	if x := as(0, curl, connect...); x.code == 7 {
		t.Errorf("the user cannot connect: %s", x.stderr)
	}
	if x := as(nobody, curl, connect...); x.code != 7 {
		t.Errorf("another user connects: exit code %d: %s%s", x.code, x.stdout, x.stderr)
	}
	if x := as(nobody, filepath.Join(r.bin, "tokentoss"), "token"); x.code != 1 || x.stdout != "" {
		t.Errorf("another user gets a token: exit code %d: %s%s", x.code, x.stdout, x.stderr)
	}
	// A socket of another user's, in the place where one's own are.
	if err := os.Chown(sockets[0], nobody, nobody); err != nil {
		t.Fatal(err)
	}
	if x := r.run("token"); x.code != 1 || !strings.Contains(x.stderr, "no OAuth client") {
		t.Errorf("another's socket is used: exit code %d: %s", x.code, x.stderr)
	}
}

// Of two machines with tokentoss of other releases, both are named: where the session is,
// and, where it cannot be used, on the other side.
func TestForwardNamesOtherVersions(t *testing.T) {
	t.Parallel()
	m, r := newSession(t, emulator.Options{}), newRemote(t)
	// One that says of itself that it is older.
	older := filepath.Join(r.bin, "tokentoss")
	if err := os.Rename(older, older+"-1"); err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\n[ \"$1\" = --version ] && exec echo tokentoss version v0.0.1\nexec \"$0-1\" \"$@\"\n"
	if err := os.WriteFile(older, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	p := r.lend(m)
	if said := p.stderr.String(); !strings.Contains(said, "tokentoss version v0.0.1, and here tokentoss version") {
		t.Errorf("the versions are not said:\n%s", said)
	}
	r.run("token").wantCode(t, 0)
	p.signal(t, syscall.SIGINT)
	p.wait(t)
	poll(t, "the socket is gone", func() bool { return r.sockets() == 0 })

	// A session that is lent by another protocol.
	dir := filepath.Join(r.home, ".cache", "tokentoss", "forward", "other")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := os.Chmod(filepath.Join(dir, "s"), 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, `{"tokentoss_forward":2,"host":"desk","release":"v9.0.0"}`+"\n")
			_ = c.Close()
		}
	}()
	for _, command := range []string{"token", "status"} {
		if x := r.run(command); !strings.Contains(x.stdout+x.stderr, "tokentoss v9.0.0, with version 2 of the protocol, and this tokentoss has version 1") {
			t.Errorf("%s: exit code %d\n%s%s", command, x.code, x.stdout, x.stderr)
		}
	}
	if x := r.run("token"); x.code != 1 || !strings.Contains(x.stderr, "update tokentoss on this machine") {
		t.Errorf("exit code %d\n%s", x.code, x.stderr)
	}
}

// A container into which the directory is mounted has the session, as another machine
// has.
func TestForwardToAContainer(t *testing.T) {
	t.Parallel()
	m, r := newSession(t, emulator.Options{}), newRemote(t)
	dir := filepath.Join(r.home, ".cache", "tokentoss", "forward") // where it is mounted
	p := start(t, m.command("forward", "--for", m.provider.IAPURL(), "--dir", dir))
	r.lent(p)
	if out := r.run("get", m.provider.IAPURL()+"/whoami").wantCode(t, 0).stdout; !strings.Contains(out, ada) {
		t.Errorf("the service does not see the person: %s", out)
	}
	p.signal(t, syscall.SIGINT)
	p.wait(t)
	if r.sockets() != 0 {
		t.Error("something is left")
	}
}

// Of two that are lent, the later one is used; when it ends, the other.
func TestForwardTwice(t *testing.T) {
	t.Parallel()
	const grace = "grace@example.com"
	one := newSession(t, emulator.Options{})
	two := newMachine(t, emulator.Options{Accounts: []emulator.Account{{Email: grace}}})
	two.signIn(t, grace)
	r := newRemote(t)
	r.lend(one)
	second := r.lend(two)
	if out := r.run("status").stdout; !strings.Contains(out, grace) {
		t.Errorf("the later one is not used:\n%s", out)
	}
	second.signal(t, syscall.SIGINT)
	second.wait(t)
	poll(t, "the first one is used", func() bool { return strings.Contains(r.run("status").stdout, ada) })
}

// The person who wants to be asked is asked before each token, and told who wants it.
func TestForwardAsksThePerson(t *testing.T) {
	t.Parallel()
	m, r := newSession(t, emulator.Options{}), newRemote(t)
	c := r.command(m, "--confirm")
	terminal, err := pty.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	w := &window{process: &process{cmd: c, done: make(chan struct{})}, terminal: terminal}
	go func() {
		defer close(w.done)
		_, _ = io.Copy(screen{&w.stderr}, terminal)
		_ = c.Wait()
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		<-w.done
		_ = terminal.Close()
	})
	r.lent(w.process)
	ask := func(answer string) result {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		before := strings.Count(w.stderr.String(), "give it one?")
		got := make(chan result, 1)
		go func() { got <- r.run("token") }()
		poll(t, "the person is asked", func() bool { return strings.Count(w.stderr.String(), "give it one?") > before || ended(w.process) })
		w.enter(t, answer)
		select {
		case x := <-got:
			return x
		case <-ctx.Done():
			t.Fatal("the other side gets no answer")
		}
		return result{}
	}
	ask("y").wantCode(t, 0)
	if x := ask("n"); x.code == 0 || !strings.Contains(x.stderr, "said no") {
		t.Errorf("exit code %d\n%s", x.code, x.stderr)
	}
	if !strings.Contains(w.stderr.String(), `"tokentoss"`) {
		t.Errorf("the program is not named:\n%s", w.stderr.String())
	}
}
