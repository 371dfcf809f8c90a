package iap_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core/iap"
)

// tunnel is a forward proxy that knows CONNECT only.
func tunnel(t *testing.T, seen func(*http.Request)) *url.URL {
	srv, _ := serve(t, "http", func(w http.ResponseWriter, r *http.Request) {
		seen(r)
		if r.Method != http.MethodConnect {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		up, err := net.Dial("tcp", r.Host)
		if err != nil {
			t.Error(err)
			return
		}
		down, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		io.WriteString(down, "HTTP/1.1 200 OK\r\n\r\n")
		var both sync.WaitGroup
		both.Go(func() { io.Copy(up, down); up.Close() })
		both.Go(func() { io.Copy(down, up); down.Close() })
		both.Wait()
	})
	u, _ := url.Parse(srv.URL)
	return u
}

// X5: each event of a stream is there before the next is produced.
func TestEventsArriveInTime(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	srv, _ := serve(t, "https", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 5 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			select {
			case <-next:
			case <-r.Context().Done():
				return
			}
		}
	})
	resp, err := clientFor(t, newSource(), srv.URL).Do(get(t, srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	events := bufio.NewScanner(resp.Body)
	for i := range 5 {
		if !events.Scan() || events.Text() != fmt.Sprintf("data: %d", i) || !events.Scan() {
			t.Fatalf("event %d: %q, %v", i, events.Text(), events.Err())
		}
		next <- struct{}{}
	}
}

// An upgraded connection passes through, and can be written to.
func TestUpgradePassesThrough(t *testing.T) {
	t.Parallel()
	srv, n := serve(t, "http", func(w http.ResponseWriter, r *http.Request) {
		if generation(r.Header.Get("Authorization")) < 2 {
			refuse(w)
			return
		}
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		for {
			line, err := rw.ReadString('\n')
			if err != nil {
				return
			}
			io.WriteString(conn, "echo "+line)
		}
	})
	req := get(t, srv.URL)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "websocket")
	resp, err := clientFor(t, newSource(), srv.URL).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || resp.StatusCode != http.StatusSwitchingProtocols || n.Load() != 2 {
		t.Fatalf("%d with a %T after %d requests", resp.StatusCode, resp.Body, n.Load())
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	for _, line := range []string{"one\n", "two\n"} {
		io.WriteString(conn, line)
		if got, err := r.ReadString('\n'); got != "echo "+line {
			t.Fatalf("got %q, %v", got, err)
		}
	}
}

// Whatever is handed back is the base's own response with its own body.
func TestResponseIsNotWrapped(t *testing.T) {
	t.Parallel()
	for _, want := range []*http.Response{
		answer(200, "x"), answer(200, "x", GeneratedHeader, "true"), answer(101, ""), answer(204, ""), answer(500, "x"),
		answer(401, "the application's own"), answer(403, "the application's own"), answer(429, "x", GeneratedHeader, "true", "Retry-After", "3"),
		answer(302, "", "Location", "/login"), answer(302, "", "Location", "https://accounts.google.com.evil.example/"),
		answer(302, "", "Location", "https://evil.example/accounts.google.com"), answer(302, "", "Location", "%zz"), answer(304, "", GeneratedHeader, "true"),
	} {
		body, calls := want.Body, 0
		src := newSource()
		tr := newTransport(t, src, iap.Options{
			Origins: []string{"https://app.example.com"},
			Base:    base(func(*http.Request) (*http.Response, error) { calls++; return want, nil }),
		})
		got, err := tr.RoundTrip(get(t, "https://app.example.com"))
		if err != nil || got != want || got.Body != body || calls != 1 || src.asked.Load() != 0 {
			t.Errorf("%d %v: %v, %v after %d requests and %d renewals", want.StatusCode, want.Header, got, err, calls, src.asked.Load())
		}
	}
}

// A body larger than any buffer is read as it comes: the server has not written
// the second half when the first arrives.
func TestLargeBodyStreams(t *testing.T) {
	t.Parallel()
	const half = 16 << 20
	rest := make(chan struct{})
	srv, _ := serve(t, "https", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(2*half))
		io.CopyN(w, zeros{}, half)
		select {
		case <-rest:
			io.CopyN(w, zeros{}, half)
		case <-r.Context().Done():
		}
	})
	resp, err := clientFor(t, newSource(), srv.URL).Do(get(t, srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.CopyN(io.Discard, resp.Body, half-(1<<20)); err != nil {
		t.Fatal(err)
	}
	close(rest)
	if n, err := io.Copy(io.Discard, resp.Body); err != nil || n != half+(1<<20) {
		t.Errorf("%d bytes more, %v", n, err)
	}
}
