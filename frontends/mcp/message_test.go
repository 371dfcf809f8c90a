package mcp_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// What is odd in these is a JSON value that a program which reads and writes it would change.
var odd = []string{
	`{"n":1.0,"big":123456789012345678901234567890,"e":1E+400,"neg":-0.0}`,
	`{"b":1,"a":2,"b":3}`,
	`{"html":"<a href='x'>&amp;</a>","escaped":"\u003c\u00e9é\/\ud83d\ude00","line":"\u2028 "}`,
	`{"deep":[[[[[{"x":[]}]]]]],"empty":"","null":null}`,
}

func TestMessagesPassAsTheyAre(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("odd", func(rw http.ResponseWriter, r request) {
			asJSON(rw, strings.Replace(r.body, `"method":"odd","params"`, `"result"`, 1))
		})
		w.server.on("events", func(rw http.ResponseWriter, r request) {
			asEvents(rw).send("data: " + strings.Replace(r.body, `"method":"events","params"`, `"result"`, 1))
		})
		w.start().begin()
		for i, text := range odd {
			for _, method := range []string{"odd", "events"} {
				said := fmt.Sprintf(`{ "jsonrpc":"2.0", "id":%d, "method":%q,"params":%s}`, i, method, text)
				said = strings.ReplaceAll(said, `"method":"`+method+`","params"`, `"method":"`+method+`","params"`)
				w.say(said)
				w.want(fmt.Sprintf(`{ "jsonrpc":"2.0", "id":%d, "result":%s}`, i, text))
				if got := w.server.saw(method); got[len(got)-1].body != said {
					t.Errorf("the server got %q, want %q", got[len(got)-1].body, said)
				}
			}
		}
		w.end()
	})
}

// Whatever lines a server writes a message in, the client gets one.
func TestAMessageIsOneLine(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("pretty", func(rw http.ResponseWriter, _ request) {
			asJSON(rw, "{\n  \"jsonrpc\": \"2.0\",\r\n  \"id\": 1,\n  \"result\": {\"a\": \"b  c\"}\n}\n")
		})
		w.server.on("pieces", func(rw http.ResponseWriter, _ request) {
			asEvents(rw).send(": a comment", "event: message", `data: {"jsonrpc":"2.0",`, "data:", `data:"id":2,`, `data: "result":{}}`)
		})
		w.start().begin()
		w.say(`{"jsonrpc":"2.0","id":1,"method":"pretty"}`)
		w.want(`{"jsonrpc":"2.0","id":1,"result":{"a":"b  c"}}`)
		w.say(`{"jsonrpc":"2.0","id":2,"method":"pieces"}`)
		w.want(`{"jsonrpc":"2.0","id":2,"result":{}}`)
		w.end()
	})
}

// What is no message is answered, and changes nothing for what follows.
func TestWhatIsNoMessage(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start().begin()
		for line, want := range map[string]struct {
			id   string
			code int
		}{
			"garbage": {"null", -32700}, `{"jsonrpc":"2.0"`: {"null", -32700}, "{}}": {"null", -32700}, "\xff": {"null", -32700}, "{\"a\":\"\xc3\"}": {"null", -32700},
			`{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"ping"}`: {"null", -32700},
			"5": {"null", -32600}, "null": {"null", -32600}, "[]": {"null", -32600}, "[1]": {"null", -32600}, "{}": {"null", -32600}, `"x"`: {"null", -32600},
			`{"jsonrpc":"2.0","id":7}`: {"7", -32600}, `{"jsonrpc":"2.0","id":"a","method":5}`: {`"a"`, -32600}, `{"id":1,"METHOD":"ping"}`: {"1", -32600},
			`{"jsonrpc":"2.0","id":{},"method":"ping"}`: {"null", -32600}, `{"jsonrpc":"2.0","id":true,"method":"ping"}`: {"null", -32600},
		} {
			w.say(line)
			w.wantError(want.id, want.code, "tokentoss: ")
		}
		w.say("", "   ", "\r")
		w.say(`{"jsonrpc":"2.0","id":9,"method":"ping"}` + "\r")
		w.want(result(9, "ping"))
		if got := w.server.saw("POST"); len(got) > 0 || len(w.server.saw("ping")) != 1 {
			t.Errorf("the server got %q", w.server.names())
		}
		w.end()
	})
}

// A byte order mark may begin the input, as PowerShell has it, and nothing else.
func TestAByteOrderMarkBeginsTheInput(t *testing.T) {
	inWorld(t, func(w *world) {
		w.start()
		ping := `{"jsonrpc":"2.0","id":9,"method":"ping"}`
		w.say("\uFEFF" + ping)
		w.want(result(9, "ping"))
		w.say("\uFEFF" + ping)
		w.wantError("null", -32700, "tokentoss: ")
		w.end()
	})
}

// A batch is what old versions of the protocol have. It is one POST, and each of its
// requests is answered.
func TestBatches(t *testing.T) {
	inWorld(t, func(w *world) {
		answers := `[{"jsonrpc":"2.0","id":1,"result":{}}, {"jsonrpc":"2.0","id":"b","error":{"code":1,"message":"no"}}]`
		w.server.on("POST", func(rw http.ResponseWriter, r request) {
			switch {
			case strings.Contains(r.body, "json"):
				asJSON(rw, answers)
			case strings.Contains(r.body, "events"):
				e := asEvents(rw)
				e.send(`data: {"jsonrpc":"2.0","id":"b","result":{}}`)
				e.send(`data: [{"jsonrpc":"2.0","id":1,"result":{}}]`)
			case strings.Contains(r.body, "notes"):
				rw.WriteHeader(http.StatusAccepted)
			default:
				http.Error(rw, "no batches here", http.StatusBadRequest)
			}
		})
		w.start().begin()
		batch := func(method string) string {
			return fmt.Sprintf(`[{"id":1,"method":%q}, {"method":"note"}, {"id":"b","method":"x"}]`, method)
		}
		w.say(batch("jsonrpc"))
		w.want(answers)
		w.say(batch("events"))
		w.want(`{"jsonrpc":"2.0","id":"b","result":{}}`, `[{"jsonrpc":"2.0","id":1,"result":{}}]`)
		w.say(`[{"method":"notes"},{"method":"y"}]`)
		w.say(batch("other"))
		w.wantError(`"b"`, -32603, "no batches here")
		w.wantError("1", -32603, "no batches here")
		if got := w.server.saw("POST"); len(got) != 4 || got[0].body != batch("jsonrpc") {
			t.Errorf("the server got %d batches", len(got))
		}
		w.end()
	})
}

func TestLargeMessagesPass(t *testing.T) {
	inWorld(t, func(w *world) {
		w.server.on("json", func(rw http.ResponseWriter, r request) { asJSON(rw, strings.Replace(r.body, "method", "result", 1)) })
		w.server.on("events", func(rw http.ResponseWriter, r request) {
			asEvents(rw).send("id: 1", "data: "+strings.Replace(r.body, "method", "result", 1))
		})
		w.start().begin()
		text := strings.Repeat("x", 4<<20)
		for _, method := range []string{"json", "events"} {
			said := fmt.Sprintf(`{"id":1,"method":%q,"text":%q}`, method, text)
			w.say(said)
			if got := w.hear(); got != strings.Replace(said, "method", "result", 1) {
				t.Errorf("%s: %d bytes came of %d", method, len(got), len(said))
			}
		}
		w.end()
	})
}
