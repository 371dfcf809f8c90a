package loopback_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core/peercred"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
)

// patience bounds what is meant to happen soon.
const patience = 10 * time.Second

// serve runs a server until t ends.
func serve(t *testing.T, o loopback.Options, h http.HandlerFunc) (*loopback.Server, string) {
	t.Helper()
	ls := listen(t, loopback.Address{Text: "127.0.0.1:0"})
	s := loopback.NewServer(t.Context(), o)
	s.Serve(ls, h)
	t.Cleanup(func() { s.Stop(0) })
	return s, ls.Hosts()[0]
}

// A client is a connection.
type client struct {
	net.Conn
	*bufio.Reader
}

func dial(t *testing.T, address string) client {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	return client{c, bufio.NewReader(c)}
}

// ask makes a request and returns the body of the answer, or why there is none.
func (c client) ask(path string) string {
	if _, err := io.WriteString(c.Conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return err.Error()
	}
	res, err := http.ReadResponse(c.Reader, nil)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return string(body)
}

// Where there are too many connections, the oldest one that is not known goes. Who is
// known stays, however old, and if all are, the newest goes.
func TestTooManyConnections(t *testing.T) {
	_, at := serve(t, loopback.Options{MaxConnections: 4}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/known" {
			loopback.Know(r)
		}
		fmt.Fprint(w, "served")
	})
	known := dial(t, at)
	known.ask("/known")
	var strangers []client
	for i := range 10 { // 1. Strangers come, and hold what they can.
		strangers = append(strangers, dial(t, at))
		strangers[i].ask("/")
	}
	for i, c := range strangers { // 2. The last three of them are left.
		if got := c.ask("/"); (got == "served") != (i >= 7) {
			t.Errorf("stranger %d: %s", i, got)
		}
	}
	for i := range 3 { // 3. Those who are known take their places.
		if got := dial(t, at).ask("/known"); got != "served" {
			t.Errorf("known %d: %s", i, got)
		}
	}
	if got := dial(t, at).ask("/known"); got == "served" { // 4. There are no more.
		t.Error("a fifth connection is served")
	}
	if got := known.ask("/known"); got != "served" {
		t.Error("the first one:", got)
	}
}

// Stop lets answers end, and ends what a handler took over.
func TestStop(t *testing.T) {
	arrived, release, ended := make(chan string, 3), make(chan struct{}), make(chan string, 3)
	s, at := serve(t, loopback.Options{}, func(w http.ResponseWriter, r *http.Request) {
		defer func() { ended <- r.URL.Path }()
		switch r.URL.Path {
		case "/short":
			arrived <- ""
			<-release
			fmt.Fprint(w, "whole")
		case "/taken":
			c, _, err := http.NewResponseController(w).Hijack()
			arrived <- ""
			if err == nil {
				<-r.Context().Done()
				c.Close()
			}
		}
	})
	dial(t, at) // idle, as browsers keep one ready
	short, taken := dial(t, at), dial(t, at)
	answer := make(chan string, 1)
	go func() { answer <- short.ask("/short") }()
	go taken.ask("/taken")
	<-arrived
	<-arrived
	time.AfterFunc(10*time.Millisecond, func() { close(release) })
	s.Stop(patience)
	if got := <-answer; got != "whole" {
		t.Error(got)
	}
	if n := len(ended); n != 2 {
		t.Errorf("%d of 2 handlers have ended", n)
	}
	if l, err := net.Listen("tcp", at); err != nil {
		t.Error("the address is taken: ", err)
	} else {
		l.Close()
	}
}

// The connections of one's own are served, at once however many come together, and one
// that is gone before it was looked at is nobody's.
func TestOwnerOnly(t *testing.T) {
	if !peercred.Supported() {
		t.Skip(peercred.ErrUnsupported)
	}
	var served atomic.Int64
	s, at := serve(t, loopback.Options{OwnerOnly: true}, func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		fmt.Fprint(w, "served")
	})
	results := make(chan string)
	for range 64 {
		c := dial(t, at)
		go func() { results <- c.ask("/") }()
	}
	for range 64 {
		if got := <-results; got != "served" {
			t.Error(got)
		}
	}
	for range 64 { // and 64 that send a request and do not wait
		c := dial(t, at)
		_, _ = io.WriteString(c.Conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		_ = c.Conn.(*net.TCPConn).SetLinger(0)
		_ = c.Close()
	}
	s.Stop(patience)
}

func TestGate(t *testing.T) {
	g := &loopback.Gate{
		Hosts:  []string{"127.0.0.1:1", "localhost:1"},
		Follow: func(r *http.Request) bool { return r.URL.Path == "/" },
		Shows:  func(r *http.Request) bool { return r.Header.Get("Secret") != "" },
	}
	for _, d := range []struct {
		host, path string
		headers    string
		want       int
	}{
		{"127.0.0.1:1", "/", "", 0}, {"LocalHost:1", "/", "", 0}, {"127.0.0.1", "/", "", 421}, {"127.0.0.1:2", "/", "", 421}, {"[::1]:1", "/", "", 421}, {"", "/", "", 421},
		{"evil.localhost:1", "/", "", 421}, {"127.0.0.1:1", "http://evil.example/", "", 421}, {"127.0.0.1:1", "http://localhost:1/", "", 0},
		{"127.0.0.1:1", "/", "Origin: http://127.0.0.1:1", 0}, {"127.0.0.1:1", "/", "Origin: http://localhost:1", 403}, {"127.0.0.1:1", "/", "Origin: http://127.0.0.1:2", 403},
		{"127.0.0.1:1", "/", "Origin: null", 403}, {"127.0.0.1:1", "/", "Origin: http://127.0.0.1:2\nSecret: x", 0}, {"127.0.0.1:1", "/", "Origin: http://evil.example\nSecret: x", 403},
		{"127.0.0.1:1", "/", "Origin: null\nSecret: x", 403}, {"127.0.0.1:1", "/", "Origin: http://localhost:2@evil.example\nSecret: x", 403},
		{"127.0.0.1:1", "/", "Sec-Fetch-Site: cross-site", 403}, {"127.0.0.1:1", "/", "Sec-Fetch-Site: same-site", 403}, {"127.0.0.1:1", "/", "Sec-Fetch-Site: none", 0},
		{"127.0.0.1:1", "/", "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document", 0},
		{"127.0.0.1:1", "/x", "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document", 403},
		{"127.0.0.1:1", "/", "Sec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: iframe", 403},
	} {
		r, err := http.NewRequestWithContext(context.Background(), "GET", d.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = d.host
		for line := range strings.SplitSeq(d.headers, "\n") {
			if name, value, ok := strings.Cut(line, ": "); ok {
				r.Header.Add(name, value)
			}
		}
		got := 0
		if no := g.Check(r); no != nil {
			got = no.Status
		}
		if got != d.want {
			t.Errorf("%s%s %q: %d, not %d", d.host, d.path, d.headers, got, d.want)
		}
	}
}
