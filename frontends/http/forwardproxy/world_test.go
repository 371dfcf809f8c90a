package forwardproxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// host is that of the target; the certificates of package httptest are for it.
const host = "example.com"

// patience is how long anything may take.
const patience = 30 * time.Second

// A source gives tokens, t1 and those after it.
type source struct {
	mu     sync.Mutex
	n      int
	failed error
}

func (s *source) IDToken(context.Context) (core.IDToken, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return core.IDToken{Value: core.Secret(fmt.Sprintf("t%d", s.n+1)), Email: "ada@example.com", Expiry: time.Now().Add(time.Hour)}, s.failed
}

func (s *source) Renew(ctx context.Context, _ core.IDToken) (core.IDToken, error) {
	s.mu.Lock()
	s.n++
	s.mu.Unlock()
	return s.IDToken(ctx)
}

func (s *source) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = err
}

// A service is a server that remembers what came.
type service struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
	answer   http.HandlerFunc
}

// newService starts one; answer may be nil.
func newService(t *testing.T, secure bool, answer http.HandlerFunc) *service {
	t.Helper()
	s := &service{answer: answer}
	s.Server = httptest.NewUnstartedServer(s)
	s.EnableHTTP2 = true
	s.Config.ErrorLog = quiet
	if secure {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	w.Header().Set("X-Seen-Proto", r.Proto)
	if s.answer != nil {
		s.answer(w, r)
	}
}

// tokens are the Authorization headers that came, and what else may have one.
func (s *service) tokens() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.requests {
		all = append(all, r.Header.Get("Authorization"))
		all = append(all, r.Header["Proxy-Authorization"]...)
	}
	return all
}

func (s *service) wantNoToken(t *testing.T) {
	t.Helper()
	if got := strings.Join(s.tokens(), ""); got != "" {
		t.Errorf("a service that is no target got %q", got)
	}
}

func (s *service) address() string { return s.Listener.Addr().String() }

// A world is a run whose only target is https://example.com.
type world struct {
	*Proxy
	target   *service
	source   *source
	mu       sync.Mutex
	failures []Failure
}

// elsewhere, where it is not nil, has the requests of each new world made by another
// machine's proxy, and returns the options of the proxy here.
var elsewhere func(*testing.T, Options) Options

// newWorld starts it. Its name leads to the target.
func newWorld(t *testing.T, answer http.HandlerFunc, change ...func(*Options)) *world {
	t.Helper()
	w := &world{target: newService(t, true, answer), source: &source{}}
	base := proxy.NewBase()
	base.Proxy = nil
	base.TLSClientConfig = &tls.Config{RootCAs: w.target.roots()}
	base.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasPrefix(address, host) {
			address = w.target.address()
		}
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	o := Options{Targets: []string{"https://" + host}, Tokens: w.source, Base: base, Failed: func(f Failure) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.failures = append(w.failures, f)
	}}
	for _, f := range change {
		f(&o)
	}
	if elsewhere != nil {
		o = elsewhere(t, o)
	}
	w.Proxy = started(t, o)
	return w
}

// started makes a proxy and starts it.
func started(t *testing.T, o Options) *Proxy {
	t.Helper()
	p, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func (s *service) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}

func (w *world) told() []Failure {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.failures)
}

// client is a program in the run. It trusts the run's authority, and others.
func (w *world) client(t *testing.T, h2 bool, others ...*service) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(w.Authority().Root)
	for _, o := range others {
		roots.AddCert(o.Certificate())
	}
	u, err := url.Parse(w.URL())
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{Proxy: http.ProxyURL(u), TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: h2, DisableCompression: true, ExpectContinueTimeout: patience}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: patience}
}

// dial connects to the proxy and asks for a tunnel. It returns what the proxy said.
func (w *world) dial(t *testing.T, authority string, headers ...string) (net.Conn, *http.Response) {
	t.Helper()
	c, err := net.Dial("tcp", "127.0.0.1:"+w.port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	fmt.Fprintf(c, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", authority, authority, strings.Join(append(headers, ""), "\r\n"))
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: "CONNECT"})
	if err != nil {
		t.Fatal(err)
	}
	return c, res
}

// credential is the header that programs send.
func (w *world) credential() string {
	req := &http.Request{Header: http.Header{}}
	req.SetBasicAuth(user, w.secret)
	return "Proxy-Authorization: " + req.Header.Get("Authorization")
}

// secure speaks TLS with a name on a connection, trusting the run and s.
func (w *world) secure(c net.Conn, name string, s *service) (*tls.Conn, error) {
	roots := s.roots()
	roots.AppendCertsFromPEM(w.Authority().Root)
	tc := tls.Client(c, &tls.Config{ServerName: name, RootCAs: roots})
	return tc, tc.Handshake()
}

func get(t *testing.T, c *http.Client, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, c, req)
}

func do(t *testing.T, c *http.Client, req *http.Request) (*http.Response, string) {
	t.Helper()
	res, err := c.Do(req)
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

func wantStatus(t *testing.T, res *http.Response, status int) {
	t.Helper()
	if res.StatusCode != status {
		t.Fatalf("status %s, not %d", res.Status, status)
	}
}

var errEnded = errors.New("the session ended")
