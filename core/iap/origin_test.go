package iap_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tokentoss/tokentoss/core/iap"
)

func TestOriginsAreChecked(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		origin   string
		loopback bool
		want     string // part of the error; empty for none
	}{
		{"https://app.example.com", false, ""},
		{"HTTPS://App.Example.COM.:8443/path?q=1#f", false, ""},
		{"https://[2001:db8::1]:8443", false, ""},
		{"https://10.0.0.1", false, ""},
		{"https://xn--bcher-kva.example", false, ""},
		{"http://127.0.0.1:8080", true, ""},
		{"http://127.9.9.9", true, ""},
		{"http://[::1]:8080", true, ""},
		{"http://LOCALHOST:1", true, ""},
		{"http://127.0.0.1:8080", false, "not https"},
		{"http://localhost", false, "not https"},
		{"http://app.example.com", true, "loopback only"},
		{"http://localhost.example.com", true, "loopback only"},
		{"http://127.0.0.1.example.com", true, "loopback only"},
		{"http://0.0.0.0", true, "loopback only"},
		{"ftp://app.example.com", true, "not https"},
		{"app.example.com", false, "scheme and a host"},
		{"app.example.com:443", false, "scheme and a host"},
		{"//app.example.com", false, "scheme and a host"},
		{"https://", false, "scheme and a host"},
		{"https:app.example.com", false, "scheme and a host"},
		{"https:///path", false, "scheme and a host"},
		{"https://.", false, "no host"},
		{"", false, "scheme and a host"},
		{"https://u:hunter2@app.example.com", false, "user name or password"},
		{"https://u:hunter2@app.example.com:x", false, "scheme and a host"},
		{"https://*.example.com", false, "pattern"},
		{"https://app..example.com", false, "empty part"},
		{"https://.example.com", false, "empty part"},
		{"https://bücher.example", false, "xn--"},
		{"https://app.example.com:0", false, "port"},
		{"https://app.example.com:65536", false, "port"},
		{"https://app.example.com:0443", false, "port"},
		{"https://[::1%25lo]", false, "character"},
	} {
		_, err := iap.NewTransport(newSource(), iap.Options{Origins: []string{c.origin}, InsecureLoopback: c.loopback})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%q: %v", c.origin, err)
		case c.want != "" && err == nil:
			t.Errorf("%q: no error", c.origin)
		case c.want != "" && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("%q: %v, want %q and no password", c.origin, err, c.want)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	if _, err := iap.NewTransport(newSource(), iap.Options{}); err == nil {
		t.Error("no origins: no error")
	}
	if _, err := iap.NewTransport(nil, iap.Options{Origins: []string{"https://a.example"}}); err == nil {
		t.Error("no source: no error")
	}
	if _, err := iap.NewTransport(newSource(), iap.Options{Origins: []string{"https://a.example"}, Header: "Cookie"}); err == nil {
		t.Error("token in a Cookie: no error")
	}
	if _, err := iap.NewClient(newSource(), "https://a.example", "http://127.0.0.1"); err == nil || !strings.Contains(err.Error(), "origin 2") {
		t.Errorf("NewClient with http: %v", err)
	}
}

// elsewhere are URLs that look like listed ones, or hide where they lead.
func elsewhere() []*url.URL {
	urls := []*url.URL{
		{Scheme: "HTTP", Host: "app.example.com"},
		{Scheme: "https", Host: "user@app.example.com"},
		{Scheme: "https", Host: "app.example.com@evil.example"},
		{Scheme: "https", Host: "app.example.com\x00.evil.example"},
		{Scheme: "https", Host: "app.example.com", Opaque: "//evil.example/x"},
		{Scheme: "https", Host: "app.example.com", Opaque: "https://evil.example/x"},
		{Scheme: "https", Host: ""},
		{Scheme: "", Host: "app.example.com"},
		{},
	}
	for _, s := range []string{
		"http://app.example.com/", "http://app.example.com:443/", "https://app.example.com:80/", "https://app.example.com:444/",
		"https://app.example.com:08443/", "https://app.example.com..", "https://.app.example.com/", "https://example.com/", "https://x.app.example.com/",
		"https://app.example.com.evil.example/", "https://app-example.com/", "https://evil.example/app.example.com",
		"https://evil.example/?https://app.example.com", "https://evil.example#@app.example.com", "https://app.example.com%00/",
		"https://user@app.example.com/", "https://user:hunter2@app.example.com/", "https://app.example.com@evil.example/",
		"https://app.example.com:hunter2@evil.example/", "https://:@app.example.com/",
		"https://\u0430pp.example.com/",  // Cyrillic a
		"https://app\u3002example.com/",  // ideographic full stop, which IDNA maps to a dot
		"https://a\uff50p.example.com/",  // full-width p, which IDNA maps to a p
		"https://\u212Ailo.example/",     // Kelvin sign, of which the lower case is an ASCII k
		"https://ap\u00adp.example.com/", // soft hyphen, which IDNA removes
		"http://localhost:8080/", "http://127.0.0.1/", "http://127.0.0.1:8081/", "http://127.1:8080/", "http://2130706433:8080/",
		"https://127.0.0.1:8080/", "https://[2001:db8::2]/", "http://[::ffff:127.0.0.1]:8080/", "ftp://app.example.com/", "file:///etc/passwd",
	} {
		u, err := url.Parse(s)
		if err != nil {
			continue // not a request that can be made
		}
		urls = append(urls, u)
	}
	return urls
}

// The token goes only to the configured origins: scheme, host and port
// exact, after lower-case, default port and final dot.
func TestTokenGoesOnlyToListedOrigins(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	src := newSource()
	tr := newTransport(t, src, iap.Options{
		Origins: []string{"https://app.example.com", "https://app.example.com:8443/", "http://127.0.0.1:8080", "https://[2001:db8::1]", "https://kilo.example"},
		Base: base(func(req *http.Request) (*http.Response, error) {
			sent.Add(1)
			if generation(req.Header.Get("Authorization")) != 1 {
				t.Errorf("%s: no token", req.URL)
			}
			return answer(200, ""), nil
		}),
	})
	for _, u := range []string{
		"https://app.example.com", "https://app.example.com/x?y#z", "https://app.example.com:443/", "https://APP.example.COM/",
		"https://app.example.com./", "https://app.example.com.:443/", "https://app.example.com:/", "https://app.example.com:8443/",
		"http://127.0.0.1:8080/", "https://[2001:db8::1]/", "https://[2001:DB8::1]:443/", "HTTPS://app.example.com/",
	} {
		sent.Store(0)
		if _, err := tr.RoundTrip(get(t, u)); err != nil || sent.Load() != 1 {
			t.Errorf("%s: %v, %d requests", u, err, sent.Load())
		}
	}

	for _, u := range elsewhere() {
		sent.Store(0)
		src.reads.Store(0)
		body := &spyBody{}
		_, err := tr.RoundTrip((&http.Request{Method: "POST", URL: u, Header: http.Header{}, Body: body}).WithContext(t.Context()))
		var oe *iap.OriginError
		if !errors.As(err, &oe) || sent.Load() != 0 || src.reads.Load() != 0 || !body.closed.Load() {
			t.Errorf("%q: %v, %d requests, %d token reads, body closed %v", u, err, sent.Load(), src.reads.Load(), body.closed.Load())
			continue
		}
		if strings.Contains(err.Error(), "hunter2") || strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q: unsafe error %q", u, err)
		}
	}
}

// A front end that serves many services chooses by it.
func TestHostHeaderMustBeListedToo(t *testing.T) {
	t.Parallel()
	tr := newTransport(t, newSource(), iap.Options{
		Origins: []string{"https://a.example", "https://b.example"},
		Base:    base(func(*http.Request) (*http.Response, error) { return answer(200, ""), nil }),
	})
	for host, ok := range map[string]bool{"": true, "a.example": true, "A.example:443": true, "b.example": true, "c.example": false, "a.example:444": false, "a.example\x00": false} {
		req := get(t, "https://a.example/")
		req.Host = host
		_, err := tr.RoundTrip(req)
		var oe *iap.OriginError
		if ok && err != nil || !ok && (!errors.As(err, &oe) || !strings.Contains(oe.Reason, "Host header")) {
			t.Errorf("Host %q: %v", host, err)
		}
	}
}

// Not even a connection is opened.
func TestNothingIsDialled(t *testing.T) {
	t.Parallel()
	var dials atomic.Int64
	b := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		dials.Add(1)
		return nil, errors.New("dialled")
	}}
	client := &http.Client{Transport: newTransport(t, newSource(), iap.Options{Origins: []string{"https://app.example.com"}, Base: b})}
	for _, u := range []string{"https://127.0.0.1", "http://app.example.com", "https://u:p@app.example.com", "https://other.example.com"} {
		_, err := client.Do(get(t, u))
		var oe *iap.OriginError
		if !errors.As(err, &oe) {
			t.Errorf("%s: %v", u, err)
		}
	}
	if dials.Load() != 0 {
		t.Errorf("%d connections", dials.Load())
	}
}

// The error of a URL that the token must not go to names those that it may go to.
func TestErrorNamesTheOriginsThatAreListed(t *testing.T) {
	t.Parallel()
	client, err := iap.NewClient(newSource(), "https://a.example", "https://b.example:8443", "https://c.example", "https://d.example")
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Do(get(t, "https://evil.example/path?secret=1"))
	var oe *iap.OriginError
	if !errors.As(err, &oe) {
		t.Fatal(err)
	}
	want := "iap: nothing was sent to https://evil.example: it is not in the list of origins (https://a.example, https://b.example:8443, https://c.example, 1 more): add it there if it may see the token"
	if oe.Error() != want {
		t.Errorf("error is %q", oe)
	}
}

// For programs that send the token themselves, the same rules.
func TestAllows(t *testing.T) {
	o := iap.Options{Origins: []string{"https://App.example.com", "https://app.example.com:8443/path", "http://127.0.0.1:8080"}, InsecureLoopback: true}
	for raw, want := range map[string]bool{
		"https://app.example.com": true, "https://APP.example.com.:443/x?y": true, "https://app.example.com:8443": true, "http://127.0.0.1:8080/": true,
		"http://app.example.com": false, "https://app.example.com:444": false, "https://example.com": false, "https://app.example.com.evil.example": false,
		"https://ada@app.example.com": false, "https:app.example.com": false, "http://localhost:8080": false, "ssh://app.example.com": false, "": false,
		"https://\u212aapp.example.com": false, "https://app.example.com@evil.example": false,
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := o.Allows(u); got != want || err != nil {
			t.Errorf("%s: %v, %v", raw, got, err)
		}
	}
	u := &url.URL{Scheme: "https", Host: "app.example.com"}
	for _, bad := range []string{"http://app.example.com", "https://*.example.com", "app.example.com"} {
		if ok, err := (iap.Options{Origins: []string{"https://app.example.com", bad}}).Allows(u); ok || err == nil {
			t.Errorf("%s among the origins is no error", bad)
		}
	}
	if ok, err := (iap.Options{}).Allows(u); ok || err != nil {
		t.Errorf("without origins: %v, %v", ok, err)
	}
	for _, host := range []string{"app.example.com/x", "app.example.com:443/x", "app.example.com?", "x@app.example.com", "app.example.com\x00"} {
		if ok, _ := o.Allows(&url.URL{Scheme: "https", Host: host}); ok {
			t.Errorf("host %q is allowed", host)
		}
	}
}
