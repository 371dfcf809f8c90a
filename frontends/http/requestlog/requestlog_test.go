package requestlog_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/frontends/http/loopback"
	"github.com/tokentoss/tokentoss/frontends/http/requestlog"
)

const secret = "the-secret-of-the-server"

// serve answers requests by a server with a log, and returns the answers and the lines.
func serve(t *testing.T, c requestlog.Config, requests ...*http.Request) (answers []*http.Response, lines []string) {
	t.Helper()
	log, err := requestlog.Open(c, func(line string) { lines = append(lines, line) })
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	h := log.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/fail":
			requestlog.Fail(r, "offline")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/cut":
			panic(http.ErrAbortHandler)
		case "/id":
			_, _ = w.Write([]byte(requestlog.ID(r)))
		}
	}), requestlog.Scope{Paths: []string{"/", "/id", "/fail", "/cut"}, Secrets: []string{secret}})
	for _, r := range requests {
		w := httptest.NewRecorder()
		func() {
			defer func() { _ = recover() }()
			h.ServeHTTP(w, r)
		}()
		answers = append(answers, w.Result())
	}
	return answers, lines
}

func request(method, target string, header ...string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader("a body with "+secret))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

// The line of a request has the ID of its answer: the client's where that is one.
func TestLineAndAnswerHaveOneID(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		sent []string
		kept bool
	}{
		{nil, false}, {[]string{"3f1c-A_b.9"}, true}, {[]string{""}, false}, {[]string{"two words"}, false}, {[]string{"a", "b"}, false}, {[]string{"a\x1b[2J"}, false},
		{[]string{strings.Repeat("a", 128)}, true}, {[]string{strings.Repeat("a", 129)}, false}, {[]string{"ü"}, false}, {[]string{"a\n{}"}, false},
		{[]string{secret}, false}, {[]string{"x-" + strings.ToUpper(secret)}, false}, {[]string{"eyJhbGciOiJSUzI1NiJ9.e30.c2ln"}, false}, {[]string{"ya29.abcdefgh"}, false}, {[]string{"GOCSPX-abcdefgh"}, false},
	} {
		r := request("GET", "/fail")
		r.Header["X-Request-Id"] = tt.sent
		answers, lines := serve(t, requestlog.Config{JSON: true}, r)
		var line struct{ ID, Error, Level string }
		if len(lines) != 1 || json.Unmarshal([]byte(lines[0]), &line) != nil || line.Error != "offline" || line.Level != "ERROR" {
			t.Fatalf("%q: lines %q", tt.sent, lines)
		}
		id := answers[0].Header.Get(loopback.RequestIDHeader)
		if id == "" || id != line.ID || (len(tt.sent) == 1 && id == tt.sent[0]) != tt.kept {
			t.Errorf("%q: the answer's ID is %q, the line's %q", tt.sent, id, line.ID)
		}
	}
}

// Nothing that a client sends is in a line, but what is known: methods, and paths of the server.
func TestLinesHoldNothingOfAClient(t *testing.T) {
	t.Parallel()
	requests := []*http.Request{
		request("GET", "/"+secret), request("GET", "/id/"+secret), request("GET", "/?"+secret+"="+secret), request("POST", "/fail?key="+secret), request(strings.ToUpper(secret), "/"),
		request("GET", "/fail", "Authorization", "Bearer "+secret, "Cookie", secret, "User-Agent", secret, "Referer", "http://"+secret+"/", secret, secret),
		request("GET", "/cut", "X-Request-Id", secret), request("GET", "http://user:"+secret+"@"+secret+"/fail"),
	}
	for _, c := range []requestlog.Config{{Log: requestlog.All, JSON: true}, {Log: requestlog.All}} {
		_, lines := serve(t, c, requests...)
		if len(lines) != len(requests) {
			t.Errorf("%d lines of %d requests", len(lines), len(requests))
		}
		if all := strings.ToLower(strings.Join(lines, "\n")); strings.Contains(all, secret) {
			t.Errorf("a secret is in %s", all)
		}
	}
}

// What is logged is what is configured.
func TestWhatIsLogged(t *testing.T) {
	t.Parallel()
	for log, want := range map[string]int{"": 2, requestlog.Errors: 2, requestlog.All: 3, requestlog.None: 0} {
		_, lines := serve(t, requestlog.Config{Log: log}, request("GET", "/id"), request("GET", "/fail"), request("GET", "/cut"))
		if len(lines) != want {
			t.Errorf("%q: %d lines: %q", log, len(lines), lines)
		}
	}
	if _, err := requestlog.Open(requestlog.Config{Log: "some"}, nil); err == nil {
		t.Error("log = some is taken")
	}
	file := filepath.Join(t.TempDir(), "log")
	_, printed := serve(t, requestlog.Config{LogFile: file, JSON: true}, request("GET", "/fail"))
	if data, err := os.ReadFile(file); err != nil || len(printed) > 0 || !json.Valid(data) {
		t.Errorf("the file has %q, %v; the terminal %q", data, err, printed)
	}
}
