//go:build unix

package forward_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/forward"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// An app is a session that gives a token, or an error.
type app struct {
	core.App
	token string
	err   error
}

func (a app) IDToken(context.Context) (core.IDToken, error) {
	return core.IDToken{Value: core.Secret(a.token)}, a.err
}

// home makes a home for this test, in which sockets are looked for.
func home(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fwd") // short: the path of a socket has 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	t.Setenv("HOME", dir)
	return dir
}

// place makes the directory of a socket.
func place(t *testing.T, name string) string {
	t.Helper()
	dir, err := forward.Dir()
	if err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, forward.SocketName)
}

// listen makes a private socket.
func listen(t *testing.T, path string) net.Listener {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return l
}

// lend serves a session at a socket until the test ends.
func lend(t *testing.T, name string, a app, o forward.Options) {
	t.Helper()
	l := listen(t, place(t, name))
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := forward.Serve(ctx, l, a, o); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		serving.Wait()
	})
}

var ada = forward.Hello{Host: "desk", Email: "ada@example.com", Issuer: "https://accounts.google.com", Client: "c", Targets: []string{"https://s.example"}}

func TestTokensAndErrorsComeOver(t *testing.T) {
	home(t)
	var asked []forward.Request
	lend(t, "one", app{token: "a.b.c"}, forward.Options{Hello: ada, Allow: func(_ context.Context, r forward.Request) error {
		if asked = append(asked, r); len(asked) > 1 {
			return &fault.Error{Kind: fault.Refused}
		}
		return nil
	}})
	c, err := forward.Find(t.Context())
	if err != nil || c.Hello.Email != ada.Email || c.Hello.Targets[0] != ada.Targets[0] {
		t.Fatalf("%+v, %v", c, err)
	}
	if token, err := c.IDToken(t.Context()); err != nil || token.Reveal() != "a.b.c" {
		t.Errorf("%v, %v", token, err)
	}
	if _, err := c.IDToken(t.Context()); !errors.Is(err, fault.Refused) || !strings.Contains(fault.RemedyOf(err).String(), "desk") {
		t.Errorf("%v", err)
	}
	if asked[0].Program == "" || asked[0].Host == "" {
		t.Errorf("who asks is not told: %+v", asked)
	}
}

// Every kind of error arrives as what it is, and a sign-in is wanted where the session
// is.
func TestEveryKindOfErrorComesOver(t *testing.T) {
	for _, row := range fault.Table() {
		t.Run(string(row.Kind), func(t *testing.T) {
			home(t)
			lend(t, "one", app{err: &fault.Error{Kind: row.Kind, Problem: "because"}}, forward.Options{Hello: ada})
			c, err := forward.Find(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.IDToken(t.Context())
			if fault.Of(err) != row.Kind || strings.Count(err.Error(), row.Text) != 1 {
				t.Errorf("%v", err)
			}
			if row.Kind == fault.SignInNeeded && !strings.Contains(fault.RemedyOf(err).String(), "sign in on desk") {
				t.Errorf("%v", fault.RemedyOf(err))
			}
		})
	}
}

// A program that stays goes on when the same session is lent again, and not with another
// one.
func TestAClientGoesOnWhenTheSessionIsLentAgain(t *testing.T) {
	home(t)
	l := listen(t, place(t, "one"))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- forward.Serve(ctx, l, app{token: "a.b.c"}, forward.Options{Hello: ada}) }()
	c, err := forward.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	other := ada
	other.Email = "grace@example.com"
	lend(t, "two", app{token: "x.y.z"}, forward.Options{Hello: other})
	if token, err := c.IDToken(t.Context()); !errors.Is(err, fault.Unavailable) || !strings.Contains(fault.RemedyOf(err).String(), "connect again") {
		t.Errorf("%v, %v", token, err)
	}
	lend(t, "three", app{token: "d.e.f"}, forward.Options{Hello: ada})
	if token, err := c.IDToken(t.Context()); err != nil || token.Reveal() != "d.e.f" {
		t.Errorf("%v, %v", token, err)
	}
}

// Who gives no tokens gives none, and who gives tokens makes no requests.
func TestTokensAndRequestsAreTwoThings(t *testing.T) {
	home(t)
	lend(t, "tokens", app{token: "a.b.c"}, forward.Options{Hello: ada})
	c, err := forward.Find(t.Context())
	if err != nil || c.Requests() != nil {
		t.Fatalf("%v, %v", c, err)
	}
	if line := say(t, "tokens", `{"program":"p","target":"s.example:443"}`); !strings.Contains(line, `"unsupported"`) {
		t.Errorf("%s", line)
	}
	lend(t, "requests", app{token: "a.b.c"}, forward.Options{Hello: ada, Open: func(forward.Request, forward.Allow) (func(context.Context, net.Conn), error) {
		return nil, &fault.Error{Kind: fault.WrongOrigin}
	}})
	if line := say(t, "requests", `{"program":"p"}`); !strings.Contains(line, `"unsupported"`) || strings.Contains(line, "a.b.c") {
		t.Errorf("%s", line)
	}
	if line := say(t, "requests", `{"program":"p","target":"other.example:443"}`); !strings.Contains(line, `"wrong_origin"`) {
		t.Errorf("%s", line)
	}
	if c, err = forward.Find(t.Context()); err != nil || c.Requests() == nil {
		t.Fatalf("%v, %v", c, err)
	}
	if _, err := c.IDToken(t.Context()); !errors.Is(err, fault.Unsupported) {
		t.Error(err)
	}
}

// say sends a line, and returns what is answered.
func say(t *testing.T, name, line string) string {
	t.Helper()
	c, err := net.Dial("unix", place(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	r := bufio.NewReader(c)
	_, err = r.ReadString('\n')
	if err == nil {
		_, err = io.WriteString(c, line+"\n")
	}
	if err == nil {
		line, err = r.ReadString('\n')
	}
	if err != nil {
		t.Fatal(err)
	}
	return line
}

// What others could have made, or what nobody answers, is passed over.
func TestOnlyOwnSocketsAreUsed(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, socket string){
		"a directory that others may enter": func(t *testing.T, s string) { chmod(t, filepath.Dir(s), 0o755) },
		"a socket that others may use":      func(t *testing.T, s string) { chmod(t, s, 0o666) },
		"all of it is open":                 func(t *testing.T, s string) { chmod(t, filepath.Dir(filepath.Dir(s)), 0o777) },
		"another's socket": func(t *testing.T, s string) {
			if err := os.Chown(s, 65534, 65534); err != nil {
				t.Skip("only root gives files away")
			}
		},
		"another's directory": func(t *testing.T, s string) {
			if err := os.Chown(filepath.Dir(s), 65534, 65534); err != nil {
				t.Skip("only root gives files away")
			}
		},
		"a link to a socket": func(t *testing.T, s string) {
			if err := errors.Join(os.Rename(s, s+"2"), os.Symlink(s+"2", s)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			home(t)
			lend(t, "one", app{token: "a.b.c"}, forward.Options{Hello: ada})
			spoil(t, place(t, "one"))
			if c, err := forward.Find(t.Context()); !errors.Is(err, fault.NotFound) {
				t.Errorf("%+v, %v", c, err)
			}
		})
	}
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// A socket that says what is not understood, or nothing, is passed over for one that
// answers; of another version alone both are named.
func TestOddSocketsDoNotHoldAnybodyUp(t *testing.T) {
	for name, says := range map[string]string{
		"garbage": "HTTP/1.1 200 OK\r\n\r\n", "nothing": "", "half a line": `{"tokentoss_forward":`, "an endless line": strings.Repeat("x", 1<<20),
		"another version": `{"tokentoss_forward": 9, "host": "new", "release": "v9.1.0"}` + "\n", "a list": "[]\n", "no version": "{}\n",
	} {
		t.Run(name, func(t *testing.T) {
			home(t)
			l := listen(t, place(t, "odd"))
			var serving sync.WaitGroup
			serving.Go(func() {
				for {
					c, err := l.Accept()
					if err != nil {
						return
					}
					serving.Go(func() {
						defer c.Close()
						_, _ = io.WriteString(c, says)
						if says == "" {
							_, _ = io.Copy(io.Discard, c) // until the other side gives up
						}
					})
				}
			})
			defer serving.Wait()
			defer l.Close()
			_, err := forward.Find(t.Context())
			if err == nil {
				t.Fatal("it was used")
			}
			if name == "another version" && (!errors.Is(err, fault.Unsupported) || !strings.Contains(err.Error(), "v9.1.0, with version 9") || !strings.Contains(err.Error(), "version 1")) {
				t.Errorf("%v", err)
			}
			lend(t, "well", app{token: "a.b.c"}, forward.Options{Hello: ada})
			if c, err := forward.Find(t.Context()); err != nil || c.Hello.Host != "desk" {
				t.Errorf("%v", err)
			}
		})
	}
}

// Odd requests end their own connection, and no other.
func TestOddRequestsEndTheirConnectionAlone(t *testing.T) {
	home(t)
	lend(t, "one", app{token: "a.b.c"}, forward.Options{Hello: ada})
	for _, text := range []string{"x\n", "[]\n", strings.Repeat("y", 1<<20), "\n", `{"program": 5}` + "\n"} {
		c, err := net.Dial("unix", place(t, "one"))
		if err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(c)
		if _, err := r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, text)
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		if line, err := r.ReadString('\n'); err == nil || strings.Contains(line, "a.b.c") {
			t.Errorf("%.20q was answered with %q", text, line)
		}
		_ = c.Close()
	}
	c, err := forward.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.IDToken(t.Context()); err != nil {
		t.Error(err)
	}
}

// What the other side says of itself reaches no terminal as more than text.
func TestControlCharactersAreTakenOut(t *testing.T) {
	home(t)
	lend(t, "one", app{err: errors.New("\x1b]0;x\x07 no\nerror: y")}, forward.Options{Hello: forward.Hello{Host: "a\x1bb\nc", Email: "e\u009bf\u202eg",
		Issuer: "https://i\x1b[2J", Client: "c\r\u2028", Targets: []string{"https://s\u2066.example\n"},
	}})
	c, err := forward.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.IDToken(t.Context())
	shown, _ := json.Marshal([]any{c.Hello, err.Error()})
	if strings.Contains(string(shown), `\u`) || strings.Contains(string(shown), `\n`) || strings.ContainsAny(string(shown), "\u202e\u2066") {
		t.Errorf("%s", shown)
	}
}
