package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
)

// A long life, in which the clocks do the waiting. The token expires again and
// again while a stream of events and a WebSocket stay open, and large bodies pass. A
// refresh cuts neither, there is one for each expiry, and nothing grows.
func TestLongLife(t *testing.T) {
	const lives, warm = 12, 3
	var ahead atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	events := make(chan string)
	e := emulate(t, emulator.Options{Now: clock, Upstream: serve(t, longLived(events))})
	app := session(t, e, t.TempDir(), clock)
	signIn(t, app)
	w := start(t, app, proxy.Config{Targets: []string{e.IAPURL()}}, proxy.Options{})
	stream, err := w.client.Transport.RoundTrip(get(t, w.URL+"/events"))
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Body.Close()
	lines := bufio.NewReader(stream.Body)
	socket := dial(t, w, "")
	defer socket.CloseNow()
	var grown, fds int
	refreshes := e.TokenCalls("refresh_token")
	for life := range lives {
		ahead.Add(int64(2 * time.Hour))
		if res, body := w.do(t, get(t, w.URL+"/")); res.StatusCode != http.StatusOK {
			t.Fatalf("life %d: %d %s", life, res.StatusCode, body)
		}
		events <- fmt.Sprint(life)
		if line, err := lines.ReadString('\n'); err != nil || line != fmt.Sprintf("data: %d\n", life) {
			t.Fatalf("life %d: event %q %v", life, line, err)
		}
		echo(t, socket, fmt.Sprint(life))
		body := bytes.Repeat([]byte{byte(life)}, 4<<20)
		r := post(t, w.URL+"/sum", body)
		r.Header.Set("Expect", "100-continue")
		if _, sum := w.do(t, r); sum != fmt.Sprintf("%x", sha256.Sum256(body)) {
			t.Fatalf("life %d: sum %s", life, sum)
		}
		other := dial(t, w, "")
		echo(t, other, "short")
		other.Close(websocket.StatusNormalClosure, "")
		if life == warm {
			grown, fds = settle(), openFiles()
		}
	}
	if n := e.TokenCalls("refresh_token") - refreshes; n != lives {
		t.Errorf("%d refreshes for %d lives", n, lives)
	}
	for end := time.Now().Add(patience); settle() > grown || openFiles() > fds; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines and %d files, from %d and %d", runtime.NumGoroutine(), openFiles(), grown, fds)
		}
	}
}

// longLived is a service with a stream, a WebSocket and sums.
func longLived(events <-chan string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			w.(http.Flusher).Flush()
			for {
				select {
				case e := <-events:
					fmt.Fprintf(w, "data: %s\n", e)
					w.(http.Flusher).Flush()
				case <-r.Context().Done():
					return
				}
			}
		case "/socket":
			echoes(w, r)
		case "/sum":
			sum := sha256.New()
			_, _ = io.Copy(sum, r.Body)
			fmt.Fprintf(w, "%x", sum.Sum(nil))
		}
	}
}

// echoes accepts a WebSocket from a page of its own origin and says everything back.
func echoes(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(16 << 20)
	for {
		kind, msg, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), kind, msg) != nil {
			return
		}
	}
}

// dial opens a WebSocket to /socket.
func dial(t *testing.T, w *world, origin string) *websocket.Conn {
	t.Helper()
	h := http.Header{}
	if origin != "" {
		h.Set("Origin", origin)
	}
	c, _, err := websocket.Dial(t.Context(), w.URL+"/socket", &websocket.DialOptions{HTTPClient: w.client, HTTPHeader: h})
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadLimit(16 << 20)
	return c
}

func echo(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Read(ctx); err != nil || string(got) != text {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
}

// settle counts goroutines.
func settle() int {
	runtime.Gosched()
	return runtime.NumGoroutine()
}

// openFiles counts the files of this process, where that can be known.
func openFiles() int {
	files, _ := os.ReadDir("/proc/self/fd")
	return len(files)
}

// Who signs out elsewhere, in another process say, is signed out here too, though the
// token would be valid; who signs in again is served again.
func TestOthersSignOut(t *testing.T) {
	e := emulate(t, emulator.Options{})
	dir := t.TempDir()
	app, other := session(t, e, dir, nil), session(t, e, dir, nil)
	signIn(t, app)
	w := start(t, app, proxy.Config{Targets: []string{e.IAPURL()}}, proxy.Options{})
	w.screen.find(t, "for "+email)
	if res, _ := w.do(t, get(t, w.URL+"/health")); res.StatusCode != http.StatusOK {
		t.Error(res.StatusCode)
	}
	if err := other.SignOut(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.screen.find(t, "nobody is signed in")
	if res, _ := w.do(t, get(t, w.URL+"/health")); res.Header.Get("Tokentoss-Error") != "sign_in_needed" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	signIn(t, other)
	if res, _ := w.do(t, get(t, w.URL+"/health")); res.StatusCode != http.StatusOK {
		t.Error(res.StatusCode)
	}
}

// WebSockets pass in both directions, large messages too. A page's own Origin is the
// service's there; that of another page is refused.
func TestWebSocket(t *testing.T) {
	w := in(t, longLived(nil))
	c := dial(t, w, w.URL)
	defer c.CloseNow()
	for _, text := range []string{"one", strings.Repeat("x", 5<<20), "three"} {
		echo(t, c, text)
	}
	if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
		t.Error(err)
	}
	_, res, err := websocket.Dial(t.Context(), w.URL+"/socket", &websocket.DialOptions{HTTPClient: w.client, HTTPHeader: http.Header{"Origin": {"https://evil.example"}}})
	if err == nil || res == nil || res.StatusCode != http.StatusForbidden {
		t.Errorf("from another page: %v %v", res, err)
	}
	// One that is open does not keep the run from ending.
	open := dial(t, w, "")
	defer open.CloseNow()
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	if _, _, err := open.Read(t.Context()); err == nil {
		t.Error("it is still open")
	}
}

// A service that speaks HTTP/2 has WebSockets as well, on connections of their own.
func TestWebSocketBesideHTTP2(t *testing.T) {
	w := inTLS(t, longLived(nil))
	for range 2 {
		if res, _ := w.do(t, get(t, w.URL+"/")); res.StatusCode != http.StatusOK {
			t.Error(res.StatusCode)
		}
		c := dial(t, w, "")
		echo(t, c, "hello")
		c.CloseNow()
	}
}

// It is the same as a plugin, with the App and the terminal in another process.
func TestAsPlugin(t *testing.T) {
	target := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("Authorization")) })
	settings := fmt.Appendf(nil, `{"targets": [%q], "insecure_loopback": true, "log": "all"}`, target)
	for _, carrier := range plugintest.Carriers() {
		t.Run(string(carrier), func(t *testing.T) {
			s := newScreen()
			f, err := plugintest.OpenFrontend(t, carrier, proxy.Plugin(), plugins.Request{Dir: t.TempDir(), Settings: settings, Terminal: s})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			app := &ada{}
			go func() { ended <- f.Run(ctx, app) }()
			line := s.find(t, "tools: user tokentoss, password ")
			address := line[strings.Index(line, "http://"):]
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for range 50 {
				res, err := client.Get(address)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(res.Body)
				if res.Body.Close(); string(body) != "Bearer token-" {
					t.Fatalf("%d %s", res.StatusCode, body)
				}
			}
			s.find(t, "GET / 200 13B")
			s.await(t, "50 requests, 0 errors, token until ")
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
			s.await(t, "")
		})
	}
}
