package forwardproxy

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/peercred"
)

var quiet = log.New(io.Discard, "", 0)

// Who does not show the credential gets nothing, whatever is asked.
func TestWithoutTheCredentialNothingPasses(t *testing.T) {
	w := newWorld(t, nil)
	basic := func(s string) string {
		return "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(s))
	}
	for _, headers := range [][]string{
		nil, {basic(user + ":wrong")}, {basic(user + ":")}, {basic(user)}, {basic(w.secret)}, {basic(":" + w.secret + "x")},
		{"Proxy-Authorization: Bearer " + w.secret}, {"Proxy-Authorization: Basic !"}, {"Proxy-Authorization: Basic"},
		{strings.Replace(w.credential(), "Proxy-", "", 1)}, {unopened + ": 1"},
	} {
		for _, authority := range []string{host + ":443", w.target.address()} {
			if _, res := w.dial(t, authority, headers...); res.StatusCode != http.StatusProxyAuthRequired || res.Header.Get("Proxy-Authenticate") == "" {
				t.Errorf("CONNECT %s with %q: %s", authority, headers, res.Status)
			}
		}
	}
	bare := &url.URL{Scheme: "http", Host: "127.0.0.1:" + w.port}
	for _, at := range []string{"http://" + host, "/"} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", bare.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if at != "/" {
			req.URL.Opaque = at
		}
		res, _ := do(t, http.DefaultClient, req)
		wantStatus(t, res, http.StatusProxyAuthRequired)
	}
	http.DefaultClient.CloseIdleConnections()
	if len(w.target.requests) > 0 {
		t.Error("the target was reached")
	}
}

// Without the credential, a process comes in that the command is or has started, and no
// other. One that shows another credential does not.
func TestOnlyTheCommandsProcessesComeInWithoutTheCredential(t *testing.T) {
	if !peercred.Supported() {
		t.Skip("this system does not tell whose a connection is")
	}
	curl := func(w *world, credential string) string {
		out, _ := exec.CommandContext(t.Context(), "curl", "-sk", "-o", "/dev/null", "-w", "%{http_connect} %{http_code}", "-x", "http://"+credential+w.Bare(), "https://"+host).Output()
		return string(out)
	}
	w := newWorld(t, nil, func(o *Options) { o.Process = os.Getpid() })
	if out := curl(w, ""); out != "200 200" {
		t.Errorf("a process of the command: %s", out)
	}
	if out := curl(w, user+":wrong@"); out != "407 000" {
		t.Errorf("with another credential: %s", out)
	}
	other := exec.Command("cat")
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close(); _ = other.Wait() }()
	w = newWorld(t, nil, func(o *Options) { o.Process = other.Process.Pid })
	if out := curl(w, ""); out != "407 000" || len(w.target.requests) > 0 {
		t.Errorf("another process: %s", out)
	}
}

// What names the target, where CONNECT did not, gets no token.
func TestATargetsNameElsewhereGetsNoToken(t *testing.T) {
	other := newService(t, true, nil)
	w := newWorld(t, nil)
	for _, authority := range []string{other.address(), w.target.address()} {
		c, res := w.dial(t, authority, w.credential())
		wantStatus(t, res, http.StatusOK)
		to := other
		if authority == w.target.address() {
			to = w.target
		}
		tc, err := w.secure(c, host, to) // by the name of the target
		if err != nil {
			t.Fatal(err)
		}
		if issuer := tc.ConnectionState().PeerCertificates[0].Issuer.CommonName; strings.Contains(issuer, "tokentoss") {
			t.Errorf("the connection to %s was opened", authority)
		}
		fmt.Fprintf(tc, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", host)
		res, err = http.ReadResponse(bufio.NewReader(tc), nil)
		if err != nil {
			t.Fatal(err)
		}
		wantStatus(t, res, http.StatusOK)
	}
	other.wantNoToken(t)
	w.target.wantNoToken(t)
}

// An opened connection is to the target that CONNECT named, by whatever name.
func TestAnotherNameInAnOpenedConnectionIsRefused(t *testing.T) {
	w := newWorld(t, nil)
	c, _ := w.dial(t, host+":443", w.credential())
	if _, err := w.secure(c, "other.test", w.target); err == nil {
		t.Error("another name in TLS was answered")
	}
	for _, request := range []string{
		"GET / HTTP/1.1\r\nHost: other.test\r\n", "GET / HTTP/1.1\r\nHost: " + host + ":8443\r\n", "GET https://other.test/ HTTP/1.1\r\nHost: " + host + "\r\n",
		"GET / HTTP/1.1\r\nHost: sub." + host + "\r\n", "GET / HTTP/1.1\r\nHost: user@" + host + "\r\n", "GET / HTTP/1.0\r\n",
		"TRACE / HTTP/1.1\r\nHost: " + host + "\r\n", "CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n", "CONNECT " + host + ":443 HTTP/1.1\r\nHost: " + host + ":443\r\n",
	} {
		c, _ := w.dial(t, host+":443", w.credential())
		tc, err := w.secure(c, host, w.target)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(tc, request+"\r\n")
		res, err := http.ReadResponse(bufio.NewReader(tc), nil)
		if err != nil || res.StatusCode < 400 || res.StatusCode >= 500 {
			t.Errorf("%q: %v, %v", request, res, err)
		}
	}
	client := w.client(t, true)
	for _, method := range []string{"GET", "TRACE"} {
		req, err := http.NewRequestWithContext(t.Context(), method, "https://"+host+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if method == "GET" {
			req.Host = "other.test"
		}
		if res, body := do(t, client, req); res.StatusCode < 400 || !strings.Contains(body, "tokentoss") {
			t.Errorf("HTTP/2, %s: %s %s", method, res.Status, body)
		}
	}
	if n := len(w.target.requests); n != 0 {
		t.Errorf("%d requests reached the target", n)
	}
}

// The token goes to the target's port alone, and to its name alone, in whatever letters.
func TestOnlyTheExactTargetIsOpened(t *testing.T) {
	w := newWorld(t, nil)
	for authority, opened := range map[string]bool{
		host + ":443": true, "EXAMPLE.com:443": true, host + ".:443": true,
		host + ":8443": false, "sub." + host + ":443": false, "example.co:443": false, "xexample.com:443": false, "[::1]:443": false,
		"example.com.evil.test:443": false, "exam\u212aple.com:443": false, "example.com:0443": false,
	} {
		if got := w.find(authority, "") != nil; got != opened {
			t.Errorf("%s: opened %t", authority, got)
		}
	}
}

// A redirect to another service, or to http, takes no token along.
func TestRedirectsTakeNoTokenAlong(t *testing.T) {
	other := newService(t, true, nil)
	plain := newService(t, false, nil)
	w := newWorld(t, func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, r.URL.Query().Get("to"), http.StatusTemporaryRedirect)
	})
	for _, h2 := range []bool{false, true} {
		client := w.client(t, h2, other)
		for _, to := range []string{other.URL, plain.URL} {
			res, _ := get(t, client, "https://"+host+"/?to="+url.QueryEscape(to))
			wantStatus(t, res, http.StatusOK)
		}
	}
	other.wantNoToken(t)
	plain.wantNoToken(t)
	if got := w.target.tokens(); len(got) != 4 || got[0] != "Bearer t1" {
		t.Errorf("the target got %q", got)
	}
}

// A program that speaks http to the target's name gets no token.
func TestPlainHTTPToATargetHasNoToken(t *testing.T) {
	plain := newService(t, false, nil)
	w := newWorld(t, nil, func(o *Options) { o.Base.DialContext = to(plain.address()) })
	for _, address := range []string{"http://" + host, "http://" + host + ":443", "http://" + plain.address()} {
		res, _ := get(t, w.client(t, false), address)
		wantStatus(t, res, http.StatusOK)
	}
	plain.wantNoToken(t)
}

// A target that is not https is refused, and so is what is no URL.
func TestTargetsAreHTTPS(t *testing.T) {
	for _, target := range []string{"http://example.com", "example.com", "", "https://", "ftp://example.com", "http://127.0.0.1:8080", "https://user@example.com", "https://*.example.com", "https://example.com:x"} {
		if _, err := New(Options{Targets: []string{target}, Tokens: &source{}}); err == nil {
			t.Errorf("%q was taken", target)
		}
	}
	if _, err := New(Options{Tokens: &source{}}); err == nil {
		t.Error("no target was taken")
	}
}
