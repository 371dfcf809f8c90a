package core_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// A provider is spoken to by https only. Plain http is for loopback
// addresses, and only where it is allowed.
func TestOnlyHTTPS(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		issuer        string
		strict, loose bool // is it taken without and with InsecureLoopback?
	}{
		{"https://op.example", true, true},
		{"https://op.example/tenant", true, true},
		{"https://127.0.0.1:8443", true, true},
		{"http://127.0.0.1:8080", false, true},
		{"http://127.1.2.3", false, true},
		{"http://[::1]:8080", false, true},
		{"http://localhost:8080", false, false}, // a name can be made to lead elsewhere
		{"http://op.example", false, false},
		{"http://127.0.0.1.op.example", false, false},
		{"http://0.0.0.0:80", false, false},
		{"http://10.0.0.1", false, false},
		{"ftp://127.0.0.1", false, false},
		{"file:///etc/passwd", false, false},
		{"op.example", false, false},
		{"//op.example", false, false},
		{"https://", false, false},
		{"https://user@op.example", false, false},
		{"https://op.example?x=1", false, false},
		{"https://op.example#x", false, false},
		{"", false, false},
		{"https://op.exa mple", false, false},
	} {
		if err := oidc.CheckIssuer(tt.issuer, false); (err == nil) != tt.strict {
			t.Errorf("%q: %v, want taken: %v", tt.issuer, err, tt.strict)
		}
		if err := oidc.CheckIssuer(tt.issuer, true); (err == nil) != tt.loose {
			t.Errorf("%q with loopback allowed: %v, want taken: %v", tt.issuer, err, tt.loose)
		}
	}
	_, err := oidc.NewClient(core.ClientSecrets{ClientID: "x"}, oidc.ProviderOptions{Issuer: "http://127.0.0.1:1"})
	if !errors.Is(err, oidc.ErrInsecureLoopback) {
		t.Errorf("NewClient with a loopback issuer: %v", err)
	}
}

// A certificate that cannot be trusted is an error, also on loopback, also
// where plain http is allowed there.
func TestCertificates(t *testing.T) {
	t.Parallel()
	var hits atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	for _, loose := range []bool{false, true} {
		c, err := oidc.NewClient(core.ClientSecrets{ClientID: "x"}, oidc.ProviderOptions{Issuer: server.URL, InsecureLoopback: loose})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Provider(t.Context())
		if pe := wantProvider(t, err); !strings.Contains(pe.Error(), "certificate cannot be trusted") {
			t.Errorf("error %v", err)
		}
	}
	if n := hits.Load(); n != 0 {
		t.Errorf("%d requests were sent to a server that cannot be trusted", n)
	}
}

// The provider cannot be reached when the token has expired. The
// session stays, the error says so, and the next call works when it is back.
func TestOffline(t *testing.T) {
	t.Parallel()
	dials := map[string]func(ctx context.Context) error{
		"connection refused": func(ctx context.Context) error {
			_, err := (&net.Dialer{}).DialContext(ctx, "tcp", unusedAddr(t))
			return err
		},
		"no such name": func(context.Context) error {
			return &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "op.example", IsNotFound: true}}
		},
		"no route": func(context.Context) error {
			return &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("network is unreachable")}
		},
	}
	shared := newWorld(t)
	for name, dial := range dials {
		t.Run(name, func(t *testing.T) {
			w := shared.fork(t)
			var off atomic.Bool
			var tries atomic.Int32
			transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				if off.Load() {
					tries.Add(1)
					return nil, dial(ctx)
				}
				return (&net.Dialer{}).DialContext(ctx, network, addr)
			}}
			online := func(o *core.SessionOptions) {
				o.Client = w.client(func(o *oidc.ProviderOptions) { o.Transport = transport })
			}
			refreshToken := func() string { return w.store.field(t, "refresh_token") }
			w.signedIn(online)
			before := refreshToken()
			w.clock.advance(late)
			off.Store(true)
			s := w.session(online) // a process that starts offline
			for range 3 {
				_, err := s.IDToken(w.ctx)
				pe := wantProvider(t, err)
				if !pe.Offline || errors.Is(err, core.ErrSignInNeeded) || !strings.Contains(err.Error(), "no network?") {
					t.Errorf("error %v", err)
				}
			}
			if n := tries.Load(); n < 3 || n > 9 {
				t.Errorf("%d dials for 3 calls, want 1 to 3 each", n)
			}
			if refreshToken() != before || before == "" {
				t.Error("the refresh token did not stay")
			}
			if st, err := s.Status(w.ctx); err != nil || st.State != core.SignedIn || st.Email != ada {
				t.Errorf("status offline: %+v, %v", st, err)
			}
			w.wantRefreshes(0)
			off.Store(false)
			w.token(s) // at once
			w.wantRefreshes(1)
		})
	}
}

// Nothing listens at the provider's port. The error says so within the
// deadline.
func TestProviderGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	old := w.token(s)
	if err := w.emu.Close(); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(soon)
	if w.token(s) != old {
		t.Error("the old token is not used")
	}
	w.clock.advance(late - soon)
	_, err := s.IDToken(w.ctx)
	if pe := wantProvider(t, err); !pe.Offline || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("error %v", err)
	}
	if w.store.field(t, "refresh_token") == "" {
		t.Error("the refresh token did not stay")
	}
}

// unusedAddr returns an address at which nobody listens.
func unusedAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A proxy that cannot be reached is no network, as much as a provider that
// cannot: nothing was sent.
func TestProxyGone(t *testing.T) {
	t.Parallel()
	proxy := &url.URL{Scheme: "http", Host: "127.0.0.1:1"}
	c, err := oidc.NewClient(core.ClientSecrets{ClientID: "id", ClientSecret: "secret"},
		oidc.ProviderOptions{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Reach(t.Context())
	if pe := wantProvider(t, err); !pe.Offline {
		t.Errorf("not offline: %v", err)
	}
}
