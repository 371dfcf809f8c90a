package authcode_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/emulator"
)

// Under 500 idle connections, slow request lines, huge headers and
// 10,000 wrong states the right callback is served at once, the sign-in goes
// on, and memory stays bounded. Not parallel, as it measures.
func TestUnderAttack(t *testing.T) {
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	wrong := 10_000
	if testing.Short() {
		wrong = 500
	}
	for i := range 500 {
		c := dial(t, s.address())
		if i%2 == 0 { // these stay silent; the others are slow
			_, _ = io.WriteString(c, "GET /callback?sta")
		}
	}
	for range 20 {
		c := dial(t, s.address())
		// The answer, or the end of the connection, comes long before all of it.
		_, _ = io.WriteString(c, "GET /callback HTTP/1.1\r\nHost: "+s.address()+"\r\nX-Long: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")
	}
	request := "GET /callback?state=wrong&code=wrong HTTP/1.1\r\nConnection: close\r\nHost: " + s.address() + "\r\n\r\n"
	var workers sync.WaitGroup
	const each = 4
	for range each {
		workers.Go(func() {
			for range wrong / each {
				if got := shoot(s.address(), request); !strings.HasPrefix(got, "HTTP/1.1 400 ") {
					t.Errorf("a wrong state was answered with %.100q", got)
					return
				}
			}
		})
	}
	workers.Wait()
	s.waiting()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if used := m.HeapInuse + m.StackInuse; used > 50<<20 {
		t.Errorf("%d MiB are in use", used>>20)
	}
	redirect := s.agree()
	began := time.Now()
	page := s.follow(redirect)
	s.succeed()
	if took := time.Since(began); took > 3*time.Second || !strings.Contains(page.body, ada) {
		t.Errorf("the right callback took %s: %s", took, page.body)
	}
}

// shoot sends a request and returns all that comes back, or the error.
func shoot(address, request string) string {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err.Error()
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, request); err != nil {
		return err.Error()
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		return err.Error()
	}
	return string(answer)
}

// dial opens a connection that lives as long as the test.
func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Headers larger than 16 KiB are refused, and so are requests that are no
// HTTP; none of them ends the sign-in.
func TestHugeAndBroken(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	get := "GET /callback?state=" + s.state() + "&code=x HTTP/1.1\r\nHost: " + s.address() + "\r\n"
	for request, want := range map[string]int{
		get + "X-Long: " + strings.Repeat("x", 24<<10) + "\r\n\r\n":                      431,
		"GET /callback?" + strings.Repeat("x", 24<<10) + " HTTP/1.1\r\n\r\n":             431,
		get + "no colon here\r\n\r\n":                                                    400,
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n":                           400,
		"GET /callback?state=%zz&code=%zz HTTP/1.1\r\nHost: " + s.address() + "\r\n\r\n": 400,
	} {
		s.refused(raw(t, s.address(), request), want)
	}
	s.finish()
}

// A client that sends its request too slowly loses its connection.
func TestSlowClientIsDropped(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a timeout of 5 seconds")
	}
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	c := dial(t, s.address())
	_, _ = io.WriteString(c, "GET /callback?state="+s.state())
	_ = c.SetReadDeadline(time.Now().Add(patience))
	if _, err := io.ReadAll(c); err != nil {
		t.Errorf("after %s: %v", patience, err)
	}
	s.finish()
}

// What browsers do besides the redirect changes nothing: one exchange, and
// both tabs get a page.
func TestBrowserHabits(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	dial(t, s.address()) // a preconnect that is never used
	icon := func() {
		if a := get(t, s.at("/favicon.ico")); a.status != 404 {
			t.Errorf("favicon: %d", a.status)
		}
	}
	icon()
	first, second := s.agree(), s.agree() // the person clicked in two tabs
	s.refused(get(t, first, method("HEAD")), 405)
	s.refused(get(t, first, method("OPTIONS")), 405)

	release := holdTokens(t, s.google)
	if a := get(t, first); a.status != http.StatusSeeOther {
		t.Fatalf("answered %d", a.status)
	}
	icon()
	if a := get(t, second); a.status != 409 || !strings.Contains(a.body, "close this window") {
		t.Errorf("the second tab got %d: %s", a.status, a.body)
	}
	if a := get(t, first); a.status != 409 { // reload, or back
		t.Errorf("reload: %d", a.status)
	}
	tabs := make(chan answer, 4)
	for range cap(tabs) {
		go func() { a, _ := fetch(s.at("/done")); tabs <- a }()
	}
	for range cap(tabs) / 2 { // they wait for the outcome, all of them
		select {
		case a := <-tabs:
			t.Fatalf("a tab got %d before there was an outcome", a.status)
		case <-time.After(20 * time.Millisecond):
		}
	}
	release()
	for range cap(tabs) {
		if a := <-tabs; a.status != 200 || !strings.Contains(a.body, ada) {
			t.Errorf("a tab got %d: %s", a.status, a.body)
		}
	}
	s.succeed()
}

// A browser that keeps its connections open gets each answer with the connection
// closed, so that it cannot hold the port.
func TestConnectionsAreNotKept(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	c := dial(t, s.address())
	_, _ = fmt.Fprintf(c, "GET /favicon.ico HTTP/1.1\r\nHost: %s\r\nConnection: keep-alive\r\n\r\n", s.address())
	_ = c.SetReadDeadline(time.Now().Add(patience))
	all, err := io.ReadAll(c) // ends with the connection
	if err != nil || !strings.Contains(string(all), "Connection: close") {
		t.Errorf("got %q, %v", all, err)
	}
	s.finish()
}

// A slow provider does not cost the person the last page: it waits for the
// outcome however long that takes.
func TestSlowExchangeStillShowsThePage(t *testing.T) {
	if testing.Short() {
		t.Skip("takes longer than the server's read timeout of 5 seconds")
	}
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	s.google.SetFault(emulator.Token, &emulator.Fault{Delay: 6 * time.Second, Times: 1})
	if page := s.follow(s.agree()); page.status != 200 || !strings.Contains(page.body, ada) {
		t.Errorf("answered %d: %q", page.status, page.body)
	}
	s.succeed()
}
