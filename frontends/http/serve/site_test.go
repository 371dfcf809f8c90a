package serve_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/http/serve"
	"github.com/tokentoss/tokentoss/plugins"
)

const (
	plantedToken = "planted.id-token"
	ada          = "ada@example.com"
)

// An app is signed in, or fails.
type app struct {
	core.App
	err  error
	busy bool // until ctx ends
}

func (a *app) Watch(ctx context.Context) (<-chan core.Status, error) {
	out := make(chan core.Status, 1)
	out <- core.Status{State: core.SignedIn, Email: ada}
	context.AfterFunc(ctx, func() { close(out) })
	return out, nil
}

func (a *app) SignIn(ctx context.Context, _ core.Prompter) (core.Status, error) {
	<-ctx.Done()
	return core.Status{}, ctx.Err()
}

func (a *app) Status(context.Context) (core.Status, error) {
	return core.Status{State: core.SignedIn, Email: ada}, a.err
}

func (a *app) IDToken(ctx context.Context) (core.IDToken, error) {
	if a.busy {
		<-ctx.Done()
		return core.IDToken{}, ctx.Err()
	}
	return core.IDToken{Value: plantedToken, Email: ada, Audience: "client", Expiry: time.Now().Add(time.Hour)}, a.err
}

// A site is a frontend that runs.
type site struct {
	t         *testing.T
	base, key string // of the page
	keyFile   string
	stop      context.CancelFunc
	done      chan error
	http      *http.Client
}

// start runs the frontend until t ends. Nothing of it is left then.
func start(t *testing.T, a core.App, settings string) *site {
	t.Helper()
	before := goleak.IgnoreCurrent()
	p := newPerson(false)
	dir := t.TempDir()
	f, err := serve.Plugin().OpenFrontend(t.Context(), plugins.Request{Terminal: p, Dir: dir, Settings: []byte(settings)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &site{t: t, keyFile: filepath.Join(dir, "api-key"), stop: cancel, done: make(chan error, 1), http: p.http}
	go func() { s.done <- f.Run(ctx, a) }()
	t.Cleanup(func() {
		cancel()
		if err := <-s.done; err != nil {
			t.Errorf("Run returned %v", err)
		}
		if err := goleak.Find(before); err != nil {
			t.Error(err)
		}
	})
	select {
	case address := <-p.printed:
		s.base, s.key, _ = strings.Cut(address, "/#key=")
	case <-time.After(10 * time.Second):
		t.Fatal("no address was printed")
	}
	return s
}

// A request is what a test sends; header values that are empty are not sent.
type request struct {
	method, path, host, body string
	header                   map[string]string
}

// send sends a request and returns the answer with its body.
func (s *site) send(q request) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), q.method, s.base+q.path, strings.NewReader(q.body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Host = q.host
	for name, value := range q.header {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	answer, err := s.http.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		s.t.Fatal(err)
	}
	return answer, string(body)
}

// apiHeader is what the file for the API holds.
func (s *site) apiHeader() string {
	s.t.Helper()
	data, err := os.ReadFile(s.keyFile)
	if err != nil {
		s.t.Fatal(err)
	}
	_, value, _ := strings.Cut(strings.TrimSpace(string(data)), ": ")
	return value
}

// routes are all that is served; each is good as it stands here.
func (s *site) routes() []request {
	page := map[string]string{"X-Tokentoss-Key": s.key, "Content-Type": "application/json"}
	api := map[string]string{"Authorization": s.apiHeader()}
	list := []request{
		{method: "POST", path: "/message", body: `{"v":1,"type":"hello"}`, header: page},
		{method: "GET", path: "/token", header: api},
		{method: "GET", path: "/status", header: api},
	}
	for _, path := range []string{"/", "/page.js", "/page.css", "/host.js", "/widget.js", "/widget.css", "/icon.svg"} {
		list = append(list, request{method: "GET", path: path, header: map[string]string{}})
	}
	return list
}

// all is routes, and the one whose good answer does not end.
func (s *site) all() []request {
	return append(s.routes(), request{method: "GET", path: "/events", header: map[string]string{"X-Tokentoss-Key": s.key}})
}

// with returns a copy of q with another header.
func (q request) with(name, value string) request {
	header := map[string]string{name: value}
	for n, v := range q.header {
		if n != name {
			header[n] = v
		}
	}
	q.header = header
	return q
}

// dial sends text on a connection of its own.
func (s *site) dial(text string) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, text); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// readUntil reads lines until one has text.
func (s *site) readUntil(r *bufio.Reader, text string) {
	s.t.Helper()
	for {
		line, err := r.ReadString('\n')
		if strings.Contains(line, text) {
			return
		}
		if err != nil {
			s.t.Fatalf("waiting for %s: %v", text, err)
		}
	}
}
