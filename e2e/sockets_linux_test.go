package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
)

// A socket is a listener or a connection of package net.
type socket interface{ File() (*os.File, error) }

// activate has c start with sockets, as systemd does: from descriptor 3 on, and with
// variables that say so. names may be empty.
func activate(t *testing.T, c *exec.Cmd, names string, sockets ...socket) {
	t.Helper()
	for _, s := range sockets {
		f, err := s.File()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		c.ExtraFiles = append(c.ExtraFiles, f)
	}
	c.Env = append(c.Env, "LISTEN_FDS="+strconv.Itoa(len(sockets)))
	if names != "" {
		c.Env = append(c.Env, "LISTEN_FDNAMES="+names)
	}
	// Only the process itself knows its number.
	c.Args = append([]string{"sh", "-c", `LISTEN_PID=$$ exec "$@"`, "sh"}, append([]string{c.Path}, c.Args[1:]...)...)
	c.Path = "/bin/sh"
}

func listenTCP(t *testing.T, address string) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip(err) // a machine without that address
	}
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}

func listenUnix(t *testing.T, path string, mode os.FileMode) *net.UnixListener {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return l.(*net.UnixListener)
}

// get asks for a URL, at a Unix socket if there is one.
func get(t *testing.T, url, socket string) (status int, body string) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	if socket != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}
	}
	res, err := (&http.Client{Transport: transport, Timeout: patience}).Get(url)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(data)
}

// All that listens serves on the socket that it is given, and its metrics on the one of
// that name. Who connected before it was there is answered. The socket stays when it ends.
func TestServesOnGivenSockets(t *testing.T) {
	t.Parallel()
	m := newSession(t, emulator.Options{})
	for _, tt := range []struct {
		args []string
		path string
		want string
	}{
		{[]string{"serve", "--no-browser"}, "/", "<!doctype html>"},
		{[]string{"proxy", "http://127.0.0.1:1"}, "/", "tokentoss"},
		{[]string{"metadata"}, "/", "computeMetadata/"},
		{[]string{"hub", "--public-url", "https://hub.example.com/services/tokentoss/"}, "/services/tokentoss/", "<!doctype html>"},
	} {
		t.Run(tt.args[0], func(t *testing.T) {
			t.Parallel()
			m := m
			l, path := listenTCP(t, "127.0.0.1:0"), filepath.Join(shortDir(t), "metrics")
			c := m.command(tt.args...)
			if tt.args[0] == "hub" {
				m = newMachine(t, emulator.Options{})
				c = m.command(tt.args...)
				m.beHub(t, c)
			}
			activate(t, c, "own.socket:metrics", l, listenUnix(t, path, 0o600))
			p := start(t, c)
			poll(t, "it serves", func() bool {
				_, body := get(t, "http://"+l.Addr().String()+tt.path, "")
				alive(t, p)
				return strings.Contains(body, tt.want)
			})
			if status, body := get(t, "http://localhost/healthz", path); status != http.StatusOK {
				t.Errorf("metrics: %d %s", status, body)
			}
			p.signal(t, syscall.SIGTERM)
			p.wait(t).wantCode(t, 0)
			if _, err := os.Stat(path); err != nil {
				t.Errorf("the socket of systemd's is gone: %v", err)
			}
			if c, err := net.Dial("tcp", l.Addr().String()); err != nil {
				t.Errorf("nobody can connect for the next start: %v", err)
			} else {
				c.Close()
			}
		})
	}
}

// alive fails the test when p has ended.
func alive(t *testing.T, p *process) {
	t.Helper()
	select {
	case <-p.done:
		t.Fatalf("it ended: %s", p.stderr.String())
	default:
	}
}

// systemd's own activator starts it with the first connection.
func TestSystemdSocketActivate(t *testing.T) {
	t.Parallel()
	activator, err := exec.LookPath("systemd-socket-activate")
	if err != nil {
		t.Skip("systemd-socket-activate is missing here")
	}
	m, dir := newSession(t, emulator.Options{}), shortDir(t)
	own, metrics := filepath.Join(dir, "own"), filepath.Join(dir, "metrics")
	c := m.command()
	c.Args = []string{activator, "-l", own, "-l", metrics, "--fdname=own:metrics", "-E", "HOME", "-E", "TOKENTOSS_CONFIG_DIR", "-E", "TOKENTOSS_INSECURE_LOOPBACK",
		"sh", "-c", `chmod 600 "$1" "$2"; shift 2; exec "$@"`, "sh", own, metrics, c.Path, "proxy", "http://127.0.0.1:1"}
	c.Path = activator
	p := start(t, c)
	poll(t, "there is a socket", func() bool { _, err := os.Stat(metrics); alive(t, p); return err == nil })
	poll(t, "it serves", func() bool { status, _ := get(t, "http://localhost/", own); alive(t, p); return status != 0 })
	if status, body := get(t, "http://localhost/readyz", metrics); status != http.StatusOK {
		t.Errorf("metrics: %d %s", status, body)
	}
}

// A socket that a command may not listen on ends it, with what is wrong and what to do.
func TestGivenSocketsThatAreRefused(t *testing.T) {
	t.Parallel()
	m, dir := newSession(t, emulator.Options{}), shortDir(t)
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	here, other, reachable := listenTCP(t, "127.0.0.1:0"), listenTCP(t, "127.0.0.1:0"), listenTCP(t, "0.0.0.0:0")
	connected, err := net.Dial("tcp", here.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connected.Close()
	mine, open := listenUnix(t, filepath.Join(dir, "mine"), 0o660), listenUnix(t, filepath.Join(dir, "open"), 0o666)
	abstract, err := net.ListenUnix("unix", &net.UnixAddr{Name: fmt.Sprintf("@tokentoss-test-%d", os.Getpid())})
	if err != nil {
		t.Fatal(err)
	}
	defer abstract.Close()
	for _, tt := range []struct {
		name, names string
		args        []string
		sockets     []socket
		want        string
	}{
		{"datagram", "a", []string{"metadata"}, []socket{packets.(*net.UDPConn)}, "is not a stream socket"},
		{"connection", "a", []string{"metadata"}, []socket{connected.(*net.TCPConn)}, "does not listen"},
		{"other machines", "a", []string{"metadata"}, []socket{reachable}, "other machines reach this address"},
		{"other machines, proxy", "a", []string{"proxy", "http://127.0.0.1:1"}, []socket{reachable}, "set expose"},
		{"metrics without a word", "metrics", []string{"metadata"}, []socket{here}, "metrics_bearer_file"},
		{"metrics of everybody", "metrics", []string{"metadata"}, []socket{open}, "everybody on this machine may use it"},
		{"two ports", "a:a", []string{"metadata"}, []socket{here, other}, "another one is elsewhere"},
		{"two names", "a:b", []string{"metadata"}, []socket{here, other}, "FileDescriptorName=metrics"},
		{"no names", "", []string{"metadata"}, []socket{here, other}, "without names"},
		{"TCP and Unix", "a:a", []string{"proxy", "http://127.0.0.1:1"}, []socket{here, mine}, "another one is elsewhere"},
		{"Unix", "a", []string{"metadata"}, []socket{mine}, "it wants TCP"},
		{"Unix of everybody", "a", []string{"proxy", "http://127.0.0.1:1"}, []socket{open}, "SocketMode=0600"},
		{"Unix without a file", "a", []string{"proxy", "http://127.0.0.1:1"}, []socket{abstract}, "has no file"},
		{"listen", "a", []string{"metadata", "--listen", "127.0.0.1:0"}, []socket{here}, "leave one of the two out"},
		{"metrics listen", "metrics", []string{"metadata", "--metrics-listen", "unix:" + filepath.Join(dir, "m")}, []socket{mine}, "leave one of the two out"},
		{"no socket, but its number", "", []string{"metadata", "--listen", "fd:3"}, nil, "no address"},
	} {
		c := m.command(tt.args...)
		activate(t, c, tt.names, tt.sockets...)
		if got := finish(t, c); got.code == 0 || !strings.Contains(got.stderr, tt.want) {
			t.Errorf("%s: exit code %d: %s", tt.name, got.code, got.stderr)
		}
	}
}

// Sockets of another process are not taken, and no child but the server has any, or
// learns of them: not what serves the store, which is started before.
func TestGivenSocketsGoToNoOtherProcess(t *testing.T) {
	t.Parallel()
	m := withStore(t, emulator.Options{}, encryptedStore)
	m.signIn(t, ada)
	l := listenTCP(t, "127.0.0.1:0")
	c := m.command("proxy", "http://127.0.0.1:1")
	activate(t, c, "own.socket", l)
	p := start(t, c)
	poll(t, "it serves", func() bool { status, _ := get(t, "http://"+l.Addr().String()+"/", ""); alive(t, p); return status != 0 })
	inode := inodeOf(t, c.ExtraFiles[0])
	having := 0
	for _, pid := range append(m.family(t), children(t, c.Process.Pid)...) {
		environ, _ := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		cmdline, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		if pid != c.Process.Pid && bytes.Contains(environ, []byte("LISTEN_")) {
			t.Errorf("%q learns of the sockets", cmdline)
		}
		fds, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for _, fd := range fds {
			if to, _ := os.Readlink(fd); to == inode && pid != c.Process.Pid {
				having++
				if !bytes.Contains(cmdline, []byte("proxy")) {
					t.Errorf("%q has the socket", cmdline)
				}
				break
			}
		}
	}
	if os.Geteuid() == 0 && having != 1 { // others may not look into what is protected
		t.Errorf("%d children have the socket", having)
	}

	c = m.command("metadata")
	activate(t, c, "own.socket", l)
	c.Env = append(c.Env, "LISTEN_PID=1")
	c.Args[2] = `exec "$@"`
	p = start(t, c)
	poll(t, "it has an address", func() bool { alive(t, p); return strings.Contains(p.stderr.String(), "GCE_METADATA_HOST") })
	if strings.Contains(p.stderr.String(), l.Addr().String()) {
		t.Error("a socket of another process is taken")
	}
}

func inodeOf(t *testing.T, f *os.File) string {
	t.Helper()
	to, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return to
}
