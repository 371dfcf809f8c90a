package iap_test

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap"
)

// Every App is a TokenSource.
var _ iap.TokenSource = core.App(nil)

const (
	email    = "ada@example.com"
	clientID = "1234567890-desktop.apps.googleusercontent.com"
)

// tokenOf makes a token of a usual size that says its generation.
func tokenOf(gen uint64) core.IDToken {
	enc := base64.RawURLEncoding
	filler := func(salt string, n int) (b []byte) {
		for i := 0; len(b) < n; i++ {
			sum := sha256.Sum256(fmt.Append(nil, salt, gen, i))
			b = append(b, sum[:]...)
		}
		return b[:n]
	}
	payload := append(fmt.Appendf(nil, "%08d", gen), filler("payload", 400)...)
	value := "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IjEyMyJ9." + enc.EncodeToString(payload) + "." + enc.EncodeToString(filler("signature", 256))
	return core.IDToken{
		Value: core.Secret(value), Issuer: "https://accounts.google.com", Subject: "sub", Email: email, Audience: clientID,
		Expiry: time.Now().Add(time.Hour), Generation: gen,
	}
}

// generation reads what tokenOf wrote; 0 when there is no token.
func generation(header string) uint64 {
	parts := strings.Split(strings.TrimPrefix(header, "Bearer "), ".")
	if len(parts) != 3 {
		return 0
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return 0
	}
	gen, _ := strconv.ParseUint(string(payload[:8]), 10, 64)
	return gen
}

// A source renews like a Session: once for all who hold the same stale token.
type source struct {
	cur      atomic.Pointer[core.IDToken]
	reads    atomic.Int64
	asked    atomic.Int64 // calls of Renew
	renewals atomic.Int64 // requests that a provider would have seen

	fail func() error  // result of each renewal, if set
	gate chan struct{} // renewals wait for it, if set
	max  int64         // then ErrRenewedRecently; 0 is no limit

	issuer string // of the tokens; Google if empty

	mu     sync.Mutex
	flight *flight
}

type flight struct {
	done chan struct{}
	tok  core.IDToken
	err  error
}

func newSource() *source {
	s := &source{}
	tok := tokenOf(1)
	s.cur.Store(&tok)
	return s
}

func (s *source) IDToken(ctx context.Context) (core.IDToken, error) {
	s.reads.Add(1)
	return *s.cur.Load(), nil
}

func (s *source) Renew(ctx context.Context, stale core.IDToken) (core.IDToken, error) {
	s.asked.Add(1)
	s.mu.Lock()
	if cur := s.cur.Load(); cur.Generation > stale.Generation {
		s.mu.Unlock()
		return *cur, nil
	}
	if s.max > 0 && s.renewals.Load() >= s.max {
		s.mu.Unlock()
		return core.IDToken{}, core.ErrRenewedRecently
	}
	f := s.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		s.flight = f
		go s.fly(f)
	}
	s.mu.Unlock()
	select {
	case <-f.done:
		return f.tok, f.err
	case <-ctx.Done():
		return core.IDToken{}, ctx.Err()
	}
}

func (s *source) fly(f *flight) {
	defer close(f.done)
	s.renewals.Add(1)
	if s.gate != nil {
		<-s.gate
	}
	if s.fail != nil {
		f.err = s.fail()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.err == nil {
		f.tok = tokenOf(s.cur.Load().Generation + 1)
		if s.issuer != "" {
			f.tok.Issuer = s.issuer
		}
		s.cur.Store(&f.tok)
	}
	s.flight = nil
}

// A base is a stub, or a wrapper that watches.
type base func(*http.Request) (*http.Response, error)

func (b base) RoundTrip(req *http.Request) (*http.Response, error) { return b(req) }

// answer makes a response for a stub.
func answer(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Add(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

const GeneratedHeader = "X-Goog-IAP-Generated-Response"

// refuse answers as IAP does to a token it does not accept.
func refuse(w http.ResponseWriter) {
	w.Header().Set(GeneratedHeader, "true")
	w.WriteHeader(http.StatusUnauthorized)
	io.WriteString(w, "Invalid IAP credentials: Invalid JWT audience. Error code 900")
}

// serve starts a server on loopback, with TLS for a URL of https, and counts its
// requests.
func serve(t testing.TB, scheme string, h http.HandlerFunc) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	n := new(atomic.Int64)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n.Add(1)
		h(w, r)
	}))
	if scheme == "https" {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	t.Cleanup(srv.Close)
	return srv, n
}

// wire is a base of its own that trusts every server of serve.
func wire(t testing.TB) *http.Transport {
	tr := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, MaxIdleConnsPerHost: 64, MaxConnsPerHost: 64}
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

func newTransport(t testing.TB, src iap.TokenSource, opts iap.Options) *iap.Transport {
	t.Helper()
	opts.InsecureLoopback = true
	tr, err := iap.NewTransport(src, opts)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// clientFor is a client for one server.
func clientFor(t testing.TB, src iap.TokenSource, origin string) *http.Client {
	t.Helper()
	return &http.Client{Transport: newTransport(t, src, iap.Options{Origins: []string{origin}, Base: wire(t)})}
}

func get(t testing.TB, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// finish reads and closes a response, so that its connection is free again.
func finish(t testing.TB, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(b)
}

// noToken fails the test when s has a piece of a token.
func noToken(t testing.TB, s string) {
	t.Helper()
	for gen := range uint64(4) {
		v := tokenOf(gen).Value.Reveal()
		for i := 0; i+12 <= len(v); i++ {
			if strings.Contains(s, v[i:i+12]) {
				t.Errorf("a piece of the token shows in %q", s)
				return
			}
		}
	}
}
