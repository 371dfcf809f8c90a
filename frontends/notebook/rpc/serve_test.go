package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/frontends/notebook/rpc"
)

func TestInitialize(t *testing.T) {
	h := host(t)
	h.RemoteHint = true
	c := connect(t, h)
	c.fails("not_initialized", "session.open", nil)
	c.fails("not_initialized", "shutdown", nil)
	c.say("s1", `{"v":1,"type":"hello"}`) // is dropped
	text := c.fails("version_mismatch", "initialize", map[string]any{"protocol": "tokentoss.rpc/9", "later": true})
	for _, part := range []string{"tokentoss.rpc/1", "tokentoss.rpc/9", "install"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
	c.fails("not_initialized", "session.open", nil)
	got := c.does("initialize", map[string]any{"protocol": rpc.Protocol, "client": map[string]any{"name": "x", "version": "y"}, "later": 1})
	want := map[string]any{
		"protocol": "tokentoss.rpc/1", "widget": "tokentoss.widget/1", "version": "v1.2.3", "config_dir": h.Dir, "remote_hint": true,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the result is %v, want %v", got, want)
	}
	c.wantProblem(c.call("initialize", map[string]any{"protocol": rpc.Protocol}), -32600, "")
}

// TestMisuse: whatever comes, there is one answer, and the next request is served.
func TestMisuse(t *testing.T) {
	c := connect(t, host(t)).initialize()
	deep := strings.Repeat("[", 100000)
	for _, d := range []struct {
		line string
		id   any
		code int
	}{
		{`planted`, nil, -32700},
		{``, nil, -32700},
		{`{"jsonrpc":"2.0","id":90,"method":"shut`, nil, -32700},
		{"{\"jsonrpc\":\"2.0\",\"id\":90,\"method\":\"\xff\"}", nil, -32700},
		{"\x00\x01\x02", nil, -32700},
		{deep, nil, -32700},
		{`[{"jsonrpc":"2.0","id":90,"method":"shutdown"}]`, nil, -32600},
		{`"planted"`, nil, -32600},
		{`null`, nil, -32600},
		{`{}`, nil, -32600},
		{`{"jsonrpc":"2.0","id":90}`, 90.0, -32600},
		{`{"id":90,"method":"session.status"}`, 90.0, -32600},
		{`{"jsonrpc":"1.0","id":"a","method":"session.status"}`, "a", -32600},
		{`{"jsonrpc":"2.0","id":90,"method":7}`, nil, -32600},
		{`{"jsonrpc":"2.0","id":1.5,"method":"shutdown"}`, nil, -32600},
		{`{"jsonrpc":"2.0","id":null,"method":"shutdown"}`, nil, -32600},
		{`{"jsonrpc":"2.0","id":{},"method":"shutdown"}`, nil, -32600},
		{`{"jsonrpc":"2.0","id":true,"method":"shutdown"}`, nil, -32600},
		{`{"jsonrpc":"2.0","id":"` + strings.Repeat("x", 300) + `","method":"shutdown"}`, nil, -32600},
		{`{"jsonrpc":"2.0","id":90,"result":{}}`, 90.0, -32600},
		{`{"jsonrpc":"2.0","id":90,"method":"Shutdown"}`, 90.0, -32601},
		{`{"jsonrpc":"2.0","id":90,"method":"session.message","params":{}}`, 90.0, -32601},
		{`{"jsonrpc":"2.0","id":"b","method":"session.open","params":[]}`, "b", -32602},
		{`{"jsonrpc":"2.0","id":90,"method":"session.open","params":{"planted":1}}`, 90.0, -32602},
		{`{"jsonrpc":"2.0","id":90,"method":"session.open","params":{"profile":"planted","scopes":"planted"}}`, 90.0, -32602},
		{`{"jsonrpc":"2.0","id":90,"method":"session.token","params":{"session":"s1","stale":-1}}`, 90.0, -32602},
		{`{"jsonrpc":"2.0","id":90,"method":"session.token","params":{"session":"s1","kind":"refresh"}}`, 90.0, -32602},
		{strings.Repeat("planted", 1<<18), nil, -32600},
	} {
		c.write(d.line)
		m := c.next()
		name := d.line[:min(len(d.line), 60)]
		if _, has := m["id"]; m["id"] != d.id || !has {
			t.Errorf("%s: the answer has id %v, want %v", name, m["id"], d.id)
		}
		if text := c.wantProblem(m, d.code, ""); strings.Contains(strings.ReplaceAll(text, `no "planted"`, ""), "planted") {
			t.Errorf("%s: the answer quotes it: %s", name, text)
		}
	}
	// What is not a request is not answered, whatever is wrong with it.
	c.write(`{"jsonrpc":"2.0","method":"no.such"}`)
	c.write(`{"jsonrpc":"2.0","method":"session.message","params":{"session":"s1"}}`)
	c.write(`{"jsonrpc":"2.0","method":"session.message","params":7}`)
	c.fails("unknown_session", "session.status", map[string]any{"session": "s1"})
	c.does("session.open", map[string]any{"store": map[string]any{"memory": map[string]any{}}})
}

// TestLongestLine: a line of the greatest length is served.
func TestLongestLine(t *testing.T) {
	c := connect(t, host(t)).initialize()
	head, tail := `{"jsonrpc":"2.0","id":90,"method":"session.open","params":{"profile":"`, `"}}`
	c.write(head + strings.Repeat("x", 1<<20-len(head)-len(tail)-1) + tail)
	c.wantProblem(c.next(), -32000, "unknown_profile")
}

// TestOutOfOrder: a request that takes its time holds up no other, and its id is in
// use.
func TestOutOfOrder(t *testing.T) {
	e, p := provider(t, emulator.Options{})
	c := connect(t, host(t)).initialize()
	s := c.open(map[string]any{"client": p, "store": map[string]any{"memory": map[string]any{}}})
	c.signIn(s, e)
	e.SetFault(emulator.Token, &emulator.Fault{Delay: 700 * time.Millisecond, Times: 1})
	slow := c.begin("session.token", map[string]any{"session": s, "stale": 1})
	c.write(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"session.status","params":{"session":%q}}`, slow, s))
	m := c.next()
	if id, has := m["id"]; id != nil || !has {
		t.Errorf("the answer to a request with an id in use has id %v", id)
	}
	c.wantProblem(m, -32600, "")
	c.does("session.status", map[string]any{"session": s})
	if m := c.next(); m["id"] != float64(slow) || m["result"].(map[string]any)["generation"] != 2.0 {
		t.Errorf("the answer is %v", m)
	}
	c.last = slow - 1 // the id is free again
	c.does("session.status", map[string]any{"session": s})
}

// TestEnd: however it ends, what is under way is answered, and all has ended.
func TestEnd(t *testing.T) {
	for name, end := range map[string]func(*client){
		"end of input": func(c *client) { c.in.Close() },
		"end of ctx":   func(c *client) { c.cancel() },
		"shutdown":     func(c *client) { c.begin("shutdown", nil) },
		"shutdown, without an answer": func(c *client) {
			c.write(`{"jsonrpc":"2.0","method":"shutdown"}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, p := provider(t, emulator.Options{})
			c := connect(t, host(t)).initialize()
			s := c.open(map[string]any{"client": p, "store": map[string]any{"memory": map[string]any{}}})
			c.signIn(s, e)
			e.SetFault(emulator.Token, &emulator.Fault{Delay: 700 * time.Millisecond, Times: 1})
			before := e.TokenCalls("refresh_token")
			slow := c.begin("session.token", map[string]any{"session": s, "stale": 1})
			for e.TokenCalls("refresh_token") == before { // the request is under way
				c.does("session.status", map[string]any{"session": s})
			}
			end(c)
			var cancelled, detached, shut bool
			for _, m := range c.end() {
				switch text := fmt.Sprint(m); {
				case m["id"] == float64(slow):
					c.wantProblem(m, -32000, "canceled")
					cancelled = true
				case strings.Contains(text, "detached"):
					detached = true
				case m["id"] != nil:
					shut = true
				}
			}
			if c.err != nil || !cancelled || !detached || shut != (name == "shutdown") {
				t.Errorf("Serve returned %v; answered %t, detached %t, shut %t", c.err, cancelled, detached, shut)
			}
		})
	}
}

// TestBrokenOutput: there is no use in going on when nothing can be said.
func TestBrokenOutput(t *testing.T) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	outR.Close()
	ended := make(chan error, 1)
	go func() { ended <- rpc.Serve(context.Background(), inR, outW, host(t)) }()
	if _, err := io.WriteString(inW, "x\n"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Serve returned %v", err)
	}
	if _, err := io.WriteString(inW, "x\n"); err == nil {
		t.Error("the input is still open")
	}
}

// TestClientThatDoesNotRead costs no memory: what it sends is not even read, and
// nothing is left of it in the end.
func TestClientThatDoesNotRead(t *testing.T) {
	h := host(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		inR, inW := io.Pipe()
		outR, outW := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- rpc.Serve(ctx, inR, outW, h) }()
		var taken atomic.Int64
		go func() {
			line := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":%q}}`, rpc.Protocol)
			for i := 2; ; i++ {
				if _, err := io.WriteString(inW, line+"\n"); err != nil {
					return
				}
				taken.Add(1)
				line = fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"session.status","params":{"session":"none"}}`, i)
			}
		}()
		synctest.Wait()
		if n := taken.Load(); n < 100 || n > 400 {
			t.Errorf("%d requests were taken", n)
		}
		cancel()
		if err := <-ended; err == nil || !strings.Contains(err.Error(), "does not read") {
			t.Errorf("Serve returned %v", err)
		}
		outR.Close() // a write that hangs ends with it
	})
}
