package mcp_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// modern is a request of version 2026-07-28.
func modern(id int, method, params string) string {
	return fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":%q,"params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}%s}}`, id, method, params)
}

// Since version 2026-07-28 headers repeat what a request says, and there is no session.
func TestModernRequestsHaveTheirHeaders(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("tools/list", func(rw http.ResponseWriter, _ request) {
			asJSON(rw, `{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"sql","inputSchema":{"properties":{
				"region":{"type":"string","x-mcp-header":"Region"},"q":{"type":"string"},
				"at":{"properties":{"n":{"x-mcp-header":"N"},"ok":{"x-mcp-header":"Ok"},"none":{"x-mcp-header":"None"},"null":{"x-mcp-header":"Null"},"bad":{"x-mcp-header":"a b"}}}}}}]}}`)
		})
		w.start()
		w.say(modern(1, "tools/list", ""))
		w.hear()
		for _, c := range []struct{ method, params, name, region, n, ok string }{
			{"tools/call", `,"name":"sql","arguments":{"region":"us-west1","q":"x","at":{"n":42,"ok":true,"null":null,"bad":"x"}}`, "sql", "us-west1", "42", "true"},
			{"tools/call", `,"name":"sql","arguments":{"region":"Hello, 世界"}`, "sql", "=?base64?SGVsbG8sIOS4lueVjA==?=", "", ""},
			{"tools/call", `,"name":"sql","arguments":{"region":" padded "}`, "sql", "=?base64?IHBhZGRlZCA=?=", "", ""},
			{"tools/call", `,"name":"sql","arguments":{"region":"line1\nline2"}`, "sql", "=?base64?bGluZTEKbGluZTI=?=", "", ""},
			{"tools/call", `,"name":"sql","arguments":{"region":"=?base64?literal?="}`, "sql", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=", "", ""},
			{"tools/call", `,"name":"näme","arguments":[]`, "=?base64?bsOkbWU=?=", "", "", ""},
			{"resources/read", `,"uri":"file:///a b"`, "file:///a b", "", "", ""},
			{"prompts/get", `,"name":"p"`, "p", "", "", ""},
			{"server/discover", `,"name":"not a name"`, "", "", "", ""},
		} {
			w.say(modern(2, c.method, c.params))
			w.want(result(2, c.method))
			all := w.server.saw(c.method)
			h := all[len(all)-1].Header
			for name, want := range map[string]string{
				"Mcp-Protocol-Version": "2026-07-28", "Mcp-Method": c.method, "Mcp-Name": c.name, "Mcp-Session-Id": "",
				"Mcp-Param-Region": c.region, "Mcp-Param-N": c.n, "Mcp-Param-Ok": c.ok, "Mcp-Param-None": "", "Mcp-Param-Null": "",
			} {
				if got := h.Get(name); got != want {
					t.Errorf("%s %s: %s is %q, want %q", c.method, c.params, name, got, want)
				}
			}
		}
		w.end()
		if got := w.server.names(); got[len(got)-1] != "server/discover" {
			t.Errorf("the server got %q", got)
		}
	})
}

// There, the end of the exchange is the cancellation, and streams are not taken up again.
func TestModernRequestsAreCancelledByTheirEnd(t *testing.T) {
	inWorld(t, func(w *world) {
		gone := make(chan bool, 1)
		w.server.on("tools/call", func(rw http.ResponseWriter, r request) {
			e := asEvents(rw)
			e.send("id: 1", "data:")
			if string(r.ID) == "1" {
				<-r.Context().Done()
				gone <- true
			}
		})
		w.start()
		w.say(modern(1, "tools/call", `,"name":"x"`))
		synctest.Wait()
		w.say(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}`)
		<-gone
		w.say(modern(2, "tools/call", `,"name":"x"`))
		w.wantError("2", -32603, "ended before the answer")
		time.Sleep(time.Hour)
		w.wantSilence()
		w.end()
		if n := len(w.server.saw("notifications/cancelled")) + len(w.server.saw("GET")); n != 0 {
			t.Errorf("%d requests too many", n)
		}
	})
}

// A client that tries the newest version first learns that a server has only older ones,
// and goes on with those.
func TestModernClientsFallBack(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("server/discover", func(rw http.ResponseWriter, _ request) {
			http.Error(rw, "Bad Request: no session", http.StatusBadRequest)
		})
		w.start()
		w.say(modern(1, "server/discover", ""))
		w.wantError("1", -32603, "400 Bad Request")
		w.begin()
		w.end()
	})
	t.Run("older", func(t *testing.T) {
		inWorld(t, func(w *world) {
			newOlder(w)
			w.server.on("server/discover", func(rw http.ResponseWriter, _ request) { rw.WriteHeader(http.StatusMethodNotAllowed) })
			w.start()
			w.say(modern(1, "server/discover", ""))
			w.wantError("1", -32603, "405")
			w.beginOlder()
			w.say(modern(2, "server/discover", ""))
			w.wantError("2", -32601, "2024-11-05")
			w.end()
		})
	})
}
