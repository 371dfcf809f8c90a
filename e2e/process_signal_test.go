//go:build unix

package e2e_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

var endSignals = []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP}

// A signal ends a login that waits for the person, with the port
// closed and the session as it was.
func TestSignalWhileALoginWaits(t *testing.T) {
	m := newSession(t, emulator.Options{})
	old := mustRead(t, m.tokens())
	for _, s := range endSignals {
		l := m.pendingLogin(t)
		if !listens("127.0.0.1", l.port) {
			t.Errorf("nobody listens on port %s while the login waits", l.port)
		}
		l.signal(t, s)
		r := l.wait(t)
		if r.code != 1 {
			t.Errorf("%v: exit code %d, expected 1\n%s", s, r.code, r.stderr)
		}
		m.wantAsBefore(t, l, old)
	}
}

// wantAsBefore fails unless nothing is left of a login that did not succeed.
func (m *machine) wantAsBefore(t *testing.T, l *pendingLogin, old []byte) {
	t.Helper()
	if !closed(l.port) {
		t.Errorf("port %s is still open", l.port)
	}
	if !bytes.Equal(mustRead(t, m.tokens()), old) {
		t.Error("the session changed")
	}
	if names := m.left(t); len(names) > 0 {
		t.Errorf("these files are left: %q", names)
	}
	if strings.Contains(l.stdout.String(), "eyJ") {
		t.Error("standard output has a token")
	}
}

// A signal ends a login whose code is being exchanged, too.
func TestSignalDuringTheExchange(t *testing.T) {
	m := newSession(t, emulator.Options{})
	old := mustRead(t, m.tokens())
	for _, s := range endSignals {
		l := m.pendingLogin(t)
		redirect := l.agree(t, m.provider, ada)
		m.provider.SetFault(emulator.Token, &emulator.Fault{Delay: 5 * time.Second, Times: 1})
		before := m.provider.TokenCalls("authorization_code")
		visited := make(chan struct{})
		go func() { defer close(visited); visit(t.Context(), redirect) }()
		poll(t, "the code is exchanged", func() bool { return m.provider.TokenCalls("authorization_code") > before })
		l.signal(t, s)
		r := l.wait(t)
		if r.code != 1 {
			t.Errorf("%v: exit code %d, expected 1\n%s", s, r.code, r.stderr)
		}
		<-visited
		m.wantAsBefore(t, l, old)
	}
	m.signIn(t, ada)
}

// A login ends when its terminal's shell died: nobody is there to sign in.
func TestDeathOfALoginsParent(t *testing.T) {
	m := newSession(t, emulator.Options{})
	old := mustRead(t, m.tokens())
	c := m.command("login", "--no-browser")
	c.Args = append([]string{"sh", "-c", `"$@"; true`, "sh", c.Path}, c.Args[1:]...)
	c.Path = "/bin/sh"
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // to end both when the test fails
	// The login has this pipe's end as long as it lives.
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	p := &process{cmd: c, done: make(chan struct{})}
	c.Stderr = w
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	gone := make(chan struct{})
	go func() { defer close(gone); _, _ = io.Copy(&p.stderr, r) }()
	go func() { defer close(p.done); _ = c.Wait() }()
	t.Cleanup(func() { _ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL) })
	l := shown(t, p)
	p.signal(t, syscall.SIGKILL)
	select {
	case <-gone:
	case <-time.After(patience):
		t.Fatal("the login outlives its parent")
	}
	<-p.done
	m.wantAsBefore(t, l, old)
}

// Nothing listens any more within a second after a login succeeded, was
// denied, or was not completed in time.
func TestPortIsClosedAfterALogin(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testing.T, *machine, *pendingLogin){
		"success": func(t *testing.T, m *machine, l *pendingLogin) {
			visit(t.Context(), l.agree(t, m.provider, ada))
			l.wait(t).wantCode(t, 0)
		},
		"denial": func(t *testing.T, m *machine, l *pendingLogin) {
			redirect, err := m.provider.Deny(t.Context(), l.url)
			if err != nil {
				t.Fatal(err)
			}
			visit(t.Context(), redirect)
			l.wait(t).wantCode(t, 1)
		},
		"timeout": func(t *testing.T, m *machine, l *pendingLogin) { l.wait(t).wantCode(t, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			m := newSession(t, emulator.Options{})
			timeout := "--timeout=1m"
			if name == "timeout" {
				timeout = "--timeout=500ms"
			}
			l := m.pendingLogin(t, timeout)
			end(t, m, l)
			if !closed(l.port) {
				t.Errorf("port %s is still open", l.port)
			}
			if names := m.left(t); len(names) > 0 {
				t.Errorf("these files are left: %q", names)
			}
			m.run(t, "token").wantCode(t, 0)
		})
	}
}

// The port of a login is open when its address is shown, at 127.0.0.1
// and at no other address of the machine.
func TestLoginListensOnLoopbackOnly(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{})
	l := m.pendingLogin(t)
	if !strings.Contains(l.url, "redirect_uri=http%3A%2F%2F127.0.0.1%3A"+l.port) {
		t.Error("redirect_uri does not name 127.0.0.1")
	}
	if !listens("127.0.0.1", l.port) {
		t.Error("nobody listens when the address is shown")
	}
	others := 0
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		ip := a.(*net.IPNet).IP
		if ip.IsLinkLocalUnicast() || ip.String() == "127.0.0.1" {
			continue
		}
		others++
		if listens(ip.String(), l.port) {
			t.Errorf("the callback can be reached at %s", ip)
		}
	}
	if others == 0 {
		t.Skip("this machine has no other address")
	}
}

// A request that names another host than the callback's address, as after
// DNS rebinding, is refused and does not disturb the login.
func TestLoginRefusesOtherHosts(t *testing.T) {
	t.Parallel()
	m := newMachine(t, emulator.Options{})
	l := m.pendingLogin(t)
	redirect := l.agree(t, m.provider, ada)
	for _, host := range []string{"evil.example:" + l.port, "localhost:" + l.port, "localhost.evil:" + l.port, "127.0.0.1"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, redirect, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Host = host
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusMisdirectedRequest {
			t.Errorf("Host %s: status %d, expected 421", host, res.StatusCode)
		}
	}
	if n := m.provider.TokenCalls("authorization_code"); n != 0 {
		t.Errorf("a code was exchanged %d times", n)
	}
	visit(t.Context(), redirect)
	l.wait(t).wantCode(t, 0)
}
