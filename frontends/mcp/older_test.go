package mcp_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/frontends/mcp"
)

// An older server speaks HTTP with SSE: what it says comes on the stream that a GET opened.
type older struct {
	*server
	endpoint string // that it names

	mu     sync.Mutex
	stream events
	open   bool
	hangUp chan struct{} // ends the stream that is open
}

func newOlder(w *world) *older {
	o := &older{server: w.server, endpoint: "/messages/?session_id=%d"}
	streams := 0
	w.server.on("GET", func(rw http.ResponseWriter, r request) {
		o.mu.Lock()
		streams++
		e := asEvents(rw)
		o.stream, o.hangUp, o.open = e, make(chan struct{}), true
		hangUp := o.hangUp
		endpoint := o.endpoint
		if strings.Contains(endpoint, "%d") {
			endpoint = fmt.Sprintf(endpoint, streams)
		}
		e.send("event: endpoint", "data: "+endpoint)
		o.mu.Unlock()
		defer func() {
			o.mu.Lock()
			defer o.mu.Unlock()
			o.open = o.open && o.stream != e
		}()
		select {
		case <-r.Context().Done():
		case <-hangUp:
			panic(http.ErrAbortHandler)
		}
	})
	w.server.on("initialize", func(rw http.ResponseWriter, r request) {
		if r.URL.Path == "/mcp" {
			http.Error(rw, "no such method", http.StatusMethodNotAllowed)
			return
		}
		o.accept(rw)
		o.send("event: message", "data: "+strings.Replace(greeting, "2025-11-25", "2024-11-05", 1))
	})
	w.server.on("tools/call", func(rw http.ResponseWriter, r request) {
		o.accept(rw)
		o.send("data: " + result(string(r.ID), r.URL.RequestURI()))
	})
	return o
}

func (o *older) accept(rw http.ResponseWriter) {
	rw.WriteHeader(http.StatusAccepted)
	io.WriteString(rw, "Accepted")
}

func (o *older) send(fields ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open {
		o.stream.send(fields...)
	}
}

func (w *world) beginOlder() {
	w.t.Helper()
	w.say(initialize, initialized)
	w.want(strings.Replace(greeting, "2025-11-25", "2024-11-05", 1))
}

func TestAnOlderServer(t *testing.T) {
	inWorld(t, func(w *world) {
		o := newOlder(w)
		w.start().beginOlder()
		o.send(`data: {"method":"notifications/x"}`)
		w.want(`{"method":"notifications/x"}`)
		w.say(call(1, "x"))
		w.want(result(1, "/messages/?session_id=1"))
		w.end()
		for _, r := range w.server.seen {
			if r.Name == "DELETE" || r.Header.Get("Mcp-Session-Id") != "" {
				t.Errorf("%s, of session %q", r.Name, r.Header.Get("Mcp-Session-Id"))
			}
		}
	})
}

// A server whose stream ends before it has answered initialize is no server.
func TestAnOlderServerWhoseStreamEndsAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		o := newOlder(w)
		w.server.on("initialize", func(rw http.ResponseWriter, r request) {
			if r.URL.Path == "/mcp" {
				http.NotFound(rw, r.Request)
				return
			}
			o.accept(rw)
			close(o.hangUp)
		})
		w.start()
		w.say(initialize)
		w.wantError("0", -32603, "ended before the answer")
		w.end()
	})
}

// The session of an older server ends with its stream: it is begun anew, and what was
// open is answered with an error.
func TestAnOlderServersStreamEnds(t *testing.T) {
	inWorld(t, func(w *world) {
		o := newOlder(w)
		w.server.on("slow", func(rw http.ResponseWriter, _ request) { o.accept(rw) })
		w.start().beginOlder()
		w.say(`{"id":1,"method":"slow"}`)
		time.Sleep(time.Minute)
		close(o.hangUp)
		w.wantError("1", -32603, "ended before the answer", "not known")
		w.say(call(2, "x"))
		w.want(result(2, "/messages/?session_id=2"))
		if n := len(w.server.saw("slow")); n != 1 {
			t.Errorf("%d requests", n)
		}
		if n := len(w.server.saw("notifications/initialized")); n != 2 {
			t.Errorf("initialized %d times", n)
		}
		w.end()
	})
}

// Messages go to the origin of the stream, and nowhere else.
func TestAnOlderServersEndpointIsAtItsOrigin(t *testing.T) {
	for endpoint, ok := range map[string]bool{
		"messages": true, "?x=1": true, "http://mcp.example.com/m": true, "http://mcp.example.com:80/m": true,
		"https://mcp.example.com/m": false, "//evil.example.com/m": false, "http://evil.example.com": false,
		"http://mcp.example.com:8080/m": false, "http://mcp.example.com.evil.example/m": false, "http://u:p@mcp.example.com/m": false, "http://%zz": false,
	} {
		t.Run(endpoint, func(t *testing.T) {
			inWorld(t, func(w *world) {
				o := newOlder(w)
				o.endpoint = endpoint
				w.server.on("initialize", func(rw http.ResponseWriter, r request) {
					if r.URL.RequestURI() == "/mcp" {
						http.NotFound(rw, r.Request)
						return
					}
					o.accept(rw)
					o.send("data: " + greeting)
				})
				w.start()
				w.say(initialize)
				if ok {
					w.want(greeting)
				} else {
					w.wantError("0", -32603, "the endpoint that mcp.example.com names")
				}
				w.end()
				for _, r := range w.server.seen {
					if r.Host != "mcp.example.com" && r.Host != "mcp.example.com:80" {
						t.Errorf("%s went to %s", r.Name, r.Host)
					}
				}
			})
		})
	}
}

// What is neither is told of in the words of the first answer.
func TestNeitherKindOfServer(t *testing.T) {
	for name, get := range map[string]func(http.ResponseWriter, request){
		"405":     nil,
		"page":    func(rw http.ResponseWriter, _ request) { io.WriteString(rw, "<html>") },
		"nothing": func(rw http.ResponseWriter, r request) { asEvents(rw); <-r.Context().Done() },
		"other":   func(rw http.ResponseWriter, _ request) { asEvents(rw).send("data: {}") },
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.server.on("initialize", func(rw http.ResponseWriter, _ request) { http.Error(rw, "no such thing", http.StatusNotFound) })
				w.server.on("GET", get)
				w.start(func(o *mcp.Options) {})
				w.say(initialize)
				w.wantError("0", -32603, "404 Not Found: no such thing")
				w.end()
			})
		})
	}
}
