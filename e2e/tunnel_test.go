//go:build unix

package e2e_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core/iap/tunnel"
	"github.com/tokentoss/tokentoss/emulator"
)

// An sshServer is a real sshd for the user that the tests run as.
type sshServer struct {
	address string
	key     string // of the person, a file
}

// newSSHServer starts OpenSSH's server on a port of this machine.
func newSSHServer(t *testing.T, settings ...string) *sshServer {
	t.Helper()
	sshd, err := exec.LookPath("sshd")
	if err != nil {
		if sshd = "/usr/sbin/sshd"; !exists(sshd) {
			t.Skip("there is no sshd here")
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"host", "person"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, name)).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	public, err := os.ReadFile(filepath.Join(dir, "person.pub"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "authorized_keys"), public, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(address)
	config := fmt.Sprintf("Port %s\nListenAddress 127.0.0.1\nHostKey %s\nAuthorizedKeysFile %s\nStrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n%s\n",
		port, filepath.Join(dir, "host"), filepath.Join(dir, "authorized_keys"), strings.Join(settings, "\n"))
	file := filepath.Join(dir, "sshd_config")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 {
		_ = os.MkdirAll("/run/sshd", 0o755) // where it separates its privileges
	}
	p := start(t, exec.Command(sshd, "-D", "-e", "-f", file))
	poll(t, "sshd listens", func() bool {
		c, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			_ = c.Close()
		}
		return err == nil || ended(p)
	})
	if ended(p) {
		t.Skipf("sshd does not start here: %s", p.stderr.String())
	}
	return &sshServer{address: address, key: filepath.Join(dir, "person")}
}

// exists tells whether there is a file.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// newCloud returns a machine whose person is signed in with the scope that the relay
// wants, and a network in which the instance "box" has the ports.
func newCloud(t *testing.T, ports map[int]string) *machine {
	t.Helper()
	m := newMachine(t, emulator.Options{
		Accounts:  []emulator.Account{{Email: ada}},
		Instances: []emulator.Instance{{Project: "p", Zone: "z", Name: "box", Ports: ports}},
	})
	m.signIn(t, ada, "--scope", tunnel.Scope)
	return m
}

// newSSHCloud returns a cloud whose box is a real SSH server, and a configuration file for
// OpenSSH with what ssh-config prints, and who the person is.
func newSSHCloud(t *testing.T) (m *machine, config string) {
	t.Helper()
	server := newSSHServer(t)
	m = newCloud(t, map[int]string{22: server.address})
	printed := m.run(t, "ssh-config", "box", "--project", "p", "--zone", "z").wantCode(t, 0).stdout
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	config = filepath.Join(dir, "config")
	text := printed + fmt.Sprintf("    User %s\n    IdentityFile %s\n    IdentitiesOnly yes\n    StrictHostKeyChecking accept-new\n    UserKnownHostsFile %s\n",
		me.Username, server.key, filepath.Join(dir, "known_hosts"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return m, config
}

// OpenSSH's own programs go through the tunnel by what ssh-config prints, while the
// link to the relay breaks again and again.
func TestSSHGoesThroughTheTunnel(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ssh", "scp", "sftp", "rsync"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("there is no %s here", name)
		}
	}
	m, config := newSSHCloud(t)
	dir := t.TempDir()
	data := make([]byte, 20<<20)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(dir, "data")
	if err := os.WriteFile(source, data, 0o600); err != nil {
		t.Fatal(err)
	}
	m.provider.SetRelayFault(emulator.RelayFault{DropAfter: 3 << 20, RepeatAcks: true})
	run := func(stdin io.Reader, name string, args ...string) []byte {
		t.Helper()
		c := exec.Command(name, args...)
		c.Env, c.Stdin = m.command().Env, stdin
		var stderr bytes.Buffer
		c.Stderr = &stderr
		out, err := c.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, stderr.String())
		}
		return out
	}
	want := sha256.Sum256(data)
	wantFile := func(name, path string) {
		t.Helper()
		got, err := os.ReadFile(path)
		if err != nil || sha256.Sum256(got) != want {
			t.Errorf("%s: %d bytes of %d arrived as they were, %v", name, len(got), len(data), err)
		}
	}
	// 1. A command, with input that ends before its output does.
	if out := run(bytes.NewReader(data), "ssh", "-F", config, "box", "cat; sleep 0.2; echo end"); sha256.Sum256(out[:len(out)-4]) != want || !bytes.HasSuffix(out, []byte("end\n")) {
		t.Errorf("ssh: %d bytes", len(out))
	}
	// 2. Copies, by each program.
	run(nil, "scp", "-F", config, source, "box:"+filepath.Join(dir, "scp"))
	wantFile("scp", filepath.Join(dir, "scp"))
	run(strings.NewReader("get "+source+" "+filepath.Join(dir, "sftp")+"\n"), "sftp", "-F", config, "-b", "-", "box")
	wantFile("sftp", filepath.Join(dir, "sftp"))
	run(nil, "rsync", "-e", "ssh -F "+config, source, "box:"+filepath.Join(dir, "rsync"))
	wantFile("rsync", filepath.Join(dir, "rsync"))
	// 3. An exit code is ssh's own.
	c := exec.Command("ssh", "-F", config, "box", "exit 7")
	c.Env = m.command().Env
	if r := finish(t, c); r.code != 7 {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
	if m.provider.RelayResumptions() < 5 {
		t.Errorf("the link broke %d times", m.provider.RelayResumptions())
	}
}

// tunnel starts a tunnel to a port of the box, and returns its address on this machine.
func (m *machine) tunnel(t *testing.T, port string) (p *process, address string) {
	t.Helper()
	p = start(t, m.command("tunnel", "box", port, "--project", "p", "--zone", "z"))
	poll(t, "the tunnel says where it is", func() bool { return strings.Contains(p.stdout.String(), "\n") || ended(p) })
	if ended(p) {
		t.Fatalf("the tunnel ended: %s", p.stderr.String())
	}
	return p, strings.TrimSpace(p.stdout.String())
}

// An address of this machine is the port of the instance, for as many as connect, and
// not for another user.
func TestTunnelListensOnThisMachine(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	m := newCloud(t, map[int]string{7: l.Addr().String()})
	p, address := m.tunnel(t, "7")
	for i := range 3 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatalf("%v\n%s", err, p.stderr.String())
		}
		text := "hello " + strconv.Itoa(i)
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, len(text))
		if _, err := io.ReadFull(c, b); err != nil || string(b) != text {
			t.Errorf("%q, %v", b, err)
		}
		_ = c.Close()
	}
	if r := m.run(t, "tunnel", "box", "7", "--project", "p", "--zone", "z", "--listen", address); r.code != 1 || !strings.Contains(r.stderr, "another --listen address") {
		t.Errorf("an address in use: exit code %d\n%s", r.code, r.stderr)
	}
	p.signal(t, syscall.SIGINT)
	if r := p.wait(t); r.code != 0 && !strings.Contains(r.stderr, "interrupted") {
		t.Errorf("exit code %d\n%s", r.code, r.stderr)
	}
}

// What a tunnel lacks is said before anything listens, with what to do.
func TestTunnelSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	m := newCloud(t, map[int]string{7: "127.0.0.1:1"})
	wants := func(code int, want string, args ...string) {
		t.Helper()
		r := m.run(t, append([]string{"tunnel"}, args...)...)
		if r.code != code || r.stdout != "" || !strings.Contains(r.stderr, want) {
			t.Errorf("%q: exit code %d, expected %d and %q\n%s", args, r.code, code, want, r.stderr)
		}
	}
	to := []string{"--project", "p", "--zone", "z"}
	wants(2, "the port is a number", append([]string{"box", "ssh"}, to...)...)
	wants(2, "the project is not known", "box", "7", "--zone", "z")
	wants(2, "the zone of the instance is not known", "box", "7", "--project", "p")
	wants(2, "is not an address of this machine alone", append([]string{"box", "7", "--listen", "0.0.0.0:0"}, to...)...)
	wants(2, "is not an address of this machine alone", append([]string{"box", "7", "--listen", "127.0.0.1"}, to...)...)
	wants(2, "the port is a number", append([]string{"box", "70000"}, to...)...)
	wants(1, "no such instance", append([]string{"other", "7"}, to...)...)
	wants(1, "no such instance", "box", "7", "--project", "p", "--zone", "nowhere")
	wants(1, "35.235.240.0/20", append([]string{"box", "7"}, to...)...)
	m.provider.SetTunnelUsers([]string{})
	wants(4, "roles/iap.tunnelResourceAccessor", append([]string{"box", "7"}, to...)...)
	m.signIn(t, ada)
	wants(1, tunnel.Scope, append([]string{"box", "7"}, to...)...)
}
