package proxy_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// The main job, with everything real: a request without any credential of Google's
// is answered as for the person who is signed in.
func TestEmulator(t *testing.T) {
	e := emulate(t, emulator.Options{})
	w := start(t, signedIn(t, e), proxy.Config{Targets: []string{e.IAPURL()}}, proxy.Options{})
	res, body := w.do(t, get(t, w.URL+"/whoami"))
	if res.StatusCode != http.StatusOK || !strings.Contains(body, email) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	// A refused token is renewed, and a small body sent again.
	e.SetIAPPolicy(func(r emulator.IAPRequest) emulator.IAPDecision {
		if r.Number == 1 {
			return emulator.RefuseAlways(r)
		}
		return r.Decision
	})
	sent := []byte(strings.Repeat("a body to be sent again ", 1000))
	res, body = w.do(t, post(t, w.URL+"/echo", sent))
	if want := fmt.Sprintf("%x", sha256.Sum256(sent)); res.StatusCode != http.StatusOK || !strings.Contains(body, want) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

// raw sends a request as it is written and returns the answer.
func (w *world) raw(t *testing.T, request string) (*http.Response, string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	res, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// Paths and queries go on byte by byte, also those that net/url would write in
// another way or cannot parse, by HTTP/1 and by HTTP/2.
func TestRawPathAndQuery(t *testing.T) {
	says := func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto+" "+r.RequestURI) }
	for proto, w := range map[string]*world{"HTTP/1.1": in(t, says), "HTTP/2.0": inTLS(t, says)} {
		for _, uri := range []string{
			"/", "/?", "/a?b", "/?a;b=c;d", "/?a=%zz&b", "/?q=a+b%20c", "/%2e%2e/x", "/a%2Fb", "/a/../b", "/./", "/a//b", "//host/x", "///x",
			`/a|b"c`, "/a[1]", "/%C3%A9", "/\xc3\xa9", "/a;b=c", "/a:b@c", `/\evil.example/`, "/a%00b", "/~user/", "/*", "/a#b", "/{x}/<y>^`",
		} {
			res, body := w.raw(t, "GET "+uri+" HTTP/1.1\r\nHost: "+strings.TrimPrefix(w.URL, "http://")+"\r\nTokentoss-Secret: "+w.Secret.Reveal()+"\r\nConnection: close\r\n\r\n")
			if res.StatusCode != http.StatusOK || body != proto+" "+uri {
				t.Errorf("%s %q arrived as %q, %d", proto, uri, body, res.StatusCode)
			}
		}
	}
}

// The service sees its own Host, the caller's Authorization and nothing of the
// proxy's; hop-by-hop headers end here.
func TestHeaders(t *testing.T) {
	seen := make(chan *http.Request, 1)
	w := in(t, func(w http.ResponseWriter, r *http.Request) {
		seen <- r
		w.Header().Set("Connection", "X-Hop")
		w.Header().Set("X-Hop", "1")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Tokentoss-Error", "forged")
	})
	r := get(t, w.URL+"/", "Authorization", "Digest the=caller's", "Connection", "X-Mine", "X-Mine", "1", "Te", "trailers", "Cookie",
		"a=1; tokentoss-proxy-1234=x; b=2", "X-Forwarded-For", "192.0.2.1", "Proxy-Authorization", "Basic eDp5", "X-Other", "kept")
	res, _ := w.do(t, r)
	got := <-seen
	host := got.Context().Value(http.LocalAddrContextKey).(net.Addr).String()
	if got.Host != host {
		t.Errorf("Host %q, not %q", got.Host, host)
	}
	want := map[string]string{
		"Authorization": "Digest the=caller's", "Proxy-Authorization": "Bearer token-", "Cookie": "a=1; b=2", "X-Mine": "",
		"X-Forwarded-For": "", "Tokentoss-Secret": "", "X-Other": "kept", "X-Requested-With": "",
	}
	for name, value := range want {
		if v := got.Header.Get(name); v != value {
			t.Errorf("%s: %q, not %q", name, v, value)
		}
	}
	if res.Header.Get("X-Hop") != "" || res.Header.Get("Access-Control-Allow-Origin") != "" || res.Header.Get("Tokentoss-Error") != "" {
		t.Errorf("the answer has %v", res.Header)
	}
}

// Whatever shows the secret does not go on, while what is the caller's does.
func TestSecretIsNotForwarded(t *testing.T) {
	seen := make(chan *http.Request, 1)
	w := in(t, func(_ http.ResponseWriter, r *http.Request) { seen <- r })
	secret := w.Secret.Reveal()
	basic := func(user, password string) string {
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	}
	for _, c := range []struct {
		path    string
		headers []string
	}{
		{"/", []string{"Authorization", basic("tokentoss", secret)}},
		{"/", []string{"Authorization", basic("somebody", secret)}},
		{"/", []string{"Proxy-Authorization", basic("tokentoss", secret)}},
		{"/", []string{"Tokentoss-Secret", secret}},
		{"/~" + secret + "/", nil},
		{"/~" + secret, nil},
		{"/~" + secret + "/", []string{"Referer", w.URL + "/~" + secret + "/page?q=1"}},
		{"/", []string{"Tokentoss-Secret", secret, "Referer", w.URL + "/~" + secret + "/page"}},
	} {
		r := get(t, w.URL+c.path, c.headers...)
		res, err := w.client.Transport.(showing).base.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s %v: %d", c.path, c.headers, res.StatusCode)
			continue
		}
		got := <-seen
		var all bytes.Buffer
		_ = got.Header.Write(&all)
		if text := got.RequestURI + all.String(); strings.Contains(text, secret) || strings.Contains(text, basic("tokentoss", secret)) {
			t.Errorf("%s %v: the service saw %s", c.path, c.headers, text)
		}
		if c.path != "/" && res.Header.Get("Referrer-Policy") != "same-origin" {
			t.Errorf("%s: pages may tell other sites the secret: %v", c.path, res.Header)
		}
		if got.RequestURI != "/" || got.Header.Get("Authorization") != "Bearer token-" {
			t.Errorf("%s %v: %s with %v", c.path, c.headers, got.RequestURI, got.Header)
		}
	}
}

// Bodies are equal by their sums, both ways, and flow before they are complete.
func TestLargeBodies(t *testing.T) {
	const size = 64 << 20
	w := in(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	})
	for _, known := range []bool{true, false} {
		sent, got := sha256.New(), sha256.New()
		r := get(t, w.URL+"/")
		r.Method = http.MethodPost
		r.Body = io.NopCloser(io.TeeReader(io.LimitReader(&noise{}, size), sent))
		if known {
			r.ContentLength = size
		}
		res, err := w.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(got, res.Body)
		res.Body.Close()
		if err != nil || n != size || !bytes.Equal(sent.Sum(nil), got.Sum(nil)) {
			t.Errorf("length known: %t: %d bytes, %v", known, n, err)
		}
	}
}

// noise is a cheap stream without a short period.
type noise struct{ x uint64 }

func (n *noise) Read(p []byte) (int, error) {
	var word [8]byte
	for at := 0; at < len(p); at += len(word) {
		n.x = n.x*6364136223846793005 + 1442695040888963407
		binary.LittleEndian.PutUint64(word[:], n.x)
		copy(p[at:], word[:])
	}
	return len(p), nil
}

// Each piece of a stream is here before the service makes the next: events, and
// pieces of an answer that has a length.
func TestStreamsArriveInTime(t *testing.T) {
	for _, length := range []string{"", "30"} {
		next := make(chan struct{})
		w := in(t, func(w http.ResponseWriter, r *http.Request) {
			if w.Header().Set("Content-Type", "text/event-stream"); length != "" {
				w.Header().Set("Content-Type", "text/plain")
				w.Header().Set("Content-Length", length)
			}
			for i := range 3 {
				fmt.Fprintf(w, "data: %02d\n\n", i)
				w.(http.Flusher).Flush()
				select {
				case <-next:
				case <-r.Context().Done():
					return
				}
			}
		})
		res, err := w.client.Do(get(t, w.URL+"/"))
		if err != nil {
			t.Fatal(err)
		}
		event := make([]byte, 10)
		for i := range 3 {
			if _, err := io.ReadFull(res.Body, event); err != nil || string(event) != fmt.Sprintf("data: %02d\n\n", i) {
				t.Fatalf("length %q, event %d: %q %v", length, i, event, err)
			}
			next <- struct{}{}
		}
		res.Body.Close()
	}
}

// Trailers pass in both directions.
func TestTrailers(t *testing.T) {
	w := in(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
		w.(http.Flusher).Flush() // or there would be a length, and no trailers
		w.Header().Set(http.TrailerPrefix+"X-Sum", r.Trailer.Get("X-Sum"))
	})
	r := post(t, w.URL+"/", []byte("body"))
	r.ContentLength = -1
	r.Trailer = http.Header{"X-Sum": {"42"}}
	res, body := w.do(t, r)
	if body != "body" || res.Trailer.Get("X-Sum") != "42" {
		t.Errorf("%q with trailers %v", body, res.Trailer)
	}
}

// A client that waits for 100 Continue sends its body when the service wants it,
// and not when it does not. Other informational answers pass, too.
func TestInformational(t *testing.T) {
	w := in(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusExpectationFailed)
			return
		}
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.Copy(w, r.Body)
	})
	for _, path := range []string{"/yes", "/no"} {
		var asked atomic.Bool
		var hint atomic.Value
		sent := &counting{Reader: strings.NewReader("body")}
		r := get(t, w.URL+path, "Expect", "100-continue")
		r.Method, r.Body, r.ContentLength = http.MethodPut, io.NopCloser(sent), 4
		r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
			Got100Continue: func() { asked.Store(true) },
			Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
				if code == http.StatusEarlyHints {
					hint.Store(h.Get("Link"))
				}
				return nil
			},
		}))
		base := w.client.Transport.(showing).base.Clone()
		base.ExpectContinueTimeout = patience
		res, err := showing{w.Secret.Reveal(), base}.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		base.CloseIdleConnections()
		if yes := path == "/yes"; asked.Load() != yes || (sent.n.Load() > 0) != yes || yes && (string(body) != "body" || hint.Load() != "</style.css>; rel=preload") {
			t.Errorf("%s: %d %q, asked %t, sent %d, hint %v", path, res.StatusCode, body, asked.Load(), sent.n.Load(), hint.Load())
		}
	}
}

// By HTTP/2 a client that waits for 100 Continue gets it whatever else the service says
// before, which is left out.
func TestContinueByHTTP2IsNotLost(t *testing.T) {
	w := in(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		_, _ = io.Copy(w, r.Body)
	})
	base := &http.Transport{ExpectContinueTimeout: 2 * patience, Protocols: new(http.Protocols)}
	base.Protocols.SetUnencryptedHTTP2(true)
	defer base.CloseIdleConnections()
	for range 20 {
		var informed []int
		r := get(t, w.URL+"/", "Expect", "100-continue")
		r.Method, r.Body, r.ContentLength = http.MethodPut, io.NopCloser(strings.NewReader("body")), 4
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
			Got1xxResponse: func(code int, _ textproto.MIMEHeader) error { informed = append(informed, code); return nil },
		}))
		res, err := showing{w.Secret.Reveal(), base}.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		cancel()
		if res.ProtoMajor != 2 || string(body) != "body" || !slices.Equal(informed, []int{http.StatusContinue}) {
			t.Fatalf("%s %s %q, informed %v", res.Proto, res.Status, body, informed)
		}
	}
}

type counting struct {
	io.Reader
	n atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// However many requests there are, there is a handshake for a connection and not
// for a request: at most 0.01. HTTP/2 is used where the service has it.
func TestHandshakes(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		var handshakes atomic.Int64
		service := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if got := r.ProtoMajor == 2; got != h2 {
				t.Errorf("HTTP/%d", r.ProtoMajor)
			}
			_, _ = io.WriteString(w, r.Header.Get("Authorization"))
		}))
		service.EnableHTTP2 = h2
		service.StartTLS()
		t.Cleanup(service.Close)
		base := proxy.NewBase()
		base.TLSClientConfig = service.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
		base.TLSClientConfig.VerifyConnection = count(&handshakes)
		w := start(t, &ada{}, proxy.Config{Targets: []string{service.URL}}, proxy.Options{Base: base})
		const clients, each = 16, 600
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				for range each {
					if res, body := w.do(t, get(t, w.URL+"/")); res.StatusCode != http.StatusOK || body != "Bearer token-" {
						t.Errorf("%d %s", res.StatusCode, body)
						return
					}
				}
			})
		}
		all.Wait()
		if n := handshakes.Load(); n > clients*each/100 {
			t.Errorf("HTTP/2 %t: %d handshakes for %d requests", h2, n, clients*each)
		} else {
			t.Logf("HTTP/2 %t: %d handshakes for %d requests", h2, n, clients*each)
		}
	}
}

// However many requests there are, the App is asked once a second at most: it may
// be in another process.
func TestAppIsAskedOnce(t *testing.T) {
	app := &ada{}
	w := start(t, app, proxy.Config{Targets: []string{serve(t, func(http.ResponseWriter, *http.Request) {})}}, proxy.Options{})
	began := now()
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 20 {
				w.do(t, get(t, w.URL+"/"))
			}
		})
	}
	all.Wait()
	if n, most := app.asked.Load(), int64(now().Sub(began).Seconds())+1; n > most {
		t.Errorf("asked %d times, not %d", n, most)
	}
}
