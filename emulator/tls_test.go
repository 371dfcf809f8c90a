package emulator_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
	"go.uber.org/goleak"
)

// trusting returns a client that trusts e's authority and nothing else, and speaks one protocol.
func trusting(t *testing.T, e *emulator.Emulator, http2 bool) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetHTTP1(!http2)
	protocols.SetHTTP2(http2)
	tr := &http.Transport{TLSClientConfig: trust(t, e), Protocols: protocols}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func trust(t *testing.T, e *emulator.Emulator) *tls.Config {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(e.CA()) {
		t.Fatal("CA returns no certificate")
	}
	return &tls.Config{RootCAs: pool}
}

// signInTLS is signIn with a client that trusts e.
func signInTLS(t *testing.T, e *emulator.Emulator) string {
	t.Helper()
	to, err := e.Authorize(t.Context(), authURL(e, authQuery(e)), user)
	if err != nil {
		t.Fatal(err)
	}
	code := newRequest(t, "GET", to, "").URL.Query().Get("code")
	resp, err := trusting(t, e, false).PostForm(e.GoogleURL()+"/token", codeForm(e, code))
	if err != nil {
		t.Fatal(err)
	}
	a := readAnswer(t, resp)
	if a.str("id_token") == "" {
		t.Fatalf("token endpoint: %d %s", a.status, a.body)
	}
	return a.str("id_token")
}

// With TLS both sides are https, and speak what the client offers.
func TestTLSBothSides(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{TLS: true})
	if !strings.HasPrefix(e.GoogleURL(), "https://") || !strings.HasPrefix(e.IAPURL(), "https://") || !strings.HasPrefix(e.RelayURL(), "wss://") {
		t.Errorf("URLs %s %s %s", e.GoogleURL(), e.IAPURL(), e.RelayURL())
	}
	token := signInTLS(t, e)
	for proto, client := range map[string]*http.Client{"HTTP/1.1": trusting(t, e, false), "HTTP/2.0": trusting(t, e, true)} {
		for _, where := range []string{e.GoogleURL() + "/.well-known/openid-configuration", e.IAPURL() + "/echo"} {
			req := newRequest(t, "GET", where, "")
			req.Header.Set("Authorization", "Bearer "+token)
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if a := readAnswer(t, resp); a.status != 200 || resp.Proto != proto || strings.HasSuffix(where, "/echo") && a.str("protocol") != proto {
				t.Errorf("%s over %s: %d over %s\n%s", where, proto, a.status, resp.Proto, a.body)
			}
		}
	}
}

// The certificate is for loopback, where the emulator listens, and the names that it was told, and for nothing else.
func TestTLSNames(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{TLS: true, TLSNames: []string{"wiki.iap.test", "*.apps.test", "192.0.2.7"}})
	address := e.IAPURL()[len("https://"):]
	for name, good := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "::1": true, "wiki.iap.test": true, "a.apps.test": true, "192.0.2.7": true,
		"iap.test": false, "a.b.apps.test": false, "apps.test": false, "192.0.2.8": false, "accounts.google.com": false,
	} {
		config := trust(t, e)
		config.ServerName = name
		conn, err := tls.Dial("tcp", address, config)
		if err == nil {
			conn.Close()
		}
		if (err == nil) != good {
			t.Errorf("%s: %v", name, err)
		}
	}
	client := trusting(t, e, true)
	client.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, e.GoogleURL()[len("https://"):])
	}
	for host, want := range map[string]int{"wiki.iap.test": 200, "a.apps.test": 200} {
		resp, err := client.Get("https://" + host + "/.well-known/openid-configuration")
		if err != nil {
			t.Fatal(err)
		}
		if a := readAnswer(t, resp); a.status != want {
			t.Errorf("Google's side as %s: %d", host, a.status)
		}
	}
	for name, opts := range map[string]emulator.Options{
		"need TLS":         {TLSNames: []string{"a.test"}},
		"neither a DNS":    {TLS: true, TLSNames: []string{"https://a.test"}},
		`TLS name ""`:      {TLS: true, TLSNames: []string{""}},
		`TLS name "a..b."`: {TLS: true, TLSNames: []string{"a..b."}},
	} {
		if _, err := emulator.Start(t.Context(), opts); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%+v: %v, want %q", opts, err, name)
		}
	}
}

func TestWithoutTLSThereIsNoCA(t *testing.T) {
	t.Parallel()
	if e := start(t, emulator.Options{}); e.CA() != nil {
		t.Error("an emulator without TLS has a CA")
	}
}

// What gRPC needs goes through: HTTP/2 on both legs, both directions at once, and trailers of both kinds.
func TestUpstreamHTTP2(t *testing.T) {
	t.Parallel()
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 || r.Header.Get("Te") != "trailers" {
			http.Error(w, r.Proto, http.StatusHTTPVersionNotSupported)
			return
		}
		w.Header().Set("Trailer", "Grpc-Status")
		for line := bufio.NewScanner(r.Body); line.Scan(); {
			fmt.Fprintln(w, strings.ToUpper(line.Text()))
			_ = http.NewResponseController(w).Flush()
		}
		w.Header().Set("Grpc-Status", "0")
		w.Header().Set(http.TrailerPrefix+"Grpc-Message", "fine")
	}))
	up.Config.Protocols = new(http.Protocols)
	up.Config.Protocols.SetUnencryptedHTTP2(true)
	up.Start()
	defer up.Close()
	e := start(t, emulator.Options{TLS: true, Upstream: "h2c" + strings.TrimPrefix(up.URL, "http")})
	body, send := io.Pipe()
	req, err := http.NewRequestWithContext(shortly(t), "POST", e.IAPURL()+"/echo.Echo/Talk", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Te", "trailers")
	req.Header.Set("Authorization", "Bearer "+signInTLS(t, e))
	go fmt.Fprintln(send, "one")
	resp, err := trusting(t, e, true).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r := bufio.NewReader(resp.Body)
	if got, err := r.ReadString('\n'); got != "ONE\n" {
		t.Fatalf("%d %q, %v", resp.StatusCode, got, err)
	}
	fmt.Fprintln(send, "two")
	if got, err := r.ReadString('\n'); got != "TWO\n" {
		t.Fatalf("%q, %v", got, err)
	}
	send.Close()
	if _, err := io.ReadAll(r); err != nil {
		t.Fatal(err)
	}
	if resp.Trailer.Get("Grpc-Status") != "0" || resp.Trailer.Get("Grpc-Message") != "fine" {
		t.Errorf("trailers %v", resp.Trailer)
	}
}

// An upgrade is HTTP/1.1 on both legs, whatever else the upstream speaks.
func TestUpgradeOverTLS(t *testing.T) {
	t.Parallel()
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		defer conn.Close()
		fmt.Fprint(rw, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		rw.Flush()
		_, _ = io.Copy(conn, rw)
	})
	up := httptest.NewUnstartedServer(echo)
	up.Config.Protocols = new(http.Protocols)
	up.Config.Protocols.SetHTTP1(true)
	up.Config.Protocols.SetUnencryptedHTTP2(true)
	up.Start()
	defer up.Close()
	e := start(t, emulator.Options{TLS: true, Upstream: "h2c" + strings.TrimPrefix(up.URL, "http")})
	config := trust(t, e)
	conn, err := tls.Dial("tcp", e.IAPURL()[len("https://"):], config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nAuthorization: Bearer %s\r\n\r\n", signInTLS(t, e))
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil || resp.StatusCode != 101 {
		t.Fatalf("upgrade: %v, %v", resp, err)
	}
	fmt.Fprint(conn, "one\n")
	if got, err := r.ReadString('\n'); err != nil || got != "one\n" {
		t.Errorf("echo %q, %v", got, err)
	}
}

// A reset is one over TLS, too, and over HTTP/2 ends its stream and no other.
func TestResetOverTLS(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{TLS: true})
	for _, http2 := range []bool{false, true} {
		client := trusting(t, e, http2)
		e.SetFault(emulator.JWKS, &emulator.Fault{Reset: true})
		if resp, err := client.Post(e.GoogleURL()+"/oauth2/v3/certs", "", nil); err == nil {
			resp.Body.Close()
			t.Errorf("HTTP/2 %v: %s", http2, resp.Status)
		}
		e.SetFault(emulator.JWKS, nil)
		resp, err := client.Get(e.GoogleURL() + "/oauth2/v3/certs")
		if err != nil {
			t.Fatal(err)
		}
		if a := readAnswer(t, resp); a.status != 200 {
			t.Errorf("after the reset: %d", a.status)
		}
	}
}

// Close ends streams of HTTP/2. Not parallel: it looks at all goroutines.
func TestCloseLeavesNothingOfHTTP2(t *testing.T) {
	before := goleak.IgnoreCurrent()
	e, err := emulator.Start(context.Background(), emulator.Options{TLS: true})
	if err != nil {
		t.Fatal(err)
	}
	client := trusting(t, e, true)
	req := newRequest(t, "GET", e.IAPURL()+"/stream?n=1000000&every=1ms", "")
	req.Header.Set("Authorization", "Bearer "+signInTLS(t, e))
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("the stream came to a good end")
	}
	resp.Body.Close()
	client.CloseIdleConnections()
	goleak.VerifyNone(t, before)
}
