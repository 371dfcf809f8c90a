package forwardproxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/iap"
)

// to leads all connections to an address.
func to(address string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
}

// Requests to a target have the token, by either version of HTTP, and are what they were.
func TestATargetGetsTheToken(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) { fmt.Fprint(rw, r.RequestURI) })
		client := w.client(t, h2)
		for _, path := range []string{"/", "/a%2Fb//c?x=1&y=%zz;", "//x", "/%e4?"} {
			res, body := get(t, client, "https://"+host+path)
			wantStatus(t, res, http.StatusOK)
			if body != path || res.Header.Get("X-Seen-Proto") != res.Proto || (res.ProtoMajor == 2) != h2 {
				t.Errorf("%s became %s, by %s and %s", path, body, res.Proto, res.Header.Get("X-Seen-Proto"))
			}
		}
		if got := strings.Join(w.target.tokens(), ","); got != strings.TrimSuffix(strings.Repeat("Bearer t1,", 4), ",") {
			t.Errorf("tokens: %s", got)
		}
		if h := w.target.requests[0].Header; h.Get("X-Forwarded-For") != "" || h.Get("Proxy-Authorization") != "" || h.Get("Via") != "" {
			t.Errorf("the target got %v", h)
		}
	}
}

// A request's own Authorization stays; the token goes where IAP looks first.
func TestOwnAuthorizationStays(t *testing.T) {
	w := newWorld(t, nil)
	req, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+host, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer own")
	req.Header.Set("X-Forwarded-For", "192.0.2.1")
	res, _ := do(t, w.client(t, true), req)
	wantStatus(t, res, http.StatusOK)
	if got := w.target.tokens(); len(got) != 2 || got[0] != "Bearer own" || got[1] != "Bearer t1" {
		t.Errorf("the target got %q", got)
	}
	if got := w.target.requests[0].Header.Get("X-Forwarded-For"); got != "192.0.2.1" {
		t.Errorf("X-Forwarded-For is %q", got)
	}
}

// All else is tunnelled as it is, and verified by the program.
func TestAllElseIsTunnelledUnopened(t *testing.T) {
	other := newService(t, true, nil)
	w := newWorld(t, nil)
	res, _ := get(t, w.client(t, true, other), other.URL)
	wantStatus(t, res, http.StatusOK)
	if !res.TLS.PeerCertificates[0].Equal(other.Certificate()) {
		t.Error("the connection was opened")
	}
	other.wantNoToken(t)
	if _, err := w.client(t, true).Get(other.URL); err == nil {
		t.Error("the run's authority vouched for another service")
	}
	// Another run asks for a tunnel to a target, where its own token is enough.
	w.targets[other.address()] = &target{}
	c, res := w.dial(t, other.address(), w.credential(), unopened+": 1")
	wantStatus(t, res, http.StatusOK)
	if tc, err := w.secure(c, "127.0.0.1", other); err != nil || !tc.ConnectionState().PeerCertificates[0].Equal(other.Certificate()) {
		t.Errorf("a tunnel to a target was opened: %v", err)
	}
}

// What cannot be reached is said in the answer to CONNECT.
func TestATunnelThatFailsSaysWhy(t *testing.T) {
	w := newWorld(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	l.Close()
	for authority, want := range map[string]string{gone: "refused", "example.com": "HOST:PORT", ":443": "HOST:PORT"} {
		_, res := w.dial(t, authority, w.credential())
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode < 400 || !strings.Contains(string(body), want) {
			t.Errorf("%s: %s, %s", authority, res.Status, body)
		}
	}
}

// IAP's refusal of a token is mended once, with small bodies, too.
func TestARefusedTokenIsRenewed(t *testing.T) {
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer t1" {
			rw.Header().Set(iap.GeneratedHeader, "true")
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.Copy(rw, r.Body)
	})
	res, err := w.client(t, true).Post("https://"+host, "text/plain", strings.NewReader("once"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, _ := io.ReadAll(res.Body); res.StatusCode != 200 || string(body) != "once" {
		t.Errorf("%s: %s", res.Status, body)
	}
}

// The end of a session is a status that nobody tries again, with the reason, and the person
// is told once until it goes on.
func TestTheEndOfASessionIsToldOnce(t *testing.T) {
	w := newWorld(t, nil)
	client := w.client(t, true)
	for range 2 {
		w.source.fail(&fault.Error{Kind: fault.SignInNeeded, Err: errEnded})
		for range 3 {
			res, body := get(t, client, "https://"+host)
			if res.StatusCode != http.StatusForbidden || !strings.Contains(body, errEnded.Error()) || !strings.Contains(body, "tokentoss login") {
				t.Fatalf("%s: %s", res.Status, body)
			}
		}
		w.source.fail(nil)
		res, _ := get(t, client, "https://"+host)
		wantStatus(t, res, http.StatusOK)
	}
	if told := w.told(); len(told) != 2 || !errors.Is(told[0].Err, fault.SignInNeeded) || told[0].Origin != "https://"+host {
		t.Errorf("the person was told %v", told)
	}
}

// Who has no access learns it: the program from each answer, the person once.
func TestARefusalOfIAPReachesTheProgram(t *testing.T) {
	var logged bytes.Buffer
	w := newWorld(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set(iap.GeneratedHeader, "true")
		rw.WriteHeader(http.StatusForbidden)
	}, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	client := w.client(t, true)
	for range 3 {
		res, body := get(t, client, "https://"+host)
		if res.StatusCode != http.StatusForbidden || !strings.Contains(body, "ada@example.com has no access") {
			t.Errorf("%s: %s", res.Status, body)
		}
	}
	if told := w.told(); len(told) != 1 || logged.Len() > 0 {
		t.Errorf("the person was told %v, and %s", told, &logged)
	}
}

// A service with a bad certificate gets nothing, and the program learns why.
func TestAServiceWithABadCertificateIsRefused(t *testing.T) {
	w := newWorld(t, nil, func(o *Options) { o.Base.TLSClientConfig = &tls.Config{} })
	res, body := get(t, w.client(t, true), "https://"+host)
	if res.StatusCode != http.StatusBadGateway || !strings.Contains(body, "certificate") || !strings.Contains(body, "nothing was sent") {
		t.Errorf("%s: %s", res.Status, body)
	}
	if len(w.target.requests) > 0 || len(w.told()) != 1 {
		t.Errorf("%d requests came through, and %d reasons were told", len(w.target.requests), len(w.told()))
	}
}

// An upgraded connection passes both ways.
func TestUpgradesPass(t *testing.T) {
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		conn, buf, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			rw.WriteHeader(http.StatusHTTPVersionNotSupported)
			return
		}
		defer conn.Close()
		fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", r.Header.Get("Upgrade"))
		_, _ = io.Copy(conn, buf)
	})
	c, _ := w.dial(t, host+":443", w.credential())
	tc, err := w.secure(c, host, w.target)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(tc, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", host)
	r := bufio.NewReader(tc)
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantStatus(t, res, http.StatusSwitchingProtocols)
	for range 3 {
		fmt.Fprint(tc, "ping")
		got := make([]byte, 4)
		if _, err := io.ReadFull(r, got); err != nil || string(got) != "ping" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if got := w.target.tokens(); got[0] != "Bearer t1" {
		t.Errorf("the target got %q", got)
	}
}

// Events pass when they come, trailers after them, and informational answers before.
func TestStreamsTrailersAndInformationalAnswersPass(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		next := make(chan struct{})
		w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
			rw.Header().Set("Link", "</style>; rel=preload")
			rw.WriteHeader(http.StatusEarlyHints)
			body, _ := io.ReadAll(r.Body)
			rw.Header().Set("Content-Type", "application/grpc")
			for range 3 {
				fmt.Fprintf(rw, "%s\n", body)
				rw.(http.Flusher).Flush()
				<-next
			}
			rw.Header().Set(http.TrailerPrefix+"Grpc-Status", r.Trailer.Get("X-Sum"))
		})
		req, err := http.NewRequestWithContext(t.Context(), "POST", "https://"+host, io.NopCloser(strings.NewReader("event")))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Expect", "100-continue")
		req.Header.Set("Te", "trailers")
		req.Trailer = http.Header{"X-Sum": {"5"}}
		res, err := w.client(t, h2).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(res.Body)
		for range 3 {
			line, err := r.ReadString('\n')
			if err != nil || line != "event\n" {
				t.Fatalf("%q, %v", line, err)
			}
			next <- struct{}{} // which the service waits for: the line came before
		}
		_, _ = io.Copy(io.Discard, r)
		res.Body.Close()
		if got := res.Trailer.Get("Grpc-Status"); got != "5" {
			t.Errorf("trailers: %v", res.Trailer)
		}
	}
}

// Large bodies are streamed, both ways at once.
func TestLargeBodiesAreStreamed(t *testing.T) {
	const size = 20 << 20
	for _, h2 := range []bool{false, true} {
		w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(rw).EnableFullDuplex()
			_, _ = io.Copy(rw, r.Body)
		})
		res, err := w.client(t, h2).Post("https://"+host, "application/octet-stream", bytes.NewReader(make([]byte, size)))
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if n != size || err != nil {
			t.Errorf("%d bytes came back: %v", n, err)
		}
	}
}
