package emulator_test

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
)

// An upgraded connection goes through IAP, and ends with the emulator.
func TestUpstreamWebSocket(t *testing.T) {
	t.Parallel()
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" || r.Header.Get("X-Goog-Iap-Jwt-Assertion") == "" {
			http.Error(w, "no upgrade", http.StatusBadRequest)
			return
		}
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		rw.Flush()
		_, _ = io.Copy(conn, rw) // echo
	}))
	defer up.Close()
	e := start(t, emulator.Options{Upstream: up.URL})
	conn, err := net.Dial("tcp", e.IAPURL()[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer %s\r\n\r\n",
		signIn(t, e, user).str("id_token"))
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatalf("upgrade: %v, %v", resp, err)
	}
	for _, frame := range []string{"one\n", "two\n"} {
		fmt.Fprint(conn, frame)
		if got, err := r.ReadString('\n'); err != nil || got != frame {
			t.Errorf("echo %q, %v", got, err)
		}
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.ReadByte(); err == nil {
		t.Error("the upgraded connection outlived the emulator")
	}
}

// A stream arrives event by event, a large body unchanged, and the host and query as the client sent them.
func TestUpstreamStreams(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			for range 2 {
				fmt.Fprint(w, "data: x\n\n")
				_ = http.NewResponseController(w).Flush()
				select {
				case <-more:
				case <-r.Context().Done():
				}
			}
			return
		}
		h := sha256.New()
		n, _ := io.Copy(h, r.Body)
		fmt.Fprintf(w, "%s %s %d %x", r.Host, r.URL.RequestURI(), n, h.Sum(nil))
	}))
	defer up.Close()
	e := start(t, emulator.Options{Upstream: up.URL})
	auth := "Bearer " + signIn(t, e, user).str("id_token")

	req := newRequest(t, "GET", e.IAPURL()+"/stream", "").WithContext(shortly(t))
	req.Header.Set("Authorization", auth)
	resp, err := plain().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, len("data: x\n\n"))
	for range 2 { // the second is sent only after the first was read here
		if _, err := io.ReadFull(resp.Body, buf); err != nil {
			t.Fatal(err)
		}
		more <- struct{}{}
	}
	if got := resp.Header.Values("Date"); len(got) != 1 {
		t.Errorf("Date came %d times", len(got))
	}

	body := make([]byte, 4<<20)
	rand.Read(body)
	a := call(t, "POST", e.IAPURL()+"/a%2Fb?x=1;y=%20", string(body), "Authorization", auth)
	host := e.IAPURL()[len("http://"):]
	if want := fmt.Sprintf("%s /a%%2Fb?x=1;y=%%20 %d %x", host, len(body), sha256.Sum256(body)); a.body != want {
		t.Errorf("upstream saw %q, want %q", a.body, want)
	}
}

func TestUpstreamIsDown(t *testing.T) {
	t.Parallel()
	up := httptest.NewServer(http.NotFoundHandler())
	up.Close()
	e := start(t, emulator.Options{Upstream: up.URL})
	a := iapGet(t, e, "/", "Authorization", "Bearer "+signIn(t, e, user).str("id_token"))
	if a.status != 502 || marked(a) {
		t.Errorf("%d, marked %v; want the load balancer's 502", a.status, marked(a))
	}
}
