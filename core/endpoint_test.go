package core_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// leaky is the text of an answer that holds secrets, in no form that can be
// used.
const leaky = `"access_token":"ya29.leaked","refresh_token":"1//0leaked","id_token":"eyJleaked"`

func jsonHeader(more ...string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i+1 < len(more); i += 2 {
		h.Set(more[i], more[i+1])
	}
	return h
}

func gzipBomb(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.Copy(z, io.LimitReader(zeros{}, 4<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zeros is an endless row of the digit 0.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// An endpointFault is an answer that holds no tokens.
type endpointFault struct {
	name    string
	fault   emulator.Fault
	problem string // words of the error
}

func endpointFaults(t *testing.T) []endpointFault {
	t.Helper()
	html := http.Header{"Content-Type": {"text/html"}}
	return []endpointFault{
		{name: "500", fault: emulator.Fault{Status: 500, Header: html, Body: []byte("<h1>" + leaky)}, problem: "answered 500"},
		{name: "502 HTML", fault: emulator.Fault{Status: 502, Header: html, Body: []byte("<html>" + leaky)}, problem: "answered 502"},
		{name: "503 with Retry-After", fault: emulator.Fault{Status: 503, Header: http.Header{"Retry-After": {"2"}}}, problem: "answered 503"},
		{name: "429", fault: emulator.Fault{Status: 429, Header: jsonHeader(), Body: []byte(`{"error":"rate_limit_exceeded"}`)}, problem: "answered 429 rate_limit_exceeded"},
		{name: "408", fault: emulator.Fault{Status: 408}, problem: "answered 408"},
		{name: "reset", fault: emulator.Fault{Reset: true}, problem: "no answer"},
		{name: "5 MiB body", fault: emulator.Fault{Header: jsonHeader(), Body: bytes.Repeat([]byte(leaky+","), 5<<20/len(leaky))}, problem: "larger than 1 MiB"},
		{name: "5 MiB error body", fault: emulator.Fault{Status: 400, Header: jsonHeader(), Body: make([]byte, 5<<20)}, problem: "larger than 1 MiB"},
		{name: "gzip bomb", fault: emulator.Fault{Header: jsonHeader("Content-Encoding", "gzip"), Body: gzipBomb(t)}, problem: "larger than 1 MiB"},
		{name: "no gzip", fault: emulator.Fault{Header: jsonHeader("Content-Encoding", "gzip"), Body: []byte(leaky)}, problem: ""},
		{name: "invalid JSON", fault: emulator.Fault{Header: jsonHeader(), Body: []byte("{" + leaky + "]")}, problem: "broken JSON"},
		{name: "truncated JSON", fault: emulator.Fault{Header: jsonHeader(), Body: []byte("{" + leaky)}, problem: "broken JSON"},
		{name: "empty 200", fault: emulator.Fault{Header: jsonHeader(), Body: []byte{}}, problem: "not an object"},
		{name: "null", fault: emulator.Fault{Header: jsonHeader(), Body: []byte("null")}, problem: "not an object"},
		{name: "a list", fault: emulator.Fault{Header: jsonHeader(), Body: []byte("[{" + leaky + "}]")}, problem: "not an object"},
		{name: "an empty object", fault: emulator.Fault{Header: jsonHeader(), Body: []byte("{}")}, problem: "no token"},
		{name: "HTML with 200", fault: emulator.Fault{Header: html, Body: []byte("<p>" + leaky)}, problem: "not JSON"},
		{name: "no content type", fault: emulator.Fault{Header: http.Header{"Content-Type": {""}}, Body: []byte("{" + leaky + "}")}, problem: "not JSON"},
		{name: "JSON as text", fault: emulator.Fault{Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("{" + leaky + "}")}, problem: "not JSON"},
		{name: "keys twice", fault: emulator.Fault{Header: jsonHeader(), Body: []byte(`{` + leaky + `,"id_token":"eyJother"}`)}, problem: "a key stands twice"},
		{name: "deep nesting", fault: emulator.Fault{Header: jsonHeader(), Body: []byte(`{"x":` + strings.Repeat("[", 100_000))}, problem: "nested too deeply"},
		{name: "two values", fault: emulator.Fault{Header: jsonHeader(), Body: []byte(`{}{` + leaky + `}`)}, problem: "more than one JSON value"},
		{name: "expires_in below 0", fault: emulator.Fault{Header: jsonHeader(), Body: []byte(`{` + leaky + `,"expires_in":-1}`)}, problem: "expires_in"},
		{name: "expires_in 1e300", fault: emulator.Fault{Header: jsonHeader(), Body: []byte(`{` + leaky + `,"expires_in":1e300}`)}, problem: "expires_in"},
		{name: "expires_in 1e999", fault: emulator.Fault{Header: jsonHeader(), Body: []byte(`{` + leaky + `,"expires_in":1e999}`)}, problem: "expires_in"},
		{name: "expires_in text", fault: emulator.Fault{Header: jsonHeader(), Body: []byte(`{` + leaky + `,"expires_in":"soon"}`)}, problem: "expires_in"},
		{name: "id_token a number", fault: emulator.Fault{Header: jsonHeader(), Body: []byte(`{"id_token":5}`)}, problem: "not a string"},
		{name: "an error with secrets", fault: emulator.Fault{Status: 400, Header: jsonHeader(),
			Body: []byte(`{"error":"ya29.LEAKED token","error_description":"1//0leaked","error_subtype":{` + leaky + `}}`)}, problem: "answered 400"},
		{name: "307", fault: emulator.Fault{Status: 307, Header: http.Header{"Location": {"/elsewhere?token=ya29.leaked"}}}, problem: "not followed"},
		{name: "200 cut short", fault: emulator.Fault{Header: jsonHeader("Content-Length", "5000"), Body: []byte("{" + leaky)}, problem: "no answer"},
	}
}

// Whatever the token endpoint does, the session stays, the old
// token is used while it is valid, calls end within the deadline, one refresh
// is one request, and no text of the answer gets into errors or logs.
func TestTokenEndpointFails(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for _, tt := range endpointFaults(t) {
		t.Run(tt.name, func(t *testing.T) {
			w := shared.fork(t)
			s := w.signedIn()
			old, refreshToken := w.token(s), w.store.field(t, "refresh_token")
			w.emu.SetFault(emulator.Token, &tt.fault)
			w.clock.advance(soon)
			if w.token(s) != old {
				t.Error("the old token is not used")
			}
			eventually(t, "the refresh fails", func() bool { return w.log.count("refresh failed") == 1 })
			for range 20 {
				if w.token(s) != old {
					t.Error("the old token is not used after the failure")
				}
			}
			w.wantRefreshes(1)
			w.clock.advance(late - soon)
			_, err := s.IDToken(w.ctx)
			if pe := wantProvider(t, err); !strings.Contains(pe.Error(), tt.problem) || pe.Endpoint != "token" || pe.Offline {
				t.Errorf("error %v, want %q", err, tt.problem)
			}
			if errors.Is(err, core.ErrSignInNeeded) {
				t.Errorf("a passing fault ended the session: %v", err)
			}
			w.wantRefreshes(2)
			if got := w.store.field(t, "refresh_token"); got != refreshToken {
				t.Error("the refresh token did not stay")
			}
			w.emu.SetFault(emulator.Token, nil)
			w.clock.advance(time.Minute)
			w.token(s)
			w.wantRefreshes(3)
		})
	}
}

// A token endpoint that is slow ends each call within the deadline, with
// one request. A caller with a shorter deadline of its own is let go by that.
func TestTokenEndpointIsSlow(t *testing.T) {
	t.Parallel()
	faults := []emulator.Fault{
		{Delay: time.Minute}, // slow headers
		{Drip: 700 * time.Millisecond, Header: jsonHeader(), Body: []byte("{" + leaky + "}")},
		{Hang: true},
	}
	worlds, sessions := make([]*world, len(faults)), make([]*core.Session, len(faults))
	for i := range faults {
		worlds[i] = newWorld(t)
		sessions[i] = worlds[i].signedIn()
	}
	many(len(faults), func(i int) { // all at once: each takes 10 seconds
		w, s := worlds[i], sessions[i]
		refreshToken := w.store.field(t, "refresh_token")
		w.emu.SetFault(emulator.Token, &faults[i])
		w.clock.advance(late)
		short, cancel := context.WithTimeout(w.ctx, 50*time.Millisecond)
		defer cancel()
		if _, err := s.IDToken(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("fault %d: a caller with a short deadline got %v", i, err)
		}
		began := time.Now()
		_, err := s.IDToken(w.ctx)
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("fault %d: it took %s, more than the deadline", i, took)
		}
		var pe *oidc.ProviderError
		if !errors.As(err, &pe) || pe.Problem != "did not answer in time" || pe.Offline || findSecret(err.Error()) != "" {
			t.Errorf("fault %d: error %v", i, err)
		}
		w.wantRefreshes(1)
		if got := w.store.field(t, "refresh_token"); got != refreshToken {
			t.Errorf("fault %d: the refresh token did not stay", i)
		}
		w.emu.SetFault(emulator.Token, nil)
		w.clock.advance(time.Minute)
		if _, err := s.IDToken(w.ctx); err != nil {
			t.Errorf("fault %d: afterwards: %v", i, err)
		}
		w.wantRefreshes(2)
	})
}

// A redirect of the token endpoint is not followed, not even the kinds that
// would send the refresh token and the client secret again.
func TestTokenEndpointRedirects(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer elsewhere.Close()
	w := newWorld(t)
	s := w.signedIn()
	for i, status := range []int{301, 302, 303, 307, 308} {
		w.emu.SetFault(emulator.Token, &emulator.Fault{Status: status, Header: http.Header{"Location": {elsewhere.URL + "/token"}}})
		w.clock.advance(late)
		_, err := s.IDToken(w.ctx)
		if pe := wantProvider(t, err); pe.Status != status {
			t.Errorf("status %d, want %d", pe.Status, status)
		}
		w.wantRefreshes(i + 1)
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests went where the redirects pointed", n)
	}
}

// An answer that is no HTTP is an error that does not quote it.
func TestAnswerThatIsNoHTTP(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for name, answer := range map[string]string{
		"no status line":  "{" + leaky + "}\r\n\r\n",
		"odd status":      "HTTP/1.1 ya29.leaked OK\r\n\r\n",
		"odd header":      "HTTP/1.1 200 OK\r\n{" + leaky + "}\r\n\r\n",
		"odd length":      "HTTP/1.1 200 OK\r\nContent-Length: ya29.leaked\r\n\r\n",
		"odd encoding":    "HTTP/1.1 200 OK\r\nTransfer-Encoding: ya29.leaked\r\n\r\n",
		"odd chunk":       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nya29.leaked\r\n",
		"nothing":         "",
		"half a status":   "HTTP/1.1 2",
		"informationless": "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			w := shared.fork(t)
			raw := rawServer(t, answer)
			s := w.signedIn(func(o *core.SessionOptions) {
				o.Client = w.client(func(o *oidc.ProviderOptions) { o.Transport = w.divert(raw) })
			})
			w.clock.advance(late)
			w.divertTo.Store(true)
			_, err := s.IDToken(w.ctx)
			wantProvider(t, err)
			w.divertTo.Store(false)
			w.clock.advance(time.Minute)
			w.token(s)
		})
	}
}

// rawServer answers every connection with the same bytes, when it has read a
// request.
func rawServer(t *testing.T, answer string) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 64<<10))
			_, _ = io.WriteString(c, answer)
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

// divert returns a transport that leads to addr while w.divertTo is set.
func (w *world) divert(addr string) http.RoundTripper {
	return &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
		if w.divertTo.Load() {
			to = addr
		}
		return (&net.Dialer{}).DialContext(ctx, network, to)
	}}
}

// A refresh is one request also over a transport that keeps connections, whose
// end the client did not notice: net/http would send a GET again.
func TestRefreshIsOneRequestOverKeptConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kept := &http.Transport{}
	defer kept.CloseIdleConnections()
	s := w.signedIn(func(o *core.SessionOptions) {
		o.Client = w.client(func(o *oidc.ProviderOptions) { o.Transport = kept })
	})
	w.emu.SetFault(emulator.Token, &emulator.Fault{Reset: true})
	w.clock.advance(late)
	_, err := s.IDToken(w.ctx)
	wantProvider(t, err)
	w.wantRefreshes(1)
}

// The requests to the provider carry what RFC 6749 wants and nothing that
// gives the program away.
func TestTokenRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	w.clock.advance(late)
	w.token(s)
	for _, r := range w.emu.Requests(emulator.Token) {
		if r.Method != "POST" || len(r.Query) != 0 || r.Header.Get("Authorization") != "" || r.Header.Get("Cookie") != "" ||
			r.Header.Get("Referer") != "" || r.Header.Get("Accept") != "application/json" {
			t.Errorf("request %s %s with headers %v", r.Method, r.Path, r.Header)
		}
		names := fmt.Sprint(len(r.Form), r.Form.Get("grant_type"), r.Form.Has("client_id"), r.Form.Has("client_secret"))
		if want := map[string]string{
			"authorization_code": "6authorization_codetruetrue", "refresh_token": "4refresh_tokentruetrue",
		}[r.Form.Get("grant_type")]; strings.ReplaceAll(names, " ", "") != want {
			t.Errorf("form %s", names)
		}
	}
}
