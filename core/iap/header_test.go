package iap_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tokentoss/tokentoss/core/iap"
)

// Authorization by default, Proxy-Authorization when the request has an
// Authorization of its own, and an error when both are taken.
func TestTokenHeader(t *testing.T) {
	t.Parallel()
	const ajax = " X-Requested-With=XMLHttpRequest"
	for _, c := range []struct {
		mode iap.TokenHeader
		own  http.Header
		want string // "!Name" for a HeaderError about Name
	}{
		{"", nil, "Authorization=token" + ajax},
		{"auto", http.Header{"Accept": {"*/*"}}, "Authorization=token" + ajax},
		{"auto", http.Header{"Authorization": {"Basic own"}}, "Authorization=Basic own Proxy-Authorization=token" + ajax},
		{"auto", http.Header{"authorization": {"Basic own"}}, "Proxy-Authorization=token" + ajax},
		{"auto", http.Header{"Authorization": nil}, "Authorization=token" + ajax},
		{"auto", http.Header{"Proxy-Authorization": {"own"}}, "Authorization=token Proxy-Authorization=own" + ajax},
		{"auto", http.Header{"Authorization": {"own"}, "Proxy-Authorization": {"own"}}, "!Proxy-Authorization"},
		{"auto", http.Header{"AUTHORIZATION": {"own"}, "proxy-authorization": {"own"}}, "!Proxy-Authorization"},
		{iap.HeaderAuthorization, http.Header{"Proxy-Authorization": {"own"}}, "Authorization=token Proxy-Authorization=own" + ajax},
		{iap.HeaderAuthorization, http.Header{"Authorization": {"own"}}, "!Authorization"},
		{iap.HeaderProxyAuthorization, nil, "Proxy-Authorization=token" + ajax},
		{iap.HeaderProxyAuthorization, http.Header{"Authorization": {"own"}}, "Authorization=own Proxy-Authorization=token" + ajax},
		{iap.HeaderProxyAuthorization, http.Header{"Proxy-Authorization": {"own"}}, "!Proxy-Authorization"},
		{"", http.Header{"X-Requested-With": {"mine"}}, "Authorization=token X-Requested-With=mine"},
		{"", http.Header{"X-Requested-With": nil}, "Authorization=token"},
	} {
		var got string
		tr := newTransport(t, newSource(), iap.Options{
			Origins: []string{"https://app.example.com"}, Header: c.mode,
			Base: base(func(req *http.Request) (*http.Response, error) {
				got = credentials(req)
				return answer(200, ""), nil
			}),
		})
		req := get(t, "https://app.example.com/")
		req.Header = c.own
		_, err := tr.RoundTrip(req)
		if want, bad := strings.CutPrefix(c.want, "!"); bad {
			var he *iap.HeaderError
			if !errors.As(err, &he) || he.Header != want || got != "" {
				t.Errorf("%q %v: %v, sent %q", c.mode, c.own, err, got)
			}
		} else if err != nil || got != c.want {
			t.Errorf("%q %v: sent %q, want %q (%v)", c.mode, c.own, got, c.want, err)
		}
	}
}

func TestNoXRequestedWith(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, "http", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Saw", credentials(r)) })
	tr := newTransport(t, newSource(), iap.Options{Origins: []string{srv.URL}, Base: wire(t), NoXRequestedWith: true})
	resp, err := tr.RoundTrip(get(t, srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	finish(t, resp)
	if got := resp.Header.Get("Saw"); got != "Authorization=token" {
		t.Errorf("sent %q", got)
	}
}

// The caller's request, its header map and its URL are unchanged, whatever
// happens; and they are what the response names as its request (the copy
// has the token).
func TestRequestIsUnchanged(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"accepted": 200, "refused": 401, "denied": 403} {
		for _, target := range []string{"https://app.example.com/x?y", "https://elsewhere.example/"} {
			tr := newTransport(t, newSource(), iap.Options{
				Origins: []string{"https://app.example.com"},
				Base: base(func(req *http.Request) (*http.Response, error) {
					req.Header.Set("Added-By-Base", "1")
					resp := answer(status, "", GeneratedHeader, "true")
					resp.Request = req
					return resp, nil
				}),
			})
			req := get(t, target)
			req.Response = &http.Response{Request: &http.Request{URL: req.URL}} // as in a redirect
			req.Header = http.Header{"Accept": {"a", "b"}, "X-Requested-With": {"mine"}, "authorization": {"own"}}
			before, header, u := *req, req.Header.Clone(), *req.URL
			resp, _ := tr.RoundTrip(req)
			if !reflect.DeepEqual(req.Header, header) || *req.URL != u || !reflect.DeepEqual(*req, before) {
				t.Errorf("%s, %s: the request is now %+v", name, target, req)
			}
			if resp != nil && resp.Request != req {
				t.Errorf("%s, %s: the response names another request: %v", name, target, resp.Request.Header)
			}
		}
	}
}

// A header map that is nil is not one to write to.
func TestNilHeader(t *testing.T) {
	t.Parallel()
	srv, _ := serve(t, "http", func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Saw", credentials(r)) })
	u, _ := url.Parse(srv.URL)
	req := (&http.Request{Method: "GET", URL: u}).WithContext(t.Context())
	resp, err := newTransport(t, newSource(), iap.Options{Origins: []string{srv.URL}, Base: wire(t)}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	finish(t, resp)
	if !strings.Contains(resp.Header.Get("Saw"), "Authorization=token") || req.Header != nil {
		t.Errorf("sent %q; the request's header is %v", resp.Header.Get("Saw"), req.Header)
	}
}

// A forward proxy reads what goes over plain http, and takes
// Proxy-Authorization for its own. That fails loudly; https is a tunnel.
func TestForwardProxyNeverSeesTheToken(t *testing.T) {
	t.Parallel()
	var seen atomic.Int64
	proxy, _ := serve(t, "http", func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect || r.Header.Get("Proxy-Authorization") != "" {
			seen.Add(1)
		}
		w.WriteHeader(http.StatusBadGateway)
	})
	proxyURL, _ := url.Parse(proxy.URL)
	proxyURL.User = url.UserPassword("proxyuser", "hunter2")
	plain, n := serve(t, "http", func(http.ResponseWriter, *http.Request) {})
	b := wire(t)
	b.Proxy = http.ProxyURL(proxyURL)
	for _, mode := range []iap.TokenHeader{iap.HeaderAuto, iap.HeaderProxyAuthorization} {
		tr := newTransport(t, newSource(), iap.Options{Origins: []string{plain.URL}, Base: b, Header: mode})
		_, err := tr.RoundTrip(get(t, plain.URL))
		if !errors.Is(err, iap.ErrForwardProxy) || seen.Load() != 0 || n.Load() != 0 {
			t.Errorf("%s: %v; the proxy saw %d requests", mode, err, seen.Load())
		} else if !strings.Contains(err.Error(), proxy.URL) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error %q names the proxy wrongly", mode, err)
		}
	}

	b.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	tr := newTransport(t, newSource(), iap.Options{Origins: []string{plain.URL}, Base: b, Header: iap.HeaderProxyAuthorization})
	if resp, err := tr.RoundTrip(get(t, plain.URL)); err != nil {
		t.Errorf("no proxy for this host: %v", err)
	} else {
		finish(t, resp)
	}
	broken := errors.New("broken")
	b.Proxy = func(*http.Request) (*url.URL, error) { return nil, broken }
	if _, err := tr.RoundTrip(get(t, plain.URL)); !errors.Is(err, broken) {
		t.Errorf("broken proxy function: %v", err)
	}
}

// With https the token is inside the tunnel, in either header and with HTTP/2.
func TestForwardProxyTunnelsHTTPS(t *testing.T) {
	t.Parallel()
	app := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Saw", credentials(r))
		w.Header().Set("Proto-Was", r.Proto)
	}))
	app.EnableHTTP2 = true
	app.StartTLS()
	defer app.Close()
	proxy := tunnel(t, func(connect *http.Request) {
		if got := credentials(connect); got != "" {
			t.Errorf("the proxy saw %q", got)
		}
	})
	b := wire(t)
	b.Proxy, b.ForceAttemptHTTP2 = http.ProxyURL(proxy), true
	tr := newTransport(t, newSource(), iap.Options{Origins: []string{app.URL}, Base: b})
	req := get(t, app.URL)
	req.Header.Set("Authorization", "own")
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	finish(t, resp)
	if got := resp.Header.Get("Saw"); got != "Authorization=own Proxy-Authorization=token X-Requested-With=XMLHttpRequest" || resp.Header.Get("Proto-Was") != "HTTP/2.0" {
		t.Errorf("over %s arrived %q", resp.Header.Get("Proto-Was"), got)
	}
}
