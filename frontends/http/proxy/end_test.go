package proxy_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// When the run ends, what is about to end may, what streams is cut, and the
// port is free.
func TestEnd(t *testing.T) {
	arrived, release := make(chan string, 2), make(chan struct{})
	w := in(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "begun ")
		w.(http.Flusher).Flush()
		arrived <- r.URL.Path
		if r.URL.Path == "/short" {
			<-release
			return
		}
		<-r.Context().Done()
	})
	results := make(chan string, 2)
	for _, path := range []string{"/short", "/endless"} {
		go func() {
			res, err := w.client.Do(get(t, w.URL+path))
			if err != nil {
				results <- path + " " + err.Error()
				return
			}
			_, err = io.ReadAll(res.Body)
			res.Body.Close()
			results <- fmt.Sprintf("%s cut=%t", path, err != nil)
		}()
	}
	<-arrived
	<-arrived
	ended := make(chan error, 1)
	go func() { ended <- w.stop() }()
	// No new connection is taken, and then the short one ends by itself.
	at := strings.TrimPrefix(w.URL, "http://")
	for {
		c, err := net.Dial("tcp", at)
		if err != nil {
			break
		}
		c.Close()
	}
	close(release)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	got := map[string]bool{<-results: true, <-results: true}
	if !got["/short cut=false"] || !got["/endless cut=true"] {
		t.Error(got)
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// A run that has an end ends, without an error.
func TestFor(t *testing.T) {
	w := start(t, &ada{}, proxy.Config{Targets: []string{"https://app.example.com"}, For: "20ms"}, proxy.Options{})
	select {
	case <-w.ended:
	case <-time.After(patience):
		t.Fatal("it goes on")
	}
	if err := w.stop(); err != nil {
		t.Error(err)
	}
}

// Clients that send nothing, or little at a time, do not keep others waiting.
func TestSlowClients(t *testing.T) {
	w := in(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "served") })
	at := strings.TrimPrefix(w.URL, "http://")
	for i := range 500 {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i%2 == 0 {
			_, _ = io.WriteString(c, "GET / HT")
		}
	}
	if res, body := w.do(t, get(t, w.URL)); res.StatusCode != http.StatusOK || body != "served" {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	// Headers without an end are not taken.
	r := get(t, w.URL)
	r.Header.Set("X-Large", strings.Repeat("x", 1<<20))
	res, err := w.client.Transport.RoundTrip(r)
	if err == nil {
		res.Body.Close()
	}
	if err == nil && res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a megabyte of headers: %d", res.StatusCode)
	}
	// A client that is refused gets no time for its body: the answer is complete,
	// and the connection is closed though the body never comes.
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000000\r\n\r\n", at)
	_ = c.SetReadDeadline(time.Now().Add(2 * patience))
	if answer, err := io.ReadAll(c); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 401") {
		t.Errorf("%q %v", answer, err)
	}
}

// However many connections somebody opens, there are files left for services: the oldest
// that has not shown the secret goes first. Who was there before goes on, and who comes
// with the secret gets in.
func TestManyConnections(t *testing.T) {
	w := in(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "served") })
	w.do(t, get(t, w.URL)) // keeps its connection
	at := strings.TrimPrefix(w.URL, "http://")
	var first net.Conn
	for i := range 1100 {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if i == 0 {
			first = c
		}
		_, _ = io.WriteString(c, "GET / HT")
	}
	_ = first.SetReadDeadline(time.Now().Add(patience / 2)) // before any header is too late
	var timeout net.Error
	if _, err := first.Read(make([]byte, 1)); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("the first one is open: %v", err)
	}
	for _, what := range []string{"the connection of before", "a new one"} {
		if res, body := w.do(t, get(t, w.URL)); res.StatusCode != http.StatusOK || body != "served" {
			t.Errorf("%s: %d %s", what, res.StatusCode, body)
		}
		w.client.Transport.(showing).base.CloseIdleConnections()
	}
}

// A caller that goes away takes its request to the service along.
func TestCallerLeaves(t *testing.T) {
	arrived, left := make(chan struct{}), make(chan struct{})
	w := in(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(left)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	if _, err := w.client.Do(get(t, w.URL).WithContext(ctx)); err == nil {
		t.Error("an answer")
	}
	select {
	case <-left:
	case <-time.After(patience):
		t.Error("the service still answers")
	}
}

// A service that breaks off is seen to have: the answer does not end as if it were
// whole.
func TestServiceBreaksOff(t *testing.T) {
	w := in(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", 100_000))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	res, err := w.client.Do(get(t, w.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); err == nil {
		t.Errorf("%d bytes, whole", n)
	}
	w.screen.find(t, "cut short")
}

// One question to an App that does not answer is given up with the request, and ends
// with the run.
func TestAppHangs(t *testing.T) {
	app := &hanging{asked: make(chan struct{}, 1)}
	w := start(t, app, proxy.Config{Targets: []string{serve(t, func(http.ResponseWriter, *http.Request) {})}}, proxy.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-app.asked; cancel() }()
	if _, err := w.client.Do(get(t, w.URL).WithContext(ctx)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := w.stop(); err != nil {
		t.Error(err)
	}
}

// A hanging App gives no token.
type hanging struct {
	ada
	asked chan struct{}
}

func (h *hanging) IDToken(ctx context.Context) (core.IDToken, error) {
	h.asked <- struct{}{}
	<-ctx.Done()
	return core.IDToken{}, ctx.Err()
}
