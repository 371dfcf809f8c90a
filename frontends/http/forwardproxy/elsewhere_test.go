//go:build unix

package forwardproxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/forward"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// never gives no token.
type never struct{ core.App }

func (never) IDToken(context.Context) (core.IDToken, error) {
	return core.IDToken{}, errors.New("a token was asked for here")
}

// lend has the requests of a proxy made by one with the options, on the other side of a
// socket, and returns those of the proxy here.
func lend(t *testing.T, o Options, allow ...func(context.Context, forward.Request) error) Options {
	t.Helper()
	o.Unlisted = true
	desk := started(t, o)
	dir, err := os.MkdirTemp("", "fp") // short: the path of a socket has 108 bytes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	options := forward.Options{
		Hello: forward.Hello{Host: "desk", Targets: o.Targets},
		Open: func(r forward.Request, allow forward.Allow) (func(context.Context, net.Conn), error) {
			if !desk.Has(r.Target) {
				return nil, &fault.Error{Subject: r.Target, Kind: fault.WrongOrigin}
			}
			return func(ctx context.Context, c net.Conn) {
				desk.ServeConn(ctx, c, r.Target, func(ctx context.Context, r *http.Request) error { return allow(ctx, r.Method+" "+r.URL.Path) })
			}, nil
		},
	}
	if len(allow) > 0 {
		options.Allow = allow[0]
	}
	serving.Go(func() {
		if err := forward.Serve(ctx, l, never{}, options); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		serving.Wait()
	})
	client, err := forward.At(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	requests := client.Requests()
	t.Cleanup(requests.(interface{ CloseIdleConnections() }).CloseIdleConnections)
	base := proxy.NewBase()
	base.Proxy = nil
	return Options{Targets: o.Targets, Tokens: never{}, Requests: requests, Base: base}
}

// lendAll is lend where nobody is asked.
func lendAll(t *testing.T, o Options) Options { return lend(t, o) }

// What passes a proxy passes two of which the other one has the token.
func TestRequestsMadeElsewhereAreTheSame(t *testing.T) {
	elsewhere = lendAll
	defer func() { elsewhere = nil }()
	for name, test := range map[string]func(*testing.T){
		"paths": TestATargetGetsTheToken, "authorization": TestOwnAuthorizationStays, "renewal": TestARefusedTokenIsRenewed, "refusal": TestARefusalOfIAPReachesTheProgram,
		"certificate": TestAServiceWithABadCertificateIsRefused, "upgrades": TestUpgradesPass, "streams": TestStreamsTrailersAndInformationalAnswersPass,
		"large bodies": TestLargeBodiesAreStreamed, "redirects": TestRedirectsTakeNoTokenAlong, "other services": TestAllElseIsTunnelledUnopened,
	} {
		t.Run(name, test)
	}
}

// The end of a session is told where the session is, and the program learns where to sign
// in.
func TestTheEndOfASessionElsewhereSaysWhere(t *testing.T) {
	elsewhere = lendAll
	defer func() { elsewhere = nil }()
	w := newWorld(t, nil)
	w.source.fail(&fault.Error{Kind: fault.SignInNeeded, Err: errEnded})
	for _, h2 := range []bool{false, true} {
		for _, accept := range []string{"*/*", "text/html", "text/plain"} {
			req, err := http.NewRequestWithContext(t.Context(), "GET", "https://"+host, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept", accept)
			res, body := do(t, w.client(t, h2), req)
			if res.StatusCode != http.StatusForbidden || !strings.Contains(body, "sign in on desk") {
				t.Errorf("%s: %s: %s", accept, res.Status, body)
			}
		}
	}
	if told := w.told(); len(told) != 1 || !errors.Is(told[0].Err, fault.SignInNeeded) {
		t.Errorf("the person was told %v", told)
	}
}

// The person can be asked about each request, also of those that share a connection, and
// what was not named is not reached.
func TestRequestsMadeElsewhereAreAskedFor(t *testing.T) {
	target := newService(t, true, nil)
	base := proxy.NewBase()
	base.Proxy, base.DialContext = nil, to(target.address())
	base.TLSClientConfig = &tls.Config{RootCAs: target.roots()}
	var asked []string
	here := lend(t, Options{Targets: []string{"https://" + host}, Tokens: &source{}, Base: base}, func(_ context.Context, r forward.Request) error {
		if asked = append(asked, r.Target+" "+r.Line); strings.HasSuffix(r.Line, "/no") {
			return &fault.Error{Kind: fault.Refused, Problem: "the person there said no"}
		}
		return nil
	})
	w := &world{target: target, Proxy: started(t, here)}
	for _, h2 := range []bool{false, true} {
		client := w.client(t, h2)
		asked = nil
		for path, status := range map[string]int{"/yes": http.StatusOK, "/no": http.StatusForbidden, "/again": http.StatusOK} {
			res, body := get(t, client, "https://"+host+path)
			if res.StatusCode != status || status != http.StatusOK && !strings.Contains(body, "said no") {
				t.Errorf("%s: %s: %s", path, res.Status, body)
			}
		}
		if len(asked) != 3 || !strings.HasPrefix(asked[0], host+":443 GET /") {
			t.Errorf("asked: %q", asked)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", "https://other.example", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := here.Requests.RoundTrip(req); !errors.Is(err, fault.WrongOrigin) {
		t.Errorf("another service: %v", err)
	}
}
