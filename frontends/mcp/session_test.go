package mcp_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Every request after the first names the session and the version that was agreed on.
func TestRequestsNameTheSession(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("GET", func(rw http.ResponseWriter, r request) {
			asEvents(rw)
			<-r.Context().Done()
		})
		w.server.on("DELETE", func(http.ResponseWriter, request) {})
		w.start().begin()
		w.say(call(1, "x"))
		w.want(result(1, "tools/call"))
		w.end()
		if got, want := w.server.names(), []string{"initialize", "notifications/initialized", "tools/call", "DELETE"}; len(got) != 5 || !slices.Contains(got, "GET") ||
			!slices.Equal(slices.DeleteFunc(got, func(n string) bool { return n == "GET" }), want) {
			t.Errorf("the server got %q", w.server.names())
		}
		for _, r := range w.server.seen {
			id, version, accept := r.Header.Get("Mcp-Session-Id"), r.Header.Get("Mcp-Protocol-Version"), r.Header.Get("Accept")
			wantID, wantVersion := "s1", "2025-11-25"
			if r.Name == "initialize" {
				wantID, wantVersion = "", ""
			}
			if id != wantID || version != wantVersion {
				t.Errorf("%s is of session %q and version %q", r.Name, id, version)
			}
			if r.Method == "POST" && (accept != "application/json, text/event-stream" || r.Header.Get("Content-Type") != "application/json") || r.Method == "GET" && accept != "text/event-stream" {
				t.Errorf("%s accepts %q", r.Name, accept)
			}
		}
	})
}

// The end of the input is not the end of what was asked for.
func TestTheEndComesAfterTheReplies(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("tools/call", func(rw http.ResponseWriter, r request) {
			e := asEvents(rw)
			time.Sleep(time.Minute)
			e.send("data: " + result(string(r.ID), "late"))
		})
		w.server.on("DELETE", func(http.ResponseWriter, request) { time.Sleep(time.Second) })
		w.start().begin()
		w.say(call(1, "x"))
		w.in.Close()
		w.want(result(1, "late"))
		w.end()
		if names := w.server.names(); names[len(names)-1] != "DELETE" {
			t.Errorf("the server got %q", names)
		}
	})
}

// Nothing is waited for when the bridge is told to end, not even a server that hangs.
func TestTheEndComesSoonWhenItIsAskedFor(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("GET", func(rw http.ResponseWriter, r request) { asEvents(rw); <-r.Context().Done() })
		w.server.on("tools/call", func(_ http.ResponseWriter, r request) { <-r.Context().Done() })
		w.server.on("DELETE", func(_ http.ResponseWriter, r request) { <-r.Context().Done() })
		w.start().begin()
		w.say(call(1, "x"))
		began := time.Now()
		w.stop()
		w.end()
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("it took %s", took)
		}
		if len(w.server.saw("DELETE")) != 1 {
			t.Error("the session was not ended")
		}
	})
}

// A session that the server ended is begun anew with what the client said; what was open
// is answered with an error, and nothing is sent twice.
func TestALostSessionIsBegunAnew(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("tools/call", func(rw http.ResponseWriter, r request) {
			switch {
			case strings.Contains(r.body, "hang"):
				asEvents(rw)
				<-r.Context().Done()
			case r.Header.Get("Mcp-Session-Id") == "s1":
				http.Error(rw, "no such session", http.StatusNotFound)
			default:
				asJSON(rw, result(string(r.ID), "done"))
			}
		})
		w.start().begin()
		w.say(call(1, "hang"))
		synctest.Wait()
		w.say(call(2, "x"))
		w.wantError("1", -32603, "session", "not repeated")
		w.wantError("2", -32603, "session", "not repeated")
		w.wantSilence()
		w.say(call(3, "y"))
		w.want(result(3, "done"))
		calls := w.server.saw("tools/call")
		if len(calls) != 3 || calls[2].Header.Get("Mcp-Session-Id") != "s2" {
			t.Errorf("the server got %d calls", len(calls))
		}
		if again := w.server.saw("initialize"); len(again) != 2 || again[1].body != initialize || again[1].Header.Get("Mcp-Session-Id") != "" || again[1].Header.Get("Mcp-Protocol-Version") != "" {
			t.Errorf("initialize: %v", again)
		}
		if again := w.server.saw("notifications/initialized"); len(again) != 2 || again[1].Header.Get("Mcp-Session-Id") != "s2" {
			t.Errorf("initialized: %v", again)
		}
		w.end()
	})
}

// So is one that was lost before the client said that it is initialized.
func TestASessionThatIsLostAtOnceIsBegunAnew(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("notifications/initialized", func(rw http.ResponseWriter, r request) {
			if r.Header.Get("Mcp-Session-Id") == "s1" {
				http.NotFound(rw, r.Request)
				return
			}
			rw.WriteHeader(http.StatusAccepted)
		})
		w.start().begin()
		w.say(call(1, "x"))
		w.want(result(1, "tools/call"))
		if again := w.server.saw("notifications/initialized"); len(again) != 2 || again[1].Header.Get("Mcp-Session-Id") != "s2" {
			t.Errorf("initialized: %v", again)
		}
		w.end()
	})
}

// However many notice it, another session is begun once.
func TestALostSessionIsBegunAnewOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("tools/call", func(rw http.ResponseWriter, r request) {
			time.Sleep(time.Second)
			http.Error(rw, "no such session", http.StatusNotFound)
		})
		w.start().begin()
		for i := range 50 {
			w.say(call(i+1, "x"))
		}
		ids := make(map[string]bool)
		for range 50 {
			ids[strings.SplitN(w.hear(), ",", 3)[1]] = true
		}
		if len(ids) != 50 {
			t.Errorf("%d of 50 were answered", len(ids))
		}
		if n := len(w.server.saw("initialize")); n != 2 {
			t.Errorf("%d times initialized", n)
		}
		w.end()
	})
}

// A server that is away for a while is asked again by what is said next.
func TestALostSessionIsBegunAnewLater(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("tools/call", func(rw http.ResponseWriter, r request) { http.NotFound(rw, r.Request) })
		w.start().begin()
		w.server.on("initialize", func(rw http.ResponseWriter, r request) { http.Error(rw, "starting", http.StatusServiceUnavailable) })
		w.say(call(1, "x"))
		w.wantError("1", -32603, "could not begin another", "503", "starting")
		w.say(call(2, "x"))
		w.wantError("2", -32603, "could not begin another", "503")
		w.server.on("initialize", nil)
		w.server.on("tools/call", nil)
		w.say(call(3, "x"))
		w.want(result(3, "tools/call"))
		w.end()
	})
}

// A notification has arrived before what the client says next: that may depend on it.
func TestNotificationsKeepTheirPlace(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("notifications/initialized", func(rw http.ResponseWriter, _ request) {
			time.Sleep(5 * time.Second)
			rw.WriteHeader(http.StatusAccepted)
		})
		w.start()
		w.say(initialize, initialized)
		for i := range 100 {
			w.say(fmt.Sprintf(`{"method":"n%d"}`, i), fmt.Sprintf(`{"id":%d,"method":"m%d"}`, i+1, i))
		}
		for range 101 {
			w.hear()
		}
		names := w.server.names()
		at := slices.Index(names, "notifications/initialized")
		for i := range 100 {
			n, m := slices.Index(names, fmt.Sprintf("n%d", i)), slices.Index(names, fmt.Sprintf("m%d", i))
			if n < at || m < n {
				t.Errorf("the server got %q", names)
			}
			at = n
		}
		w.end()
	})
}

// One slow answer does not keep others, nor a cancellation, from passing.
func TestRequestsDoNotWaitForEachOther(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("tools/call", func(_ http.ResponseWriter, r request) { <-r.Context().Done() })
		w.start().begin()
		w.say(call(1, "slow"), `{"id":2,"method":"ping"}`)
		w.want(result(2, "ping"))
		w.say(`{"method":"notifications/cancelled","params":{"requestId":1,"reason":"enough"}}`, `{"id":3,"method":"ping"}`)
		w.want(result(3, "ping"))
		if got := w.server.saw("notifications/cancelled"); len(got) != 1 {
			t.Error("the cancellation did not arrive")
		}
		w.end() // though nothing answers the first
	})
}

// An answer that comes before a cancellation does passes; one that never comes is no error.
func TestACancelledRequestHasNoError(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("tools/call", func(rw http.ResponseWriter, r request) {
			e := asEvents(rw)
			e.send("id: 1", "data:")
			time.Sleep(2 * time.Second)
			if string(r.ID) == "1" {
				e.send("data: " + result(1, "all the same"))
			}
		})
		w.start().begin()
		w.say(call(1, "x"), call(2, "x"))
		w.say(`{"method":"notifications/cancelled","params":{"requestId":1}}`, `{"method":"notifications/cancelled","params":{"requestId":2}}`)
		w.want(result(1, "all the same"))
		time.Sleep(time.Hour)
		w.wantSilence()
		if len(w.server.saw("GET")) != 1 {
			t.Error("the stream was taken up again")
		}
		w.end()
	})
}
