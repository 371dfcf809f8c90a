package rpc_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/frontends/notebook"
	"github.com/tokentoss/tokentoss/frontends/notebook/rpc"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/profile"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what is meant to happen soon.
const patience = 20 * time.Second

const ada = "ada@example.com"

// A client is a program that is served, in the hands of a test.
type client struct {
	t       *testing.T
	in      *io.PipeWriter
	answers chan map[string]any // closed when there are no more
	notes   []map[string]any    // messages to the views that were not looked at
	cancel  context.CancelFunc
	ended   chan struct{}
	err     error // of Serve, after ended
	last    int
	all     strings.Builder // that came
}

// host is what is served where a test does not say.
func host(t *testing.T) rpc.Host {
	return rpc.Host{
		Version: "v1.2.3", Dir: filepath.Join(t.TempDir(), "tokentoss"),
		Frontend: func(_ *profile.Profile, term plugins.Terminal) (core.Frontend, error) {
			return notebook.Plugin().OpenFrontend(context.Background(), plugins.Request{
				Terminal: term, Settings: []byte(`{"protocol": "tokentoss.widget/1"}`),
			})
		},
	}
}

// connect starts to serve. What is served ends with the test, in order.
func connect(t *testing.T, h rpc.Host) *client {
	t.Helper()
	t.Setenv(profile.EnvInsecureLoopback, "1")
	ctx, cancel := context.WithCancel(context.Background())
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	c := &client{t: t, in: inW, answers: make(chan map[string]any), cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		c.err = rpc.Serve(ctx, inR, outW, h)
		outW.Close()
	}()
	go c.read(outR)
	t.Cleanup(func() {
		inW.Close()
		c.end()
		cancel()
	})
	return c
}

func (c *client) read(r io.Reader) {
	defer close(c.answers)
	lines := bufio.NewReader(r)
	for {
		text, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		c.all.WriteString(text)
		var m map[string]any
		if json.Unmarshal([]byte(text), &m) != nil || m["jsonrpc"] != "2.0" {
			m = map[string]any{"broken": text}
		}
		c.answers <- m
	}
}

// end waits until nothing is served any more, and returns what came meanwhile.
func (c *client) end() (rest []map[string]any) {
	c.t.Helper()
	for {
		select {
		case m, ok := <-c.answers:
			if !ok {
				<-c.ended
				return rest
			}
			rest = append(rest, m)
		case <-time.After(patience):
			c.t.Fatal("it does not end")
		}
	}
}

// write sends a line.
func (c *client) write(line string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		c.t.Fatal(err)
	}
}

// next returns the next message that is no notification, which it keeps.
func (c *client) next() map[string]any {
	c.t.Helper()
	for {
		select {
		case m, ok := <-c.answers:
			switch {
			case !ok:
				c.t.Fatalf("it has ended: %v", c.err)
			case m["method"] == "session.message":
				c.notes = append(c.notes, m["params"].(map[string]any))
			default:
				return m
			}
		case <-time.After(patience):
			c.t.Fatal("there is no answer")
		}
	}
}

// begin sends a request and returns its id.
func (c *client) begin(method string, params any) int {
	c.t.Helper()
	c.last++
	data, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": c.last, "method": method, "params": params})
	if err != nil {
		c.t.Fatal(err)
	}
	c.write(string(data))
	return c.last
}

// call sends a request and returns the answer, which must be the next.
func (c *client) call(method string, params any) map[string]any {
	c.t.Helper()
	id := c.begin(method, params)
	m := c.next()
	if m["id"] != float64(id) {
		c.t.Fatalf("%s: the answer is %v", method, m)
	}
	return m
}

// does is call for what must succeed.
func (c *client) does(method string, params any) map[string]any {
	c.t.Helper()
	result, ok := c.call(method, params)["result"].(map[string]any)
	if !ok {
		c.t.Fatalf("%s failed: %s", method, c.lastLine())
	}
	return result
}

func (c *client) lastLine() string {
	lines := strings.Split(strings.TrimSpace(c.all.String()), "\n")
	return lines[len(lines)-1]
}

// fails is call for what must fail for a reason. It returns the message.
func (c *client) fails(reason, method string, params any) string {
	c.t.Helper()
	return c.wantProblem(c.call(method, params), -32000, reason)
}

// wantProblem fails unless m is an error.
func (c *client) wantProblem(m map[string]any, code int, reason string) string {
	c.t.Helper()
	problem, _ := m["error"].(map[string]any)
	data, _ := problem["data"].(map[string]any)
	if problem == nil || problem["code"] != float64(code) || reason != "" && data["reason"] != reason {
		c.t.Fatalf("the answer is %v, want error %d %s", m, code, reason)
	}
	return problem["message"].(string)
}

// initialize begins.
func (c *client) initialize() *client {
	c.t.Helper()
	c.does("initialize", map[string]any{"protocol": rpc.Protocol, "client": map[string]any{"name": "test", "version": "1"}})
	return c
}

// open opens a session and returns its name.
func (c *client) open(params map[string]any) string {
	c.t.Helper()
	return c.does("session.open", params)["session"].(string)
}

// say sends a message of a view.
func (c *client) say(session, message string) {
	c.t.Helper()
	c.write(fmt.Sprintf(`{"jsonrpc":"2.0","method":"session.message","params":{"session":%q,"message":%s}}`, session, message))
}

// until waits for a message to the views that is as wanted.
func (c *client) until(session, what string, want func(map[string]any) bool) map[string]any {
	c.t.Helper()
	for {
		for i, n := range c.notes {
			if m := n["message"].(map[string]any); n["session"] == session && want(m) {
				c.notes = c.notes[i+1:]
				return m
			}
		}
		c.notes = nil
		select {
		case m, ok := <-c.answers:
			if !ok || m["method"] != "session.message" {
				c.t.Fatalf("waiting until %s: %v, %v", what, m, c.err)
			}
			c.notes = append(c.notes, m["params"].(map[string]any))
		case <-time.After(patience):
			c.t.Fatalf("waiting until %s in vain; the last message is %s", what, c.lastLine())
		}
	}
}

func (c *client) phase(session, phase string) map[string]any {
	c.t.Helper()
	return c.until(session, "the phase is "+phase, func(m map[string]any) bool { return m["phase"] == phase })
}

func (c *client) armed(session string) string {
	c.t.Helper()
	return c.until(session, "there is an address", func(m map[string]any) bool { return m["type"] == "armed" })["auth_url"].(string)
}

// provider returns an emulator, and the params of a client that belongs to it.
func provider(t *testing.T, o emulator.Options) (*emulator.Emulator, map[string]any) {
	t.Helper()
	o.Accounts = []emulator.Account{{Email: ada}}
	e, err := emulator.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	var file map[string]map[string]any
	if err := json.Unmarshal(e.ClientSecrets(), &file); err != nil {
		t.Fatal(err)
	}
	p := make(map[string]any)
	for _, name := range []string{"client_id", "client_secret", "auth_uri", "token_uri"} {
		p[name] = file["installed"][name]
	}
	return e, p
}

// signIn signs ada in, with a view.
func (c *client) signIn(session string, e *emulator.Emulator) {
	c.t.Helper()
	c.say(session, `{"v":1,"type":"hello"}`)
	visit(c.t, agree(c.t, e, c.armed(session)))
	if m := c.phase(session, "signed_in"); m["account"] != ada {
		c.t.Fatalf("the snapshot is %v", m)
	}
}

// agree does what the person does at the provider.
func agree(t *testing.T, e *emulator.Emulator, address string) (redirect string) {
	t.Helper()
	redirect, err := e.Authorize(t.Context(), address, ada)
	if err != nil {
		t.Fatal(err)
	}
	return redirect
}

// visit opens a page.
func visit(t *testing.T, address string) {
	t.Helper()
	h := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := h.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if _, err := io.Copy(io.Discard, r.Body); err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("the page has status %d, %v", r.StatusCode, err)
	}
}
