package iap_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap"
)

// A spyBody knows whether it was read and closed.
type spyBody struct {
	r      io.Reader
	read   atomic.Int64
	closed atomic.Bool
}

func (b *spyBody) Read(p []byte) (int, error) {
	if b.r == nil {
		return 0, io.EOF
	}
	n, err := b.r.Read(p)
	b.read.Add(int64(n))
	return n, err
}

func (b *spyBody) Close() error { b.closed.Store(true); return nil }

// hashing refuses tokens older than generation 2, and answers the others with
// the body's sha256.
func hashing(t *testing.T) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		if _, err := io.Copy(sum, r.Body); err != nil {
			t.Error(err)
		}
		if generation(r.Header.Get("Authorization")) < 2 {
			refuse(w)
			return
		}
		io.WriteString(w, hex.EncodeToString(sum.Sum(nil)))
	}
}

// With GetBody the same bytes are sent again, once.
func TestBodyIsReplayed(t *testing.T) {
	t.Parallel()
	srv, n := serve(t, "https", hashing(t))
	data := make([]byte, 3<<20)
	rand.Read(data)
	sum := sha256.Sum256(data)
	src := newSource()
	resp, err := clientFor(t, src, srv.URL).Post(srv.URL, "application/octet-stream", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if got := finish(t, resp); got != hex.EncodeToString(sum[:]) {
		t.Errorf("sha256 of what arrived is %s", got)
	}
	if n.Load() != 2 || src.renewals.Load() != 1 {
		t.Errorf("%d requests, %d renewals", n.Load(), src.renewals.Load())
	}
}

// A one-shot body is not sent half; the 401 is handed back.
func TestOneShotBodyGetsThe401(t *testing.T) {
	t.Parallel()
	srv, n := serve(t, "http", hashing(t))
	src := newSource()
	client := clientFor(t, src, srv.URL)
	for name, getBody := range map[string]func() (io.ReadCloser, error){
		"no GetBody":     nil,
		"GetBody failed": func() (io.ReadCloser, error) { return nil, errors.New("the file is gone") },
	} {
		n.Store(0)
		body := &spyBody{r: strings.NewReader("once")}
		req, _ := http.NewRequestWithContext(t.Context(), "POST", srv.URL, body)
		req.GetBody = getBody
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(name, err)
		}
		if got := finish(t, resp); resp.StatusCode != 401 || !strings.Contains(got, "Invalid JWT audience") || resp.Header.Get(GeneratedHeader) == "" {
			t.Errorf("%s: %d %q is not the answer of IAP", name, resp.StatusCode, got)
		}
		if n.Load() != 1 || src.asked.Load() != 0 || !body.closed.Load() {
			t.Errorf("%s: %d requests, %d renewals, body closed %v", name, n.Load(), src.asked.Load(), body.closed.Load())
		}
	}
}

// A sign-in redirect cannot be handed back, since
// http.Client would follow it to a page with status 200.
func TestOneShotBodyNeverFollowsASignInRedirect(t *testing.T) {
	t.Parallel()
	srv, n := serve(t, "http", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/signin" {
			io.WriteString(w, "Sign in with Google")
			return
		}
		w.Header().Set(GeneratedHeader, "true")
		http.Redirect(w, r, "/signin", http.StatusFound)
	})
	src := newSource()
	req, _ := http.NewRequestWithContext(t.Context(), "POST", srv.URL, &spyBody{r: strings.NewReader("once")})
	_, err := clientFor(t, src, srv.URL).Do(req)
	var re *iap.RefusedError
	if !errors.As(err, &re) || !re.OneShot || re.Renewed || re.StatusCode != 302 || n.Load() != 1 || src.asked.Load() != 0 {
		t.Fatalf("%v, %+v, %d requests, %d renewals", err, re, n.Load(), src.asked.Load())
	}
	if !strings.Contains(re.Remedy().String(), "GetBody") {
		t.Errorf("hint: %s", re.Remedy().String())
	}
}

// An http.RoundTripper closes the body always, also when nothing was sent.
func TestBodyIsClosedOnEveryPath(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	consume := func(req *http.Request) {
		io.Copy(io.Discard, req.Body)
		req.Body.Close()
	}
	marked := base(func(req *http.Request) (*http.Response, error) {
		consume(req)
		return answer(401, "", GeneratedHeader, "true"), nil
	})
	for name, c := range map[string]struct {
		base   http.RoundTripper
		src    iap.TokenSource
		change func(*http.Request)
	}{
		"token error":       {marked, failing{broken, nil}, nil},
		"empty token":       {marked, failing{nil, nil}, nil},
		"header taken":      {marked, newSource(), func(r *http.Request) { r.Header = http.Header{"Authorization": {"a"}, "Proxy-Authorization": {"b"}} }},
		"other origin":      {marked, newSource(), func(r *http.Request) { r.URL.Host = "other.example" }},
		"no URL":            {marked, newSource(), func(r *http.Request) { r.URL = nil }},
		"https to http":     {marked, newSource(), func(r *http.Request) { r.URL.Scheme = "http"; r.Response = &http.Response{} }},
		"renewal fails":     {marked, failing{nil, broken}, nil},
		"renewed recently":  {marked, failing{nil, core.ErrRenewedRecently}, nil},
		"refused for ever":  {marked, newSource(), nil},
		"base fails, first": {base(func(req *http.Request) (*http.Response, error) { consume(req); return nil, broken }), newSource(), nil},
	} {
		var bodies []*spyBody
		open := func() (io.ReadCloser, error) {
			b := &spyBody{r: strings.NewReader("body")}
			bodies = append(bodies, b)
			return b, nil
		}
		req := get(t, "https://app.example.com/")
		req.Method, req.GetBody = "POST", open
		req.Body, _ = open()
		if c.change != nil {
			c.change(req)
		}
		tr := newTransport(t, c.src, iap.Options{Origins: []string{"https://app.example.com"}, Base: c.base})
		if resp, err := tr.RoundTrip(req); err == nil || resp != nil {
			t.Errorf("%s: %v, %v", name, resp, err)
		}
		for i, b := range bodies {
			if !b.closed.Load() {
				t.Errorf("%s: body %d of %d is open", name, i+1, len(bodies))
			}
		}
	}
}

// failing gives errors, or tokens if they are nil; the first of them empty when
// both are.
type failing struct{ token, renew error }

func (f failing) IDToken(context.Context) (core.IDToken, error) {
	if f.token == nil && f.renew == nil {
		return core.IDToken{}, nil
	}
	return tokenOf(1), f.token
}

func (f failing) Renew(context.Context, core.IDToken) (core.IDToken, error) {
	return tokenOf(2), f.renew
}

// With Expect: 100-continue IAP refuses before the body is sent, so that a stale
// token costs no upload.
func TestContinueIsWaitedForOnBothTries(t *testing.T) {
	t.Parallel()
	const size = 8 << 20
	srv, n := serve(t, "http", func(w http.ResponseWriter, r *http.Request) {
		if generation(r.Header.Get("Authorization")) < 2 {
			w.Header().Set("Connection", "close")
			refuse(w) // without reading, so that no 100 is sent
			return
		}
		read, _ := io.Copy(io.Discard, r.Body)
		if read != size {
			t.Errorf("%d bytes arrived", read)
		}
	})
	b := wire(t)
	b.ExpectContinueTimeout = time.Minute
	tr := newTransport(t, newSource(), iap.Options{Origins: []string{srv.URL}, Base: b})
	var bodies []*spyBody
	open := func() (io.ReadCloser, error) {
		bodies = append(bodies, &spyBody{r: io.LimitReader(zeros{}, size)})
		return bodies[len(bodies)-1], nil
	}
	req := get(t, srv.URL)
	req.Method, req.GetBody, req.ContentLength = "PUT", open, size
	req.Body, _ = open()
	req.Header.Set("Expect", "100-continue")
	resp, err := tr.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	finish(t, resp)
	if resp.StatusCode != 200 || n.Load() != 2 || len(bodies) != 2 || bodies[0].read.Load() != 0 || bodies[1].read.Load() != size {
		t.Errorf("%d after %d requests; first body: %d bytes sent", resp.StatusCode, n.Load(), bodies[0].read.Load())
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
