package iap_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/iap"
)

// credentials says which credentials a request came with.
func credentials(r *http.Request) string {
	var has []string
	for _, name := range []string{"Authorization", "Proxy-Authorization", "X-Requested-With"} {
		for _, v := range r.Header.Values(name) {
			switch {
			case generation(v) > 0:
				has = append(has, name+"=token")
			default:
				has = append(has, name+"="+v)
			}
		}
	}
	return strings.Join(has, " ")
}

// A redirect to an origin that is not listed goes without any credential;
// the redirect back has the token again.
func TestRedirectElsewhereHasNoCredential(t *testing.T) {
	t.Parallel()
	var other string
	app, _ := serve(t, "https", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			io.WriteString(w, credentials(r))
			return
		}
		http.Redirect(w, r, other+r.URL.Path, http.StatusTemporaryRedirect)
	})
	var back string
	elsewhere, _ := serve(t, "https", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/bounce" {
			http.Redirect(w, r, back+"/back", http.StatusFound)
			return
		}
		io.WriteString(w, credentials(r))
	})
	other, back = elsewhere.URL, app.URL
	client := clientFor(t, newSource(), app.URL)

	// Both servers have the same host name, so that http.Client itself keeps the
	// caller's own credentials.
	for _, c := range []struct {
		path, want string
		header     http.Header
	}{
		{"/stay", "", http.Header{}},
		{"/stay", "", http.Header{"Authorization": {"Basic own"}, "Proxy-Authorization": nil, "X-Requested-With": {"mine"}}},
		{"/stay", "", http.Header{"authorization": {"Basic own"}, "x-requested-with": {"mine"}}},
		{"/stay", "", http.Header{"proxy-authorization": {"own"}}},
		{"/bounce", "Authorization=token X-Requested-With=XMLHttpRequest", http.Header{}},
		{"/bounce", "Authorization=Basic own Proxy-Authorization=token X-Requested-With=XMLHttpRequest", http.Header{"Authorization": {"Basic own"}}},
	} {
		req := get(t, app.URL+c.path)
		req.Header = c.header
		before := req.Header.Clone()
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if got := finish(t, resp); got != c.want {
			t.Errorf("%s with %v arrived with %q, want %q", c.path, before, got, c.want)
		}
	}
}

// Https to http is refused, also when the http origin is listed.
func TestNeverFromHTTPSToHTTP(t *testing.T) {
	t.Parallel()
	plain, n := serve(t, "http", func(http.ResponseWriter, *http.Request) {})
	app, _ := serve(t, "https", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL+"/?secret=1", http.StatusFound)
	})
	for _, origins := range [][]string{{app.URL}, {app.URL, plain.URL}} {
		client := &http.Client{Transport: newTransport(t, newSource(), iap.Options{Origins: origins, Base: wire(t)})}
		_, err := client.Do(get(t, app.URL))
		var re *iap.RedirectError
		if !errors.As(err, &re) || re.From != app.URL || re.To != plain.URL || n.Load() != 0 {
			t.Errorf("origins %v: %v, %d requests over http", origins, err, n.Load())
		}
	}

	// Where the redirect came from may be unknown; then it is not followed.
	tr := newTransport(t, newSource(), iap.Options{Origins: []string{plain.URL}, Base: wire(t)})
	req := get(t, plain.URL)
	req.Response = &http.Response{}
	var re *iap.RedirectError
	if _, err := tr.RoundTrip(req); !errors.As(err, &re) || !strings.Contains(re.Error(), "from a service") {
		t.Errorf("unknown predecessor: %v", err)
	}
}

// Between http origins on loopback there is no downgrade.
func TestRedirectBetweenLoopbackOrigins(t *testing.T) {
	t.Parallel()
	show := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, credentials(r)) }
	second, _ := serve(t, "http", show)
	first, _ := serve(t, "http", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/here" {
			show(w, r)
			return
		}
		to := map[string]string{"/second": second.URL, "/relative": "/here"}[r.URL.Path]
		http.Redirect(w, r, to, http.StatusFound)
	})
	const token = "Authorization=token X-Requested-With=XMLHttpRequest"
	for _, c := range []struct {
		origins    []string
		path, want string
	}{
		{[]string{first.URL}, "/second", ""},
		{[]string{first.URL, second.URL}, "/second", token},
		{[]string{first.URL}, "/relative", token}, // the application's own 302 is followed
	} {
		client := &http.Client{Transport: newTransport(t, newSource(), iap.Options{Origins: c.origins, Base: wire(t)})}
		resp, err := client.Do(get(t, first.URL+c.path))
		if err != nil {
			t.Fatal(err)
		}
		if got := finish(t, resp); got != c.want {
			t.Errorf("%s with origins %v: arrived with %q", c.path, c.origins, got)
		}
	}
}
