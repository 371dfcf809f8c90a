package mcp_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestAStreamKeepsItsOrder(t *testing.T) {
	inWorld(t, func(w *world) {
		var want []string
		for i := range 1000 {
			want = append(want, fmt.Sprintf(`{"method":"notifications/progress","params":{"progress":%d}}`, i))
		}
		want = append(want, result(1, "done"))
		w.server.on("tools/call", func(rw http.ResponseWriter, _ request) {
			e := asEvents(rw)
			for i, text := range want {
				e.send(fmt.Sprintf("id: %d", i), "data: "+text)
			}
		})
		w.start().begin()
		w.say(call(1, "x"))
		w.want(want...)
		w.end()
	})
}

// The server may ask the client, on the stream of a request or by itself; the reply is a
// message of its own.
func TestTheServerAsks(t *testing.T) {
	inWorld(t, func(w *world) {
		replies := make(chan string, 2)
		w.server.on("POST", func(rw http.ResponseWriter, r request) { // a response has no method
			replies <- r.body
			rw.WriteHeader(http.StatusAccepted)
		})
		w.server.on("GET", func(rw http.ResponseWriter, r request) {
			asEvents(rw).send(`data: {"jsonrpc":"2.0","id":"r","method":"roots/list"}`)
			<-r.Context().Done()
		})
		w.server.on("tools/call", func(rw http.ResponseWriter, r request) {
			e := asEvents(rw)
			e.send(`data: {"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"?"}}`)
			e.send("data: " + strings.Replace(<-replies, `"id":1,"result"`, `"id":1,"result"`, 1))
		})
		w.start().begin()
		w.want(`{"jsonrpc":"2.0","id":"r","method":"roots/list"}`)
		w.say(`{"jsonrpc":"2.0","id":"r","error":{"code":-32601,"message":"no roots"}}`)
		if got := <-replies; !strings.Contains(got, "no roots") {
			t.Errorf("the server got %q", got)
		}
		w.say(call(1, "x")) // of the same ID as the server's own request
		w.want(`{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"?"}}`)
		w.say(`{"jsonrpc":"2.0","id":1,"result":{"action":"accept"}}`)
		w.want(`{"jsonrpc":"2.0","id":1,"result":{"action":"accept"}}`)
		w.end()
	})
}

// A stream whose connection the server closed before the answer is taken up again behind
// the last event, after the time that the server wants (SEP-1699).
func TestAClosedStreamIsTakenUpAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("tools/call", func(rw http.ResponseWriter, _ request) {
			e := asEvents(rw)
			e.send("id: a", "data:") // which only says where to go on
			e.send("id: b", `data: {"method":"notifications/1"}`)
			e.send("retry: 7000")
		})
		var at []time.Time
		w.server.on("GET", func(rw http.ResponseWriter, r request) {
			e := asEvents(rw)
			switch r.Header.Get("Last-Event-ID") {
			case "b":
				at = append(at, time.Now())
				e.send("id: c", "data: ")
				e.send("retry: 60000", "id: d", `data: {"method":"notifications/2"}`)
			case "d":
				at = append(at, time.Now())
				e.send("data: " + result(1, "done"))
			default:
				<-r.Context().Done()
			}
		})
		w.start().begin()
		began := time.Now()
		w.say(call(1, "x"))
		w.want(`{"method":"notifications/1"}`, `{"method":"notifications/2"}`, result(1, "done"))
		if len(at) != 2 || at[0].Sub(began) < 7*time.Second || at[0].Sub(began) > 8*time.Second || at[1].Sub(at[0]) < time.Minute || at[1].Sub(at[0]) > 61*time.Second {
			t.Errorf("it went on after %v", at)
		}
		if n := len(w.server.saw("tools/call")); n != 1 {
			t.Errorf("%d calls", n)
		}
		w.end()
	})
}

// Without an ID there is no place to go on from: the request fails, and is not repeated.
func TestABrokenStreamIsAnError(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("tools/call", func(rw http.ResponseWriter, _ request) {
			asEvents(rw).send(`data: {"method":"notifications/1"}`)
		})
		w.server.on("cut", func(rw http.ResponseWriter, _ request) {
			rw.Header().Set("Content-Type", "application/json")
			rw.Header().Set("Content-Length", "100")
			fmt.Fprint(rw, `{"jsonrpc":`)
		})
		w.start().begin()
		w.say(call(1, "x"))
		w.want(`{"method":"notifications/1"}`)
		w.wantError("1", -32603, "ended before the answer", "not known")
		w.say(`{"id":2,"method":"cut"}`)
		w.wantError("2", -32603, "ended before the answer")
		time.Sleep(time.Hour)
		w.wantSilence()
		if n := len(w.server.saw("tools/call")); n != 1 {
			t.Errorf("%d calls", n)
		}
		w.end()
	})
}

// A server that cannot be reached again is asked for about a minute, ever less often.
func TestTakingUpAStreamIsGivenUp(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("tools/call", func(rw http.ResponseWriter, _ request) { asEvents(rw).send("id: a", "data:") })
		w.start().begin()
		w.server.on("GET", func(rw http.ResponseWriter, _ request) { http.Error(rw, "busy", http.StatusServiceUnavailable) })
		began := time.Now()
		w.say(call(1, "x"))
		w.wantError("1", -32603, "503")
		if took := time.Since(began); took < 30*time.Second || took > 2*time.Minute {
			t.Errorf("it took %s", took)
		}
		w.server.on("GET", nil) // 405: there is nothing to take up
		w.say(call(2, "x"))
		w.wantError("2", -32603, "405")
		w.end()
	})
}

// Each of many streams that go on is asked for behind its own last event.
func TestStreamsGoOnByThemselves(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("tools/call", func(rw http.ResponseWriter, r request) {
			asEvents(rw).send("id: of "+string(r.ID), "data:")
		})
		w.server.on("GET", func(rw http.ResponseWriter, r request) {
			e := asEvents(rw)
			if id, ok := strings.CutPrefix(r.Header.Get("Last-Event-ID"), "of "); ok {
				e.send("data: " + result(id, "of "+id))
				return
			}
			<-r.Context().Done()
		})
		w.start().begin()
		var want, got []string
		for i := range 30 {
			w.say(call(i, "x"))
			want = append(want, result(i, fmt.Sprint("of ", i)))
		}
		for range want {
			got = append(got, w.hear())
		}
		slices.Sort(want)
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("heard %q", got)
		}
		w.end()
	})
}

// What the server says by itself goes on for hours, over connections that end; nothing is
// heard twice, and nothing is left out.
func TestListeningLastsForHours(t *testing.T) {
	inWorld(t, func(w *world) {
		var connections atomic.Int64
		began := time.Now()
		w.server.on("GET", func(rw http.ResponseWriter, r request) {
			connections.Add(1)
			e := asEvents(rw)
			next := 0
			fmt.Sscan(r.Header.Get("Last-Event-ID"), &next)
			e.send(fmt.Sprintf("id: %d", next), "data:")
			ends := time.Now().Add(29 * time.Second) // the timeout of a load balancer
			for ; ; next++ {
				due := began.Add(time.Duration(next+1) * 10 * time.Second)
				select {
				case <-time.After(time.Until(ends)):
					panic(http.ErrAbortHandler)
				case <-r.Context().Done():
					return
				case <-time.After(time.Until(due)):
				}
				e.send(fmt.Sprintf("id: %d", next+1), fmt.Sprintf(`data: {"method":"notifications/%d"}`, next))
			}
		})
		w.start().begin()
		for i := range 3 * 360 {
			w.want(fmt.Sprintf(`{"method":"notifications/%d"}`, i))
		}
		if n := connections.Load(); n < 300 || n > 400 {
			t.Errorf("%d connections in %s", n, time.Since(began))
		}
		w.end()
	})
}

// A server that only ever says no is left alone; one that is away is asked now and then.
func TestListeningIsNotInsistedOn(t *testing.T) {
	for status, want := range map[int][2]int{405: {1, 1}, 404: {1, 1}, 400: {1, 1}, 406: {1, 1}, 503: {100, 130}, 0: {100, 130}} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.server.on("GET", func(rw http.ResponseWriter, _ request) {
					if status != 0 {
						http.Error(rw, "no", status)
						return
					}
					asEvents(rw) // and that is all
				})
				w.start().begin()
				time.Sleep(time.Hour)
				if n := len(w.server.saw("GET")); n < want[0] || n > want[1] {
					t.Errorf("asked %d times in an hour, want %v", n, want)
				}
				w.say(call(1, "x"))
				w.want(result(1, "tools/call"))
				w.end()
			})
		})
	}
}

// A stream that stays open after its answer, or after a cancellation, does not stay for ever.
func TestAnsweredStreamsEnd(t *testing.T) {
	inWorld(t, func(w *world) {
		var open atomic.Int64
		w.server.on("tools/call", func(rw http.ResponseWriter, r request) {
			open.Add(1)
			defer open.Add(-1)
			e := asEvents(rw)
			if string(r.ID) == "1" {
				e.send("data: " + result(1, "done"))
				e.send(`data: {"method":"notifications/after"}`)
			}
			<-r.Context().Done()
		})
		w.start().begin()
		w.say(call(1, "x"), call(2, "x"), `{"method":"notifications/cancelled","params":{"requestId":2}}`)
		w.want(result(1, "done"), `{"method":"notifications/after"}`)
		time.Sleep(time.Minute)
		if n := open.Load(); n != 0 {
			t.Errorf("%d are open", n)
		}
		w.end()
	})
}

// A session that ended while nothing was asked for is noticed where the server's own
// stream is taken up again.
func TestALostSessionIsNoticedByListening(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("GET", func(rw http.ResponseWriter, r request) {
			switch id := r.Header.Get("Mcp-Session-Id"); {
			case id == "s1" && len(w.server.saw("GET")) > 1:
				http.NotFound(rw, r.Request)
			case id == "s1":
				asEvents(rw).send("id: 1", "data:")
			default:
				asEvents(rw).send(`data: {"method":"notifications/` + id + `"}`)
				<-r.Context().Done()
			}
		})
		w.start().begin()
		w.want(`{"method":"notifications/s2"}`)
		w.end()
	})
}
