package serve_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/frontends/http/serve"
	"github.com/tokentoss/tokentoss/plugins"
)

func TestAPI(t *testing.T) {
	for _, d := range []struct {
		name, code string
		err        error
		status     int
		says       string
	}{
		{"signed in", "", nil, http.StatusOK, plantedToken},
		{"signed out", "sign_in_needed", &core.SignInNeededError{Cause: core.CauseSignedOut}, http.StatusForbidden, "run tokentoss login"},
		{"no client", "not_configured", core.ErrNotConfigured, http.StatusForbidden, "run tokentoss configure"},
		{"offline", "offline", &fault.Error{Kind: fault.Offline, Subject: "h"}, http.StatusServiceUnavailable, "no connection"},
	} {
		t.Run(d.name, func(t *testing.T) {
			s := start(t, &app{err: d.err}, "")
			answer, body := s.send(s.routes()[1])
			if answer.StatusCode != d.status || !strings.Contains(body, d.says) || !strings.Contains(body, d.code) {
				t.Errorf("/token is answered with %s, %s", answer.Status, body)
			}
			answer, body = s.send(s.routes()[2])
			if want := map[bool]string{true: `"email": "` + ada, false: `"error"`}[d.err == nil]; !strings.Contains(body, want) {
				t.Errorf("/status is answered with %s, %s", answer.Status, body)
			}
			if strings.Contains(body, plantedToken) {
				t.Error("/status has the token")
			}
		})
	}
}

// Each kind of fault has the status, the code and the words of the table.
func TestEveryKindIsAnsweredByTheTable(t *testing.T) {
	for _, row := range fault.Table() {
		t.Run(string(row.Kind), func(t *testing.T) {
			s := start(t, &app{err: &fault.Error{Kind: row.Kind, Problem: "because"}}, "")
			for _, route := range s.routes()[1:3] {
				answer, body := s.send(route)
				if answer.StatusCode != row.HTTP || !strings.Contains(body, fmt.Sprintf(`"error": %q`, string(row.Kind))) || !strings.Contains(body, row.Text+": because: ") {
					t.Errorf("%s, %s", answer.Status, body)
				}
			}
		})
	}
}

// TestKeyFile: it is for nobody else, and goes with the run that made it.
func TestKeyFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "deep", "api-key")
	var content []byte
	t.Run("runs", func(t *testing.T) {
		s := start(t, &app{}, fmt.Sprintf(`{"api_key_file": %q}`, file))
		s.keyFile = file
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("the mode of the file is %v", info.Mode())
		}
		if content, err = os.ReadFile(file); err != nil || !strings.HasPrefix(string(content), "Authorization: Bearer ") {
			t.Errorf("the file has %q, %v", content, err)
		}
		if answer, _ := s.send(s.routes()[1]); answer.StatusCode != http.StatusOK {
			t.Errorf("with the header in the file /token is answered with %s", answer.Status)
		}
	})
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after the run the file is there: %v", err)
	}
	t.Run("of a later run", func(t *testing.T) {
		start(t, &app{}, fmt.Sprintf(`{"api_key_file": %q}`, file))
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if data, err := os.ReadFile(file); err != nil || string(data) != string(content) {
		t.Errorf("the file of another run is %q, %v", data, err)
	}
}

// TestKeyFileOfAnother: what a person named by mistake is not replaced; a link is kept.
func TestKeyFileOfAnother(t *testing.T) {
	dir := t.TempDir()
	other, link := filepath.Join(dir, "id_ed25519"), filepath.Join(dir, "link")
	if err := os.WriteFile(other, []byte("PRIVATE KEY"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := serve.Plugin().OpenFrontend(t.Context(), plugins.Request{Terminal: newPerson(false), Settings: fmt.Appendf(nil, `{"api_key_file": %q}`, other)})
	if err == nil {
		err = f.Run(t.Context(), &app{})
	}
	if data, _ := os.ReadFile(other); !errors.Is(err, fault.BadConfig) || string(data) != "PRIVATE KEY" {
		t.Errorf("%v, and the file has %q", err, data)
	}
	if runtime.GOOS == "windows" {
		return
	}
	if err := os.Symlink(filepath.Join(dir, "key"), link); err != nil {
		t.Fatal(err)
	}
	t.Run("runs", func(t *testing.T) {
		s := start(t, &app{}, fmt.Sprintf(`{"api_key_file": %q}`, link))
		s.keyFile = link
		if answer, _ := s.send(s.routes()[1]); answer.StatusCode != http.StatusOK {
			t.Errorf("by a link: %s", answer.Status)
		}
	})
	if _, err := os.Lstat(link); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(link); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what it leads to: %v", err)
	}
}

// TestOpenErrors: what cannot be used is refused, and said.
func TestOpenErrors(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, d := range []struct {
		name, settings, says string
		is                   error
	}{
		{"taken", fmt.Sprintf(`{"listen": "127.0.0.1:%s"}`, port), port, syscall.EADDRINUSE},
		{"everybody", `{"listen": "0.0.0.0:0"}`, "other machines", plugins.ErrBadConfig},
		{"no host", `{"listen": ":8080"}`, "other machines", plugins.ErrBadConfig},
		{"a name", `{"listen": "example.com:80"}`, "neither localhost nor", plugins.ErrBadConfig},
		{"no port", `{"listen": "127.0.0.1"}`, "HOST:PORT", plugins.ErrBadConfig},
		{"no time", `{"for": "8 hours"}`, "8h", plugins.ErrBadConfig},
		{"less than none", `{"for": "-1h"}`, "8h", plugins.ErrBadConfig},
	} {
		t.Run(d.name, func(t *testing.T) {
			f, err := serve.Plugin().OpenFrontend(t.Context(), plugins.Request{Terminal: newPerson(false), Settings: []byte(d.settings)})
			began := time.Now()
			if err == nil {
				err = f.Run(t.Context(), &app{})
			}
			if err == nil || !strings.Contains(err.Error(), d.says) || d.is != nil && !errors.Is(err, d.is) {
				t.Errorf("it returned %v", err)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("that took %v", took)
			}
		})
	}
}

// TestFor: the time to stay has an end, which is no error. A sign-in that has not
// succeeded by then is one.
func TestFor(t *testing.T) {
	for settings, want := range map[string]error{`{"for": "50ms"}`: nil, `{"for": "50ms", "once": true}`: core.ErrSignInTimeout} {
		f, err := serve.Plugin().OpenFrontend(t.Context(), plugins.Request{Terminal: newPerson(false), Settings: []byte(settings)})
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Run(t.Context(), &app{}); !errors.Is(err, want) {
			t.Errorf("with %s Run returned %v, want %v", settings, err, want)
		}
	}
}

// TestStop: the end comes soon, whatever is under way, and frees the port.
func TestStop(t *testing.T) {
	s := start(t, &app{busy: true}, "")
	address := strings.TrimPrefix(s.base, "http://")
	idle, err := net.Dial("tcp", address) // as browsers keep one ready
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	events := s.dial(fmt.Sprintf("GET /events HTTP/1.1\r\nHost: %s\r\nX-Tokentoss-Key: %s\r\n\r\n", address, s.key))
	defer events.Close()
	lines := bufio.NewReader(events)
	s.readUntil(lines, `"phase":"signed_in"`)
	token := s.dial(fmt.Sprintf("GET /token HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\n\r\n", address, s.apiHeader()))
	defer token.Close()

	began := time.Now()
	s.stop()
	s.readUntil(lines, `"phase":"detached"`)
	err = <-s.done
	s.done <- err
	if took := time.Since(began); err != nil || took > time.Second {
		t.Errorf("Run returned %v after %v", err, took)
	}
	again, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	again.Close()
}

// TestSlowClients: those who hold connections and send little keep nobody out.
func TestSlowClients(t *testing.T) {
	s := start(t, &app{}, "")
	address := strings.TrimPrefix(s.base, "http://")
	for i := range 500 {
		text := "GET / HTTP/1.1\r\nHost: " + address
		c := s.dial(text[:i%len(text)])
		defer c.Close()
	}
	large := s.dial("GET / HTTP/1.1\r\nHost: " + address + "\r\nX: " + strings.Repeat("x", 32<<10) + "\r\n\r\n")
	defer large.Close()
	s.readUntil(bufio.NewReader(large), "431")
	for range 2000 {
		q := s.routes()[0].with("X-Tokentoss-Key", "guess")
		if answer, _ := s.send(q); answer.StatusCode != http.StatusUnauthorized {
			t.Fatalf("a wrong key is answered with %s", answer.Status)
		}
	}
	began := time.Now()
	if answer, _ := s.send(s.routes()[1]); answer.StatusCode != http.StatusOK {
		t.Errorf("/token is answered with %s", answer.Status)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("with 500 idle connections /token took %v", took)
	}
}

// TestManyViews: streams have a limit, and places become free.
func TestManyViews(t *testing.T) {
	s := start(t, &app{}, "")
	text := fmt.Sprintf("GET /events HTTP/1.1\r\nHost: %s\r\nX-Tokentoss-Key: %s\r\n\r\n", strings.TrimPrefix(s.base, "http://"), s.key)
	var first net.Conn
	for i := range 32 {
		c := s.dial(text)
		defer c.Close()
		s.readUntil(bufio.NewReader(c), `"signed_in"`)
		if i == 0 {
			first = c
		}
	}
	events := request{method: "GET", path: "/events", header: map[string]string{"X-Tokentoss-Key": s.key}}
	if answer, _ := s.send(events); answer.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("one view too many is answered with %s", answer.Status)
	}
	first.Close()
	for end := time.Now().Add(10 * time.Second); ; {
		c := s.dial(text)
		defer c.Close()
		line, err := bufio.NewReader(c).ReadString('\n')
		if strings.Contains(line, "200") {
			return
		}
		if err != nil || time.Now().After(end) {
			t.Fatalf("no place became free: %s %v", line, err)
		}
	}
}
