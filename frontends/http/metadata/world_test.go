package metadata_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/http/internal/otheruser"
	"github.com/tokentoss/tokentoss/frontends/http/metadata"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
)

func TestMain(m *testing.M) {
	otherUsers.Main()
	os.Exit(plugintest.Run(func() int {
		code := m.Run()
		if err := goleak.Find(); code == 0 && err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		return code
	}, metadata.Plugin()))
}

// otherUsers ask for a token.
var otherUsers = otheruser.Client{
	Request: func(address string) string {
		return "GET " + identity + audience + " HTTP/1.1\r\nHost: " + address + "\r\nMetadata-Flavor: Google\r\nConnection: close\r\n\r\n"
	},
	Granted: func(answer string) bool { return strings.HasSuffix(answer, planted) },
}

// patience bounds what is meant to happen soon.
const patience = 10 * time.Second

const (
	ada      = "ada@example.com"
	planted  = "planted.id-token"
	audience = "client.apps.example.com"
	identity = "/computeMetadata/v1/instance/service-accounts/default/identity?audience="
)

// An app is signed in, or fails. It says when it is asked for a token, and may keep
// who asks waiting.
type app struct {
	core.App // panics

	status core.Status
	err    error
	asked  atomic.Int64
	busy   chan struct{} // closed when somebody waits; nil: nobody has to
}

func signedIn() *app {
	return &app{status: core.Status{State: core.SignedIn, Email: ada, ClientID: audience, Scopes: []string{"openid", "email"}}}
}

func (a *app) Watch(ctx context.Context) (<-chan core.Status, error) {
	out := make(chan core.Status, 1)
	out <- a.status
	context.AfterFunc(ctx, func() { close(out) })
	return out, nil
}

func (a *app) Status(context.Context) (core.Status, error) { return a.status, nil }

func (a *app) IDToken(ctx context.Context) (core.IDToken, error) {
	a.asked.Add(1)
	if a.busy != nil {
		close(a.busy)
		<-ctx.Done()
		return core.IDToken{}, ctx.Err()
	}
	return core.IDToken{Value: planted, Email: ada, Audience: audience, Expiry: time.Now().Add(time.Hour)}, a.err
}

// A server is a frontend that runs.
type server struct {
	host   string // what GCE_METADATA_HOST is to be
	screen *plugintest.Terminal
	client *http.Client
	stop   context.CancelFunc
	done   chan error
}

var hostShown = regexp.MustCompile(`GCE_METADATA_HOST=(\S+)`)

// start runs the frontend, in this process or in another, until t ends.
func start(t *testing.T, c plugintest.Carrier, a core.App, settings string) *server {
	t.Helper()
	screen := plugintest.NewTerminal()
	f, err := plugintest.OpenFrontend(t, c, metadata.Plugin(), plugins.Request{Terminal: screen, Settings: []byte(settings)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{screen: screen, stop: cancel, done: make(chan error, 1)}
	s.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	go func() { s.done <- f.Run(ctx, a) }()
	t.Cleanup(func() { s.end(t) })
	soon, end := context.WithTimeout(ctx, patience)
	defer end()
	if err := screen.Sees(soon, "GCE_METADATA_HOST="); err != nil {
		t.Fatalf("there is no address: %v", err)
	}
	s.host = hostShown.FindStringSubmatch(screen.Shown())[1]
	return s
}

// end ends the run, if it has not ended.
func (s *server) end(t *testing.T) {
	t.Helper()
	s.stop()
	select {
	case err, running := <-s.done:
		if running && err != nil {
			t.Errorf("Run returned %v", err)
		}
		if running {
			close(s.done)
		}
	case <-time.After(patience):
		t.Fatal("Run does not end")
	}
}

// request is one that a library makes.
func (s *server) request(t *testing.T, path string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(http.MethodGet, "http://"+s.host+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Metadata-Flavor", "Google")
	return r
}

// send sends r and returns the answer and its body.
func (s *server) send(t *testing.T, r *http.Request) (*http.Response, string) {
	t.Helper()
	answer, err := s.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

// wantNoToken fails if an answer has the token.
func wantNoToken(t *testing.T, what string, answer *http.Response, body string) {
	t.Helper()
	if strings.Contains(body, planted) || strings.Contains(fmt.Sprint(answer.Header), planted) {
		t.Errorf("%s: the answer, %s, has the token", what, answer.Status)
	}
}
