package proxy_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// run runs a proxy that cannot begin, and returns why.
func run(t *testing.T, config proxy.Config) error {
	t.Helper()
	config.Targets = []string{"https://app.example.com"}
	p, err := proxy.New(config, proxy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err = p.Run(ctx, &ada{}); ctx.Err() != nil {
		t.Fatal("it runs")
	}
	return err
}

// What other machines reach is refused, unless it is asked for.
func TestListenAddresses(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "example.com:0", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:http", "unix:"} {
		if err := run(t, proxy.Config{Listen: address}); err == nil || !strings.Contains(err.Error(), "listen") {
			t.Errorf("%s: %v", address, err)
		}
	}
	target := serve(t, func(http.ResponseWriter, *http.Request) {})
	for _, address := range []string{"127.0.0.1:0", "localhost:0", ""} {
		w := start(t, &ada{}, proxy.Config{Targets: []string{target}, Listen: address}, proxy.Options{})
		if res, _ := w.do(t, get(t, w.URL)); res.StatusCode != http.StatusOK {
			t.Errorf("%q: %d", address, res.StatusCode)
		}
	}
	// Exposed, it still wants a Host that it knows, and the secret.
	w := start(t, &ada{}, proxy.Config{Targets: []string{target}, Listen: "0.0.0.0:0", Expose: true, Hosts: []string{"MyBox.example"}}, proxy.Options{})
	_, port, _ := net.SplitHostPort(w.URL[len("http://"):])
	for host, want := range map[string]int{"mybox.example:" + port: 200, "127.0.0.1:" + port: 200, "other.example:" + port: 421, "0.0.0.0:" + port: 421} {
		if res, _ := w.do(t, get(t, "http://127.0.0.1:"+port, "Host", host)); res.StatusCode != want {
			t.Errorf("exposed, Host %s: %d", host, res.StatusCode)
		}
	}
	w.screen.find(t, "other machines can reach this")
}

// A port that is taken, in whichever family, is an error that names it.
func TestPortTaken(t *testing.T) {
	taken := []struct{ network, taken string }{{"tcp4", "127.0.0.1:0"}, {"tcp6", "[::1]:0"}}
	if runtime.GOOS == "linux" { // elsewhere the one who names the address gets it
		taken = append(taken, struct{ network, taken string }{"tcp4", "0.0.0.0:0"}, struct{ network, taken string }{"tcp6", "[::]:0"})
	}
	for _, c := range taken {
		l, err := net.Listen(c.network, c.taken)
		if err != nil {
			t.Logf("this machine has no %s: %v", c.network, err)
			continue
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		err = run(t, proxy.Config{Listen: "localhost:" + port})
		if !errors.Is(err, fault.AddressInUse) || !strings.Contains(err.Error(), ":"+port) || !strings.Contains(fault.RemedyOf(err).Text, "another program has port "+port) {
			t.Errorf("%s taken: %v", c.taken, err)
		}
		l.Close()
	}
}

// A Unix socket is the user's alone and needs no secret. One that nobody listens on
// is replaced; a file, or another program's, is not. It is gone in the end.
func TestUnixSocket(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a socket has no mode here")
	}
	path := filepath.Join(t.TempDir(), "s")
	old, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	old.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := run(t, proxy.Config{Listen: "unix:" + path}); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("in use: %v", err)
	}
	old.Close()
	w := start(t, &ada{}, proxy.Config{Listen: "unix:" + path, Targets: []string{serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "here") })}}, proxy.Options{})
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	if w.Secret != "" || w.URL != "http://localhost" {
		t.Errorf("%+v", w.Address)
	}
	for host, want := range map[string]int{"localhost": 200, "evil.example": 421} {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || res.StatusCode != want {
			t.Errorf("%s: %v %v", host, res, err)
		}
		c.Close()
	}
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("afterwards: %v", err)
	}
	if err := os.WriteFile(path, []byte("a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t, proxy.Config{Listen: "unix:" + path}); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("a file: %v", err)
	}
}

// The secret is new in each run, unless it is to be kept; what is kept must be
// private and whole. None at all is said aloud.
func TestSecrets(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "private")
	target := []string{serve(t, func(http.ResponseWriter, *http.Request) {})}
	secretOf := func(kind string) string {
		w := start(t, &ada{}, proxy.Config{Targets: target, Secret: kind}, proxy.Options{Dir: dir})
		if kind == proxy.SecretNone {
			w.screen.find(t, "there is no secret")
		} else {
			text, err := os.ReadFile(w.Netrc)
			info, _ := os.Stat(w.Netrc)
			if err != nil || !strings.Contains(string(text), w.Secret.Reveal()) || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("netrc: %s %v", text, err)
			}
		}
		if res, _ := w.do(t, get(t, w.URL)); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", kind, res.StatusCode)
		}
		if err := w.stop(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(w.Netrc); kind != proxy.SecretNone && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("netrc afterwards: %v", err)
		}
		return w.Secret.Reveal()
	}
	if a, b := secretOf(""), secretOf(proxy.SecretNew); a == b || len(a) < 20 {
		t.Errorf("%d letters, twice", len(a))
	}
	if a, b := secretOf(proxy.SecretKeep), secretOf(proxy.SecretKeep); a != b || len(a) < 20 {
		t.Error("not kept")
	}
	if s := secretOf(proxy.SecretNone); s != "" {
		t.Error("a secret")
	}
	file := filepath.Join(dir, "proxy-secret")
	bad := func(why string) {
		p, err := proxy.New(proxy.Config{Targets: []string{"https://app.example.com"}, Secret: proxy.SecretKeep}, proxy.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Run(t.Context(), &ada{}); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", why, err)
		}
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
		bad("readable by others")
	}
	if err := os.WriteFile(file, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = os.Chmod(file, 0o600)
	bad("short")
}
