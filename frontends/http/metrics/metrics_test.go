package metrics_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/frontends/http/metrics"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const word = "the-word-of-the-scraper"

// session is an App that gives what it has.
type session struct {
	core.App
	token core.IDToken
	state core.State
	err   error
}

func (s *session) IDToken(context.Context) (core.IDToken, error) { return s.token, s.err }

func (s *session) Renew(context.Context, core.IDToken) (core.IDToken, error) { return s.token, s.err }

func (s *session) Status(context.Context) (core.Status, error) {
	return core.Status{State: s.state, Email: "ada@example.com"}, s.err
}

func bearerFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "word")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// start starts a Monitor of app on a socket, and returns a client that reaches it there.
func start(t *testing.T, app core.App, bearer string) (*metrics.Monitor, *http.Client) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("a socket has no mode here")
	}
	dir, err := os.MkdirTemp("", "m") // short enough for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s")
	m, err := metrics.New("unix:"+socket, bearer, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Stop)
	return m, &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
}

func get(t *testing.T, c *http.Client, path string, headers ...string) (status int, kind, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://localhost"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Content-Type"), string(text)
}

// What happens is counted, in OpenMetrics for who asks for it, and without a name or a secret.
func TestWhatHappensIsCounted(t *testing.T) {
	now := time.Now()
	app := &session{token: core.IDToken{
		Value: "the-secret-token", Email: "ada@example.com", Subject: "1234567", Audience: "the-client", Generation: 1,
		IssuedAt: now.Add(-10 * time.Minute), Expiry: now.Add(50 * time.Minute),
	}, state: core.SignedIn}
	m, client := start(t, app, "")
	counted := m.App(app)
	for range 3 {
		if _, err := counted.IDToken(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	app.token.Generation, app.token.IssuedAt = 2, now
	_, _ = counted.Renew(t.Context(), core.IDToken{})
	app.err = &fault.Error{Kind: fault.Offline, Err: errors.New("dial accounts.example: the-secret-token")}
	_, _ = counted.IDToken(t.Context())
	handler := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/418":
			w.WriteHeader(http.StatusTeapot)
		case "/cut":
			panic(http.ErrAbortHandler)
		case "/text":
			fmt.Fprint(w, "text")
			w.(http.Flusher).Flush()
		}
	}))
	server := httptest.NewServer(handler)
	defer server.Close()
	for _, path := range []string{"/418", "/418", "/cut", "/text", "/nothing"} {
		if resp, err := http.Post(server.URL+path, "text/plain", strings.NewReader("x")); err == nil { // which is never repeated
			resp.Body.Close()
		}
	}
	http.DefaultClient.CloseIdleConnections()
	m.Call(nil)
	m.Call(fault.NotFound)
	status, kind, body := get(t, client, "/metrics", "Accept", "application/openmetrics-text; version=1.0.0")
	if status != 200 || !strings.HasPrefix(kind, "application/openmetrics-text") || !strings.HasSuffix(body, "# EOF\n") {
		t.Errorf("%d %s", status, kind)
	}
	for _, want := range []string{
		"tokentoss_tokens_total 4.0\n", "tokentoss_refreshes_total 1.0\n", `tokentoss_failures_total{kind="offline"} 1.0`,
		`tokentoss_failures_total{kind="sign_in_needed"} 0.0`, `tokentoss_requests_total{code="418"} 2.0`,
		`tokentoss_requests_total{code="0"} 1.0`, `tokentoss_requests_total{code="200"} 3.0`, "tokentoss_token_age_seconds ", "tokentoss_token_remaining_seconds ",
		fmt.Sprintf(`tokentoss_requests_total{code="%d"} 1.0`, fault.NotFound.Row().HTTP),
	} {
		if !strings.Contains(body, want) {
			t.Errorf("there is no %q in\n%s", want, body)
		}
	}
	for _, secret := range []string{"ada@", "the-secret", "1234567", "the-client", "accounts.example"} {
		if strings.Contains(body, secret) {
			t.Errorf("%q is in the metrics", secret)
		}
	}
}

// Metrics are for who has the word of the file, as it is now; health is for everybody.
func TestMetricsWantTheWord(t *testing.T) {
	file := bearerFile(t, word+"\n")
	_, client := start(t, &session{state: core.SignedIn}, file)
	for given, want := range map[string]int{"": 401, "Bearer": 401, "Bearer ": 401, "Bearer " + word[1:]: 401, "Basic " + word: 401, "Bearer " + word: 200} {
		if status, _, _ := get(t, client, "/metrics", "Authorization", given); status != want {
			t.Errorf("with %q: %d, want %d", given, status, want)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, _, body := get(t, client, path); status != 200 || body != "ok\n" {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	if status, _, _ := get(t, client, "/token", "Authorization", "Bearer "+word); status != 404 {
		t.Errorf("/token: %d", status)
	}
	if err := os.WriteFile(file, []byte("another-word-of-the-scraper"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, _ := get(t, client, "/metrics", "Authorization", "Bearer "+word); status != 401 {
		t.Errorf("the word of before: %d", status)
	}
	os.Remove(file)
	if status, _, _ := get(t, client, "/metrics", "Authorization", "Bearer "+word); status != 503 {
		t.Errorf("without the file: %d", status)
	}
}

// Who cannot give tokens is not ready, and says why in one word.
func TestReadinessIsThatOfTheSession(t *testing.T) {
	app := &session{state: core.NeedsSignIn}
	_, client := start(t, app, "")
	if status, _, body := get(t, client, "/readyz"); status != 503 || body != "needs_sign_in\n" {
		t.Errorf("%d %q", status, body)
	}
	app.err = &fault.Error{Kind: fault.Locked, Subject: "/home/ada/tokens.json"}
	if status, _, body := get(t, client, "/readyz"); status != 503 || body != "locked\n" {
		t.Errorf("%d %q", status, body)
	}
	if status, _, _ := get(t, client, "/healthz"); status != 200 {
		t.Errorf("health: %d", status)
	}
}

func TestNoMonitorDoesNothing(t *testing.T) {
	m, err := metrics.New("", "", nil)
	app, handler := &session{}, http.NotFoundHandler()
	if m != nil || err != nil || m.App(app) != core.App(app) || fmt.Sprint(m.Handler(handler)) != fmt.Sprint(handler) || m.Start(t.Context(), app) != nil {
		t.Errorf("%v, %v", m, err)
	}
	m.Call(nil)
	m.Stop()
}

func TestBadSettingsAreTold(t *testing.T) {
	readable := bearerFile(t, word)
	if err := os.Chmod(readable, 0o644); err != nil {
		t.Fatal(err)
	}
	type settings struct{ listen, file, says string }
	list := map[string]settings{
		"no word":      {"127.0.0.1:0", "", "wants metrics_bearer_file"},
		"no address":   {"", readable, "needs metrics_listen"},
		"no file":      {"127.0.0.1:0", filepath.Join(t.TempDir(), "none"), "not found"},
		"short":        {"127.0.0.1:0", bearerFile(t, "short"), "16 or more"},
		"two words":    {"127.0.0.1:0", bearerFile(t, word+" "+word), "16 or more"},
		"for everyone": {"127.0.0.1:0", readable, "others"},
	}
	if runtime.GOOS == "windows" { // where Chmod says nothing of others
		delete(list, "for everyone")
	}
	for name, c := range list {
		if _, err := metrics.New(c.listen, c.file, nil); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
	m, err := metrics.New("nonsense", bearerFile(t, word), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context(), &session{}); err == nil {
		t.Error("listens on nonsense")
	}
	m.Stop()
}

// An upgraded connection counts as one, and still works.
func TestUpgradesAreCounted(t *testing.T) {
	m, client := start(t, &session{}, "")
	counted := make(chan struct{})
	upgrades := m.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\n\r\n")
		rw.Flush()
	}))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(counted)
		upgrades.ServeHTTP(w, r)
	}))
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if line, err := bufio.NewReader(conn).ReadString('\n'); !strings.Contains(line, "101") {
		t.Errorf("%q, %v", line, err)
	}
	<-counted
	if _, _, body := get(t, client, "/metrics"); !strings.Contains(body, `tokentoss_requests_total{code="101"} 1`) {
		t.Error("it is not counted")
	}
}
