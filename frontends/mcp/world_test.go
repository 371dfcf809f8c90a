package mcp_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/frontends/mcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world has a client, the bridge and a server, and a clock of its own that passes when
// all of them wait. What they started has ended when it ends.
type world struct {
	t      *testing.T
	server *server

	in    io.WriteCloser
	lines chan string // that the client got; closed at the end
	stop  context.CancelFunc
	ended chan error
}

const url = "http://mcp.example.com/mcp"

// inWorld runs f in a world of its own.
func inWorld(t *testing.T, f func(w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(&world{t: t, server: newServer(t)}) })
}

// start starts the bridge.
func (w *world) start(change ...func(*mcp.Options)) *world {
	w.t.Helper()
	o := mcp.Options{URL: url, Client: &http.Client{Transport: w.server.transport()}}
	for _, c := range change {
		c(&o)
	}
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ctx, stop := context.WithCancel(context.Background())
	w.in, w.stop, w.lines, w.ended = inW, stop, make(chan string, 100_000), make(chan error, 1)
	go func() {
		err := mcp.Serve(ctx, inR, outW, o)
		outW.Close()
		w.ended <- err
	}()
	go func() {
		defer close(w.lines)
		r := bufio.NewReader(outR)
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				if line != "" {
					w.t.Errorf("a line without an end: %.100q", line)
				}
				return
			}
			w.lines <- strings.TrimSuffix(line, "\n")
		}
	}()
	w.t.Cleanup(func() {
		stop()
		inW.Close()
		inR.Close()
		for range w.lines {
		}
	})
	return w
}

// say writes lines of the client.
func (w *world) say(lines ...string) {
	w.t.Helper()
	for _, line := range lines {
		if _, err := io.WriteString(w.in, line+"\n"); err != nil {
			w.t.Fatal(err)
		}
	}
}

// hear returns the next line.
func (w *world) hear() string {
	w.t.Helper()
	line, ok := <-w.lines
	if !ok {
		w.t.Fatal("there is no more")
	}
	return line
}

// want hears these lines.
func (w *world) want(lines ...string) {
	w.t.Helper()
	for _, line := range lines {
		if got := w.hear(); got != line {
			w.t.Errorf("heard %.300q,\nwant  %.300q", got, line)
		}
	}
}

// wantError hears that a request failed, and with what words.
func (w *world) wantError(id string, code int, words ...string) {
	w.t.Helper()
	line := w.hear()
	var m struct {
		ID     json.RawMessage
		Result json.RawMessage
		Error  struct {
			Code    int
			Message string
		}
	}
	if err := json.Unmarshal([]byte(line), &m); err != nil || string(m.ID) != id || m.Error.Code != code || m.Result != nil {
		w.t.Errorf("heard %.300q, want an error %d of %s", line, code, id)
	}
	for _, word := range words {
		if !strings.Contains(m.Error.Message, word) {
			w.t.Errorf("%q lacks %q", m.Error.Message, word)
		}
	}
}

// wantSilence tells that nothing more comes by itself, at this time.
func (w *world) wantSilence() {
	w.t.Helper()
	synctest.Wait()
	select {
	case line, ok := <-w.lines:
		if ok {
			w.t.Errorf("heard %.300q", line)
		}
	default:
	}
}

// end ends the client's input and waits for the end of the bridge.
func (w *world) end() {
	w.t.Helper()
	w.in.Close()
	if err := <-w.ended; err != nil {
		w.t.Error(err)
	}
	for line := range w.lines {
		w.t.Errorf("heard %.300q at the end", line)
	}
}

const (
	initialize  = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`
	initialized = `{"jsonrpc":"2.0","method":"notifications/initialized"}`
	greeting    = `{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"2025-11-25","capabilities":{},"serverInfo":{"name":"far","version":"1"}}}`
)

// begin initializes.
func (w *world) begin() *world {
	w.t.Helper()
	w.say(initialize, initialized)
	w.want(greeting)
	return w
}

func call(id any, tool string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%v,"method":"tools/call","params":{"name":%q}}`, id, tool)
}

func result(id any, text string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%v,"result":{"text":%q}}`, id, text)
}

// A request is one that the server got.
type request struct {
	*http.Request
	body string
	ID   json.RawMessage
	Name string // of the JSON-RPC method, or else of HTTP's
}

// A server speaks streamable HTTP, as far as a test does not say otherwise.
type server struct {
	t        *testing.T
	listener pipes

	mu       sync.Mutex
	seen     []request
	sessions int
	handle   map[string]func(http.ResponseWriter, request) // by the name of the request
}

func newServer(t *testing.T) *server {
	s := &server{t: t, listener: pipes{make(chan net.Conn), make(chan struct{})}, handle: make(map[string]func(http.ResponseWriter, request))}
	h := &http.Server{Handler: s}
	go h.Serve(s.listener)
	t.Cleanup(func() { h.Close() })
	return s
}

// on says what the server does with requests of a name.
func (s *server) on(name string, f func(http.ResponseWriter, request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handle[name] = f
}

// transport reaches the server, whatever the address.
func (s *server) transport() *http.Transport {
	t := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return s.listener.dial() }}
	s.t.Cleanup(t.CloseIdleConnections)
	return t
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	got := request{Request: r, body: string(body), Name: r.Method}
	var m struct {
		ID     json.RawMessage
		Method string
	}
	if json.Unmarshal(body, &m) == nil && m.Method != "" {
		got.ID, got.Name = m.ID, m.Method
	}
	s.mu.Lock()
	s.seen = append(s.seen, got)
	f := s.handle[got.Name]
	s.mu.Unlock()
	switch {
	case f != nil:
		f(w, got)
	case got.Name == "initialize":
		s.mu.Lock()
		s.sessions++
		w.Header().Set("Mcp-Session-Id", fmt.Sprintf("s%d", s.sessions))
		s.mu.Unlock()
		asJSON(w, greeting)
	case got.Name == "GET", got.Name == "DELETE":
		http.Error(w, "no such method", http.StatusMethodNotAllowed)
	case got.ID == nil:
		w.WriteHeader(http.StatusAccepted)
	default:
		asJSON(w, result(string(got.ID), got.Name))
	}
}

// saw returns the requests of a name.
func (s *server) saw(name string) []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.seen), func(r request) bool { return r.Name != name })
}

// names are those of all requests.
func (s *server) names() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.seen {
		list = append(list, r.Name)
	}
	return list
}

func asJSON(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, text)
}

// An events is a stream that a server sends.
type events struct {
	w http.ResponseWriter
	c *http.ResponseController
}

func asEvents(w http.ResponseWriter) events {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	e := events{w, http.NewResponseController(w)}
	e.c.Flush()
	return e
}

// send sends fields, and ends the event.
func (e events) send(fields ...string) {
	io.WriteString(e.w, strings.Join(fields, "\n")+"\n\n")
	e.c.Flush()
}

// pipes is a network of one server.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p pipes) dial() (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }
