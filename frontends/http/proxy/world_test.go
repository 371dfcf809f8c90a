package proxy_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/frontends/http/internal/otheruser"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
	"github.com/tokentoss/tokentoss/stores/file"
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
	}, proxy.Plugin()))
}

// otherUsers make one request.
var otherUsers = otheruser.Client{
	Request: func(address string) string {
		return "GET / HTTP/1.1\r\nHost: " + address + "\r\nConnection: close\r\n\r\n"
	},
	Granted: func(answer string) bool { return strings.HasPrefix(answer, "HTTP/1.1 200") },
}

// patience bounds what is meant to happen soon.
const patience = 10 * time.Second

const email = "ada@example.com"

// An ada is an App of somebody who is signed in, without a provider. Its tokens say
// their generation.
type ada struct {
	core.App // panics

	issuer string // of its tokens

	asked, renewed atomic.Int64
	generation     atomic.Uint64
	fail           atomic.Pointer[error]
}

func (a *ada) token() core.IDToken {
	gen := a.generation.Load()
	return core.IDToken{
		Value: core.Secret("token-" + strings.Repeat("x", int(gen))), Email: email, Audience: "client", Issuer: a.issuer,
		Expiry: time.Now().Add(time.Hour), Generation: gen,
	}
}

func (a *ada) Status(context.Context) (core.Status, error) {
	return core.Status{State: core.SignedIn, Email: email}, nil
}

func (a *ada) Watch(ctx context.Context) (<-chan core.Status, error) {
	c := make(chan core.Status, 1)
	c <- core.Status{State: core.SignedIn, Email: email}
	context.AfterFunc(ctx, func() { close(c) })
	return c, nil
}

func (a *ada) IDToken(context.Context) (core.IDToken, error) {
	a.asked.Add(1)
	if err := a.fail.Load(); err != nil {
		return core.IDToken{}, *err
	}
	return a.token(), nil
}

func (a *ada) Renew(_ context.Context, stale core.IDToken) (core.IDToken, error) {
	a.renewed.Add(1)
	a.generation.CompareAndSwap(stale.Generation, stale.Generation+1)
	return a.token(), nil
}

// A world is a proxy that runs.
type world struct {
	proxy.Address
	app    core.App
	screen *screen
	client *http.Client // shows the secret; follows nothing
	stop   func() error // ends the run
	ended  chan struct{}
}

// showing adds the secret.
type showing struct {
	secret string
	base   *http.Transport
}

func (s showing) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.secret != "" && r.Header.Get("Tokentoss-Secret") == "" {
		r = r.Clone(r.Context())
		r.Header.Set("Tokentoss-Secret", s.secret)
	}
	return s.base.RoundTrip(r)
}

// start runs a proxy.
func start(t testing.TB, app core.App, config proxy.Config, opts proxy.Options) *world {
	t.Helper()
	w := &world{app: app, screen: newScreen(), ended: make(chan struct{})}
	ready := make(chan proxy.Address, 1)
	opts.Ready = func(a proxy.Address) { ready <- a }
	if opts.Terminal == nil {
		opts.Terminal = w.screen
	}
	config.InsecureLoopback = true
	p, err := proxy.New(config, opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var result error
	go func() {
		defer close(w.ended)
		result = p.Run(ctx, app)
	}()
	w.stop = func() error {
		cancel()
		<-w.ended
		return result
	}
	base := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	t.Cleanup(func() {
		base.CloseIdleConnections()
		if err := w.stop(); err != nil {
			t.Error("Run:", err)
		}
	})
	select {
	case w.Address = <-ready:
	case <-w.ended:
		t.Fatal("Run:", result)
	}
	w.client = &http.Client{
		Transport:     showing{w.Secret.Reveal(), base},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w
}

// in is the proxy of somebody who is signed in, for a service.
func in(t testing.TB, service http.HandlerFunc) *world {
	t.Helper()
	return start(t, &ada{}, proxy.Config{Targets: []string{serve(t, service)}}, proxy.Options{})
}

// inTLS is in, for a service that speaks TLS and HTTP/2.
func inTLS(t testing.TB, service http.HandlerFunc) *world {
	t.Helper()
	s := httptest.NewUnstartedServer(service)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	base := proxy.NewBase()
	base.TLSClientConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	return start(t, &ada{}, proxy.Config{Targets: []string{s.URL}}, proxy.Options{Base: base})
}

// serve runs a service.
func serve(t testing.TB, service http.HandlerFunc) string {
	s := httptest.NewServer(service)
	t.Cleanup(s.Close)
	return s.URL
}

// do sends a request and reads the answer.
func (w *world) do(t testing.TB, r *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := w.client.Transport.RoundTrip(r) // a Client looks at Location
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// get makes a request with headers, given as names and values.
func get(t testing.TB, url string, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		} else {
			r.Header.Add(headers[i], headers[i+1])
		}
	}
	return r
}

func post(t testing.TB, url string, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// signedIn is a real session with the emulator, of somebody who agrees to
// everything.
func signedIn(t testing.TB, e *emulator.Emulator) *core.Session {
	t.Helper()
	s := session(t, e, t.TempDir(), nil)
	signIn(t, s)
	return s
}

// session is one with the emulator, in a directory.
func session(t testing.TB, e *emulator.Emulator, dir string, now func() time.Time) *core.Session {
	t.Helper()
	store, err := file.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := oidc.ParseClientSecrets(e.ClientSecrets())
	if err != nil {
		t.Fatal(err)
	}
	client, err := oidc.NewClient(secrets, oidc.ProviderOptions{InsecureLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	s, err := core.NewSession(core.SessionOptions{Client: client, Store: store, Flow: authcode.New(authcode.Options{}), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return s
}

func signIn(t testing.TB, s *core.Session) {
	t.Helper()
	if _, err := s.SignIn(t.Context(), core.PrompterFunc(browse)); err != nil {
		t.Fatal(err)
	}
}

// browse is a browser, of somebody who agrees to everything.
func browse(_ context.Context, p core.Prompt) (string, error) {
	res, err := http.Get(p.URL)
	if err != nil {
		return "", err
	}
	return "", res.Body.Close()
}

// emulate starts a Google and an IAP.
func emulate(t testing.TB, o emulator.Options) *emulator.Emulator {
	t.Helper()
	o.AutoConsent = email
	e, err := emulator.Start(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// refused answers as IAP does.
func refused(w http.ResponseWriter, status int) {
	w.Header().Set("X-Goog-Iap-Generated-Response", "true")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "Invalid IAP credentials: Expired JWT")
}

var errTest = errors.New("the test says so")

var now = time.Now

// count counts the handshakes of a client.
func count(n *atomic.Int64) func(tls.ConnectionState) error {
	return func(tls.ConnectionState) error { n.Add(1); return nil }
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(text)
}
