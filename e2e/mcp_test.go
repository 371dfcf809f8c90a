//go:build unix

package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/tokentoss/tokentoss/emulator"
)

// An mcpServer is a server behind the emulator's IAP, of the protocol's own SDK for Go:
// /mcp speaks streamable HTTP with sessions, /new without, and /sse HTTP with SSE.
type mcpServer struct {
	*machine
	server *mcp.Server
	hangs  chan struct{} // gets one for each call of the tool hang
	freed  chan struct{} // and one for each that was cancelled

	mu      sync.Mutex
	handler http.Handler
	seen    []string // requests: the method, and Mcp-Method
}

// newMCP makes a machine on which ada is signed in to one.
func newMCP(t *testing.T, o emulator.Options) *mcpServer {
	t.Helper()
	s := &mcpServer{hangs: make(chan struct{}, 10), freed: make(chan struct{}, 10)}
	s.restart()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r.Method+" "+r.Header.Get("Mcp-Method"))
		h := s.handler
		s.mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		up.CloseClientConnections()
		up.Close()
	})
	o.Upstream = up.URL
	s.machine = newMachine(t, o)
	return s
}

// restart makes a server that knows no session.
func (s *mcpServer) restart() {
	server := mcp.NewServer(&mcp.Implementation{Name: "far", Version: "1"}, &mcp.ServerOptions{
		SubscribeHandler:   func(context.Context, *mcp.SubscribeRequest) error { return nil },
		UnsubscribeHandler: func(context.Context, *mcp.UnsubscribeRequest) error { return nil },
	})
	s.addTools(server)
	mux := http.NewServeMux()
	mux.Handle("/mcp", mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{
		EventStore: mcp.NewMemoryEventStore(nil), MaxRequestBodyBytes: -1, PropagateRequestCancellation: true,
	}))
	mux.Handle("/new", mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{
		Stateless: true, MaxRequestBodyBytes: -1, PropagateRequestCancellation: true,
	}))
	mux.Handle("/sse", mcp.NewSSEHandler(func(*http.Request) *mcp.Server { return server }, &mcp.SSEOptions{MaxRequestBodyBytes: -1}))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server, s.handler = server, mux
}

type (
	sumIn   struct{ A, B int }
	sumOut  struct{ Sum int }
	nothing struct{}
)

func say(text string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: text}}}
}

func (s *mcpServer) addTools(server *mcp.Server) {
	mcp.AddTool(server, &mcp.Tool{Name: "add"}, func(_ context.Context, _ *mcp.CallToolRequest, in sumIn) (*mcp.CallToolResult, sumOut, error) {
		return nil, sumOut{in.A + in.B}, nil
	})
	mcp.AddTool(server, &mcp.Tool{Name: "echo"}, func(_ context.Context, _ *mcp.CallToolRequest, in struct{ Text string }) (*mcp.CallToolResult, any, error) {
		return say(in.Text), nil, nil
	})
	mcp.AddTool(server, &mcp.Tool{Name: "steps"}, func(ctx context.Context, r *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
		for i := range 20 {
			if err := r.Session.NotifyProgress(ctx, &mcp.ProgressNotificationParams{ProgressToken: r.Params.GetProgressToken(), Progress: float64(i)}); err != nil {
				return nil, nil, err
			}
		}
		return say("done"), nil, nil
	})
	mcp.AddTool(server, &mcp.Tool{Name: "ask"}, func(ctx context.Context, r *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
		answer, err := r.Session.Elicit(ctx, &mcp.ElicitParams{Message: "who?", RequestedSchema: json.RawMessage(`{"type":"object","properties":{"name":{"type":"string"}}}`)})
		if err != nil {
			return nil, nil, err
		}
		roots, err := r.Session.ListRoots(ctx, nil)
		if err != nil {
			return nil, nil, err
		}
		sample, err := r.Session.CreateMessage(ctx, &mcp.CreateMessageParams{MaxTokens: 1, Messages: []*mcp.SamplingMessage{}})
		if err != nil {
			return nil, nil, err
		}
		return say(fmt.Sprint(answer.Content["name"], " ", roots.Roots[0].URI, " ", sample.Model)), nil, nil
	})
	mcp.AddTool(server, &mcp.Tool{Name: "polled"}, func(_ context.Context, r *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
		r.Extra.CloseSSEStream(mcp.CloseSSEStreamArgs{RetryAfter: 10 * time.Millisecond})
		return say("after the connection"), nil, nil
	})
	mcp.AddTool(server, &mcp.Tool{Name: "hang"}, func(ctx context.Context, _ *mcp.CallToolRequest, _ nothing) (*mcp.CallToolResult, any, error) {
		s.hangs <- struct{}{}
		<-ctx.Done()
		s.freed <- struct{}{}
		return nil, nil, ctx.Err()
	})
	server.AddResource(&mcp.Resource{URI: "file:///x", Name: "x"}, func(context.Context, *mcp.ReadResourceRequest) (*mcp.ReadResourceResult, error) {
		return &mcp.ReadResourceResult{Contents: []*mcp.ResourceContents{{URI: "file:///x", Text: "text"}}}, nil
	})
}

// saw tells how often a request was seen that begins so.
func (s *mcpServer) saw(prefix string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.seen {
		if strings.HasPrefix(r, prefix) {
			n++
		}
	}
	return n
}

// An mcpHost is a program with a session to a server, by tokentoss, which it started.
type mcpHost struct {
	*mcp.ClientSession
	cmd      *exec.Cmd
	stderr   output
	progress chan float64
	changed  chan string
}

// connect starts tokentoss for a client of the SDK, which offers a version of the
// protocol; empty is the newest.
func (s *mcpServer) connect(t *testing.T, path, version string, env ...string) (*mcpHost, error) {
	t.Helper()
	h := &mcpHost{progress: make(chan float64, 100), changed: make(chan string, 100)}
	h.cmd = s.command("--verbose", "mcp", s.provider.IAPURL()+path)
	h.cmd.Env = append(h.cmd.Env, env...)
	h.cmd.Stderr = &h.stderr
	client := mcp.NewClient(&mcp.Implementation{Name: "near", Version: "1"}, &mcp.ClientOptions{
		ElicitationHandler: func(context.Context, *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
			return &mcp.ElicitResult{Action: "accept", Content: map[string]any{"name": "Ada"}}, nil
		},
		CreateMessageHandler: func(context.Context, *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
			return &mcp.CreateMessageResult{Model: "a-model", Role: "assistant", Content: &mcp.TextContent{Text: "x"}}, nil
		},
		ProgressNotificationHandler: func(_ context.Context, r *mcp.ProgressNotificationClientRequest) { h.progress <- r.Params.Progress },
		ResourceUpdatedHandler:      func(_ context.Context, r *mcp.ResourceUpdatedNotificationRequest) { h.changed <- r.Params.URI },
	})
	client.AddRoots(&mcp.Root{URI: "file:///root"})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var err error
	h.ClientSession, err = client.Connect(ctx, &mcp.CommandTransport{Command: h.cmd}, &mcp.ClientSessionOptions{ProtocolVersion: version})
	if err == nil {
		t.Cleanup(func() { h.Close() })
	}
	return h, err
}

// mustConnect is connect where it works.
func (s *mcpServer) mustConnect(t *testing.T, path, version string) *mcpHost {
	t.Helper()
	h, err := s.connect(t, path, version)
	if err != nil {
		t.Fatalf("%v\n%s", err, h.stderr.String())
	}
	return h
}

// call calls a tool, and returns its text.
func (h *mcpHost) call(t *testing.T, tool string, arguments map[string]any) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p := &mcp.CallToolParams{Name: tool, Arguments: arguments}
	p.SetProgressToken("p")
	res, err := h.CallTool(ctx, p)
	if err != nil {
		return "", err
	}
	text := res.Content[0].(*mcp.TextContent).Text
	if res.IsError {
		return "", fmt.Errorf("the tool failed: %s", text)
	}
	return text, nil
}

func (h *mcpHost) wantCall(t *testing.T, want, tool string, arguments map[string]any) {
	t.Helper()
	if got, err := h.call(t, tool, arguments); err != nil || got != want {
		t.Errorf("%s: %.200q, %v, want %.200q\n%s", tool, got, err, want, h.stderr.String())
	}
}

// mcpKinds are the transports and versions that servers and clients of the SDK agree on.
var mcpKinds = map[string]struct{ path, version string }{
	"2026-07-28": {"/new", ""}, "fallback": {"/mcp", ""}, "2025-11-25": {"/mcp", "2025-11-25"}, "2025-03-26": {"/mcp", "2025-03-26"}, "2024-11-05": {"/sse", "2024-11-05"},
}

// A client of the protocol's SDK has all that a server says, as if it were local, over
// tokens that are shorter than the session.
func TestMCPByTheSDK(t *testing.T) {
	t.Parallel()
	for name, kind := range mcpKinds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newMCP(t, emulator.Options{TokenLifetime: 2 * time.Second})
			s.signIn(t, ada)
			h := s.mustConnect(t, kind.path, kind.version)
			tools, err := h.ListTools(t.Context(), nil)
			if err != nil || len(tools.Tools) != 6 {
				t.Errorf("%d tools, %v", len(tools.Tools), err)
			}
			h.wantCall(t, `{"Sum":7}`, "add", map[string]any{"A": 3, "B": 4})
			h.wantCall(t, "done", "steps", nil)
			for i := range 20 {
				if got := <-h.progress; got != float64(i) {
					t.Errorf("step %v came as %d", got, i)
				}
			}
			large := strings.Repeat("large ", 1<<18)
			h.wantCall(t, large, "echo", map[string]any{"Text": large})
			if kind.path == "/new" {
				if s.saw("POST server/discover") != 1 || s.saw("POST tools/call") == 0 {
					t.Errorf("it is an older version: %q", s.seen)
				}
			} else {
				h.wantCall(t, "Ada file:///root a-model", "ask", nil)
				s.wantUpdates(t, h)
			}
			if kind.path == "/mcp" && kind.version != "2025-03-26" {
				h.wantCall(t, "after the connection", "polled", nil)
			}
			s.wantCancelled(t, h)
			deadline := time.Now().Add(patience)
			for i := 0; s.refreshes() < 2; i++ {
				h.wantCall(t, fmt.Sprintf(`{"Sum":%d}`, i), "add", map[string]any{"A": i, "B": 0})
				if time.Now().After(deadline) {
					t.Fatal("no token was renewed")
				}
			}
			if err := h.Close(); err != nil {
				t.Errorf("%v\n%s", err, h.stderr.String())
			}
			if n := s.saw("DELETE"); (n == 1) != (kind.path == "/mcp") {
				t.Errorf("%d sessions were ended", n)
			}
		})
	}
}

// wantUpdates has the server say something by itself.
func (s *mcpServer) wantUpdates(t *testing.T, h *mcpHost) {
	t.Helper()
	if err := h.Subscribe(t.Context(), &mcp.SubscribeParams{URI: "file:///x"}); err != nil {
		t.Error(err)
	}
	tick := time.NewTicker(100 * time.Millisecond) // the stream for it may be just opening
	defer tick.Stop()
	late := time.After(patience)
	for {
		if err := s.server.ResourceUpdated(t.Context(), &mcp.ResourceUpdatedNotificationParams{URI: "file:///x"}); err != nil {
			t.Error(err)
		}
		select {
		case got := <-h.changed:
			if got != "file:///x" {
				t.Errorf("%q changed", got)
			}
			return
		case <-tick.C:
		case <-late:
			t.Errorf("the client was told of nothing\n%s", h.stderr.String())
			return
		}
	}
}

// wantCancelled has the server learn that the client gave up.
func (s *mcpServer) wantCancelled(t *testing.T, h *mcpHost) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		_, err := h.CallTool(ctx, &mcp.CallToolParams{Name: "hang"})
		failed <- err
	}()
	for _, c := range []chan struct{}{s.hangs, s.freed} {
		select {
		case <-c:
			cancel()
		case err := <-failed:
			t.Fatalf("the call: %v\n%s", err, h.stderr.String())
		case <-time.After(patience):
			t.Fatalf("the server was not told\n%s", h.stderr.String())
		}
		if c == s.hangs {
			if err := <-failed; err == nil {
				t.Error("a cancelled call has a result")
			}
		}
	}
}

// A server that was started anew knows no session: the call fails, the next one works.
func TestMCPServerIsStartedAnew(t *testing.T) {
	t.Parallel()
	s := newMCP(t, emulator.Options{})
	s.signIn(t, ada)
	h := s.mustConnect(t, "/mcp", "2025-11-25")
	h.wantCall(t, `{"Sum":2}`, "add", map[string]any{"A": 1, "B": 1})
	s.restart()
	_, err := h.call(t, "add", map[string]any{"A": 1, "B": 2})
	if err == nil || !strings.Contains(err.Error(), "was not repeated") {
		t.Errorf("the call: %v", err)
	}
	h.wantCall(t, `{"Sum":3}`, "add", map[string]any{"A": 1, "B": 2})
}

// A person who is not signed in is asked in the browser, where there is one.
func TestMCPOpensTheBrowser(t *testing.T) {
	t.Parallel()
	s := newMCP(t, emulator.Options{AutoConsent: ada})
	browser := filepath.Join(s.home(), "browser")
	writeFile(t, browser, []byte("#!/bin/sh\nexec curl -sfL -o /dev/null \"$1\"\n"))
	if err := os.Chmod(browser, 0o700); err != nil {
		t.Fatal(err)
	}
	h, err := s.connect(t, "/mcp", "2025-11-25", "BROWSER="+browser)
	if err != nil {
		t.Fatalf("%v\n%s", err, h.stderr.String())
	}
	h.wantCall(t, `{"Sum":3}`, "add", map[string]any{"A": 1, "B": 2})
}

// Where there is none, the error says what to do; once it is done, what comes next works.
func TestMCPSaysHowToSignIn(t *testing.T) {
	t.Parallel()
	s := newMCP(t, emulator.Options{})
	p, say, hear := s.bare(t, "/mcp")
	say(mcpInitialize)
	if got := hear(); !strings.Contains(got, `"error":{"code":-32603,"message":"tokentoss: `) || !strings.Contains(got, "nobody is signed in") || !strings.Contains(got, "hint: tokentoss login") {
		t.Errorf("heard %s", got)
	}
	s.signIn(t, ada)
	say(mcpInitialize)
	if got := hear(); !strings.Contains(got, `"protocolVersion":"2025-11-25"`) {
		t.Errorf("heard %s", got)
	}
	say(`{"jsonrpc":"2.0","method":"notifications/initialized"}`)
	s.provider.SetIAPPolicy(func(emulator.IAPRequest) emulator.IAPDecision {
		return emulator.IAPDecision{Status: http.StatusForbidden}
	})
	say(`{"jsonrpc":"2.0","id":3,"method":"ping"}`)
	if got := hear(); !strings.Contains(got, ada+" has no access") || !strings.Contains(got, "roles/iap.httpsResourceAccessor") {
		t.Errorf("heard %s", got)
	}
	p.signal(t, syscall.SIGTERM)
	p.wait(t).wantCode(t, 0)
	if strings.Contains(p.stderr.String(), "eyJ") {
		t.Error("standard error has a token")
	}
}

const mcpInitialize = `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"near","version":"1"}}}`

// bare starts tokentoss for a client that writes and reads lines.
func (s *mcpServer) bare(t *testing.T, path string) (p *process, say func(string), hear func() string) {
	t.Helper()
	c := s.command("mcp", s.provider.IAPURL()+path)
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p = start(t, c)
	heard := 0
	return p, func(line string) {
			if _, err := fmt.Fprintln(in, line); err != nil {
				t.Fatal(err)
			}
		}, func() string {
			for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
				if lines := strings.SplitAfter(p.stdout.String(), "\n"); len(lines) > heard+1 {
					heard++
					return strings.TrimSuffix(lines[heard-1], "\n")
				}
			}
			t.Fatalf("nothing comes\n%s", p.stderr.String())
			return ""
		}
}

// A client that is killed leaves nothing behind.
func TestMCPEndsWithItsClient(t *testing.T) {
	t.Parallel()
	s := newMCP(t, emulator.Options{})
	s.signIn(t, ada)
	c := s.command("mcp", s.provider.IAPURL()+"/mcp")
	// The shell is the client; what it writes to stays open.
	pid := filepath.Join(s.home(), "pid")
	c.Args = []string{"sh", "-c", `(echo "$INIT"; sleep 600) | "$0" "$@" & echo $! >"` + pid + `"; wait`, c.Path, "mcp", s.provider.IAPURL() + "/mcp"}
	c.Path = "/bin/sh"
	c.Env = append(c.Env, "INIT="+mcpInitialize)
	p := start(t, c)
	defer func() { _ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) }()
	waitUntil(t, "the client is served", func() bool { return strings.Contains(p.stdout.String(), "protocolVersion") })
	var bridge int
	if _, err := fmt.Sscan(string(mustRead(t, pid)), &bridge); err != nil {
		t.Fatal(err)
	}
	p.signal(t, syscall.SIGKILL)
	waitUntil(t, "the bridge has ended", func() bool { return syscall.Kill(bridge, 0) != nil })
	waitUntil(t, "the session was ended", func() bool { return s.saw("DELETE") == 1 })
}

func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
