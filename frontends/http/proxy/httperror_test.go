package proxy_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// problem is what the proxy says to programs.
type problem struct{ Error, Message, Hint string }

// asks requests a path as a program and as a browser do, and returns what both are
// told.
func (w *world) asks(t *testing.T, path string) (*http.Response, problem) {
	t.Helper()
	res, body := w.do(t, get(t, w.URL+path, "Accept", "application/json"))
	var p problem
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%d %s: %v", res.StatusCode, body, err)
	}
	if res.Header.Get("Tokentoss-Error") != p.Error || res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v", res.Header)
	}
	page, text := w.do(t, get(t, w.URL+path, "Accept", "text/html,application/xhtml+xml,*/*;q=0.8"))
	if page.StatusCode != res.StatusCode || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") ||
		!strings.Contains(page.Header.Get("Content-Security-Policy"), "default-src 'none'") || !strings.Contains(text, "<h1>") {
		t.Errorf("the page: %d %v\n%s", page.StatusCode, page.Header, text)
	}
	for _, secret := range []string{w.Secret.Reveal(), "token-", "<script"} {
		if strings.Contains(body+text, secret) {
			t.Errorf("%q is in it:\n%s\n%s", secret, body, text)
		}
	}
	return res, p
}

// What IAP refuses is said with who, where and what to do.
func TestRefusals(t *testing.T) {
	e := emulate(t, emulator.Options{})
	w := start(t, signedIn(t, e), proxy.Config{Targets: []string{e.IAPURL()}}, proxy.Options{})
	e.SetIAPPolicy(func(emulator.IAPRequest) emulator.IAPDecision {
		return emulator.IAPDecision{Status: http.StatusForbidden, Text: "You don't have access<script>"}
	})
	res, p := w.asks(t, "/whoami")
	if res.StatusCode != http.StatusForbidden || p.Error != "no_access" || !strings.Contains(p.Message, email) || !strings.Contains(p.Hint, "roles/iap.httpsResourceAccessor") {
		t.Errorf("%d %+v", res.StatusCode, p)
	}
	e.SetIAPPolicy(emulator.RefuseAlways)
	if res, p = w.asks(t, "/whoami"); res.StatusCode != http.StatusForbidden || p.Error != "token_refused" || !strings.Contains(p.Hint, "allowlist") {
		t.Errorf("%d %+v", res.StatusCode, p)
	}
	// The app's own refusals are its own.
	e.SetIAPPolicy(nil)
	for path, want := range map[string]int{"/401": 401, "/403": 403} {
		if res, body := w.do(t, get(t, w.URL+path)); res.StatusCode != want || !strings.Contains(body, "The app itself") {
			t.Errorf("%s: %d %s", path, res.StatusCode, body)
		}
	}
}

// A guard that sends to the sign-in page of the profile's own provider refuses the token
// as IAP does: it is renewed once, and then said. Other redirects are the service's.
func TestOtherGuards(t *testing.T) {
	var to string
	app := &ada{issuer: "https://login.example/realms/x"}
	w := start(t, app, proxy.Config{Targets: []string{serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) })}}, proxy.Options{})
	to = "https://login.example/realms/x/protocol/openid-connect/auth?client_id=x"
	before := app.renewed.Load()
	if res, p := w.asks(t, "/page"); res.StatusCode != http.StatusForbidden || p.Error != "token_refused" || res.Header.Get("Location") != "" || res.Header.Get("Www-Authenticate") != "" {
		t.Errorf("%d %+v %v", res.StatusCode, p, res.Header)
	}
	if n := app.renewed.Load() - before; n < 1 || n > 2 { // by a program and by a browser
		t.Errorf("renewed %d times for two requests", n)
	}
	for _, to = range []string{"/elsewhere", "https://elsewhere.example/auth", "https://login.example.evil.example/realms/x"} {
		if res, _ := w.do(t, get(t, w.URL+"/page")); res.StatusCode != http.StatusFound || res.Header.Get("Location") != to {
			t.Errorf("%s: %d %v", to, res.StatusCode, res.Header)
		}
	}
}

// What stands in the way of a token is said with the next command.
func TestNoToken(t *testing.T) {
	app := &ada{}
	w := start(t, app, proxy.Config{Targets: []string{serve(t, func(http.ResponseWriter, *http.Request) {})}}, proxy.Options{})
	for _, c := range []struct {
		err        error
		status     int
		code, hint string
	}{
		{core.ErrNotConfigured, 403, "not_configured", "tokentoss configure"},
		{&core.SignInNeededError{Cause: core.CauseRevoked, Email: email}, 403, "sign_in_needed", "tokentoss login"},
		{&fault.Error{Kind: fault.Offline, Subject: "oauth2.googleapis.com"}, 503, "offline", "online"},
		{&fault.Error{Kind: fault.ProviderBusy, Subject: "oauth2.googleapis.com"}, 503, "provider_busy", "try again"},
		{&fault.Error{Kind: fault.WrongClock}, 403, "wrong_clock", "set the clock"},
		{errTest, 500, "failed", "tokentoss doctor"},
		{hinted{errTest}, 500, "failed", "turn it off and on"},
	} {
		app.fail.Store(&c.err)
		res, p := w.asks(t, "/")
		if res.StatusCode != c.status || p.Error != c.code || !strings.Contains(p.Hint, c.hint) || !strings.Contains(p.Message, c.err.Error()) {
			t.Errorf("%v: %d %+v", c.err, res.StatusCode, p)
		}
	}
	app.fail.Store(nil)
	if res, _ := w.do(t, get(t, w.URL+"/")); res.StatusCode != http.StatusOK {
		t.Errorf("afterwards %d", res.StatusCode)
	}
}

// Each kind of fault has the status, the code and the words of the table, to gRPC too.
func TestEveryKindIsAnsweredByTheTable(t *testing.T) {
	app := &ada{}
	w := start(t, app, proxy.Config{Targets: []string{serve(t, func(http.ResponseWriter, *http.Request) {})}}, proxy.Options{})
	for _, row := range fault.Table() {
		err := error(&fault.Error{Kind: row.Kind, Problem: "because"})
		app.fail.Store(&err)
		res, p := w.asks(t, "/")
		if res.StatusCode != row.HTTP || p.Error != string(row.Kind) || !strings.Contains(p.Message, row.Text) || p.Hint == "" {
			t.Errorf("%s: %d %+v", row.Kind, res.StatusCode, p)
		}
		r := post(t, w.URL+"/service/Method", nil)
		r.Header.Set("Content-Type", "application/grpc")
		if res, _ := w.do(t, r); res.StatusCode != http.StatusOK || res.Header.Get("Grpc-Status") != fmt.Sprint(row.GRPC) {
			t.Errorf("%s: gRPC is told %s %v", row.Kind, res.Status, res.Header)
		}
	}
}

// Who is signed out is told so by every kind of client, and none asks again and again:
// the answer is not IAP's, not temporary, and does not ask for other credentials.
func TestSignedOut(t *testing.T) {
	app := &ada{}
	signedOut := error(&core.SignInNeededError{Cause: core.CauseSignedOut})
	app.fail.Store(&signedOut)
	w := start(t, app, proxy.Config{Targets: []string{serve(t, func(http.ResponseWriter, *http.Request) {})}}, proxy.Options{})
	const says = "run tokentoss login"
	for _, c := range []struct {
		headers []string
		kind    string
	}{
		{nil, "application/problem+json"}, {[]string{"Accept", "*/*"}, "application/problem+json"},
		{[]string{"Accept", "application/vnd.pypi.simple.v1+json, text/html; q=0.01"}, "application/problem+json"},
		{[]string{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}, "text/html; charset=utf-8"},
		{[]string{"Accept", "text/plain"}, "text/plain; charset=utf-8"},
		{[]string{"User-Agent", "git/2.39.5", "Accept", "*/*"}, "text/plain; charset=utf-8"},
	} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			r := get(t, w.URL+"/x", c.headers...)
			if r.Method = method; method == "POST" { // more than the socket holds: it is not read, and does not reset the answer
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", 900<<10))), 900<<10
			}
			res, body := w.do(t, r)
			if res.StatusCode != http.StatusForbidden || res.Header.Get("Content-Type") != c.kind || !strings.Contains(res.Status, says) {
				t.Errorf("%s %q: %s %v", method, c.headers, res.Status, res.Header)
			}
			if method != "HEAD" && !strings.Contains(body, says) {
				t.Errorf("%s %q: %s", method, c.headers, body)
			}
			if h := res.Header; h.Get("Www-Authenticate") != "" || h.Get("X-Goog-Iap-Generated-Response") != "" || h.Get("Tokentoss-Error") != "sign_in_needed" || h.Get("Cache-Control") != "no-store" || h.Get("Retry-After") != "" {
				t.Errorf("%s %q: %v", method, c.headers, h)
			}
		}
	}
	_, body := w.do(t, get(t, w.URL+"/x"))
	var p struct{ Code, Message, Detail string }
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Code != "sign_in_needed" || !strings.Contains(p.Message, says) || p.Detail != p.Message {
		t.Errorf("%s %v", body, err)
	}
	for _, kind := range []string{"application/grpc", "application/grpc-web+proto"} {
		r := post(t, w.URL+"/service/Method", nil)
		r.Header.Set("Content-Type", kind)
		res, _ := w.do(t, r)
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != kind || res.Header.Get("Grpc-Status") != "16" || !strings.Contains(res.Header.Get("Grpc-Message"), "tokentoss%20login") {
			t.Errorf("%s: %s %v", kind, res.Status, res.Header)
		}
	}
}

type hinted struct{ error }

func (hinted) Hint() string { return "turn it off and on" }

// What stands in the way of the service: it is down, not found, not to be trusted,
// or speaks something else.
func TestServiceCannotBeReached(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	down := "http://" + l.Addr().String()
	l.Close()
	untrusted := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	untrusted.Config.ErrorLog = quiet()
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	nowhere := proxy.NewBase()
	nowhere.DialContext = func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "app.example.com", IsNotFound: true}}
	}
	slow := proxy.NewBase()
	slow.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, context.DeadlineExceeded }
	for _, c := range []struct {
		target string
		base   http.RoundTripper
		status int
		code   string
		hint   string
	}{
		{down, nil, 502, "upstream", "whether the service runs"},
		{untrusted.URL, nil, 502, "upstream_tls", "certificate authority"},
		{strings.Replace(plain, "http:", "https:", 1), nil, 502, "upstream_tls", "scheme and port"},
		{"https://app.example.com", nowhere, 502, "upstream_name", "its name"},
		{"https://app.example.com", slow, 504, "upstream_timeout", "try again"},
	} {
		w := start(t, &ada{}, proxy.Config{Targets: []string{c.target}}, proxy.Options{Base: c.base})
		res, p := w.asks(t, "/path?query")
		if res.StatusCode != c.status || p.Error != c.code || !strings.Contains(p.Hint, c.hint) || !strings.Contains(p.Message, strings.TrimPrefix(c.target, "https://")) || strings.Contains(p.Message, "query") {
			t.Errorf("%s: %d %+v", c.target, res.StatusCode, p)
		}
	}
}

// The log has a line for what failed, or for everything: no header, no value of a
// query, no secret, not even an old one.
func TestLog(t *testing.T) {
	for _, c := range []struct {
		kind string
		json bool
		want int
	}{{proxy.LogErrors, false, 2}, {proxy.LogAll, false, 3}, {proxy.LogAll, true, 3}, {proxy.LogNone, false, 0}} {
		dir := t.TempDir()
		file := dir + "/log"
		w := start(t, &ada{}, proxy.Config{
			Targets: []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/bad" {
					w.WriteHeader(http.StatusInternalServerError)
				}
			})}, Log: c.kind, JSON: c.json, LogFile: file,
		}, proxy.Options{})
		w.do(t, get(t, w.URL+"/~"+w.Secret.Reveal()+"/good?password=hunter2", "X-Request-Id", "af-7.1"))
		w.do(t, get(t, w.URL+"/bad", "X-Header", "hunter2", "X-Request-Id", "hunter2 {"))
		res, err := w.client.Transport.(showing).base.RoundTrip(get(t, w.URL+"/~OLDSECRETOLDSECRET/x?hunter2"))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if err := w.stop(); err != nil {
			t.Error(err)
		}
		text := read(t, file)
		var lines []string
		if text != "" {
			lines = strings.Split(strings.TrimSuffix(text, "\n"), "\n")
		}
		if len(lines) != c.want || strings.Contains(text, "hunter2") || strings.Contains(text, "OLDSECRET") || strings.Contains(text, w.Secret.Reveal()) || strings.Contains(text, "token-") {
			t.Errorf("%+v: %d lines\n%s", c, len(lines), text)
			continue
		}
		if c.json {
			var e struct {
				ID, Method, Path, Error string
				Status                  int
				Query                   bool
			}
			if err := json.Unmarshal([]byte(lines[0]), &e); err != nil || e.Method != "GET" || e.Path != "/good" || e.Status != 200 || !e.Query || e.ID != "af-7.1" {
				t.Errorf("%s: %v", lines[0], err)
			}
			if err := json.Unmarshal([]byte(lines[2]), &e); err != nil || e.Path != "/~.../x" || e.Error != "secret_needed" {
				t.Errorf("%s: %v", lines[2], err)
			}
		} else if c.kind == proxy.LogAll && !strings.Contains(lines[0], " GET /good?... 200 0B ") {
			t.Errorf("%s", lines[0])
		}
	}
}

// Each request that is logged has a name: the client's, where that is fit for a log, or one of the proxy's own. The service is told
// it, and so is the client, unless the service has a name of its own.
func TestRequestsHaveANameThatIsInTheLog(t *testing.T) {
	file := t.TempDir() + "/log"
	var told []string
	w := start(t, &ada{}, proxy.Config{Targets: []string{serve(t, func(w http.ResponseWriter, r *http.Request) {
		told = append(told, r.Header.Get("X-Request-Id"))
		if r.URL.Path == "/own" {
			w.Header().Set("X-Request-Id", "of-the-service")
		}
		w.WriteHeader(http.StatusEarlyHints)
	})}, Log: proxy.LogAll, JSON: true, LogFile: file}, proxy.Options{})
	base := w.URL + "/~" + w.Secret.Reveal()
	var answered []string
	for _, req := range []*http.Request{
		get(t, base+"/", "X-Request-Id", "of-the-client"), get(t, base+"/own", "X-Request-Id", "of-the-client"), get(t, base+"/"), get(t, base+"/", "X-Request-Id", "not fit {"),
		get(t, base+"/", "X-Request-Id", w.Secret.Reveal()), get(t, w.URL+"/~OLDSECRETOLDSECRET/x"),
	} {
		res, err := w.client.Transport.(showing).base.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		answered = append(answered, strings.Join(res.Header["X-Request-Id"], ", "))
	}
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	var logged []string
	for line := range strings.Lines(read(t, file)) {
		var e struct{ ID string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		logged = append(logged, e.ID)
	}
	if len(logged) != 6 || len(told) != 5 {
		t.Fatalf("logged %q, told the service %q", logged, told)
	}
	for i, id := range logged {
		given := i < 2
		own := i == 1
		switch {
		case given != (id == "of-the-client"), !given && len(id) < 20, strings.Contains(id, w.Secret.Reveal()):
			t.Errorf("request %d has the name %q", i, id)
		case i < len(told) && told[i] != id:
			t.Errorf("request %d is %q in the log, and the service was told %q", i, id, told[i])
		case own != (answered[i] == "of-the-service"), !own && answered[i] != id:
			t.Errorf("request %d is %q in the log, and the client was told %q", i, id, answered[i])
		}
	}
}

// Wherever the secret stands in a request, and however it is written, the log does not
// have it.
func TestLogRedacts(t *testing.T) {
	file := t.TempDir() + "/log"
	w := start(t, &ada{}, proxy.Config{Targets: []string{serve(t, func(http.ResponseWriter, *http.Request) {})}, Log: proxy.LogAll, LogFile: file}, proxy.Options{})
	secret := w.Secret.Reveal()
	coded := base64.StdEncoding.EncodeToString([]byte("tokentoss:" + secret))
	requests := 0
	for _, path := range []string{
		"//~SECRET/x", "/~SECRET", "/~SECRET/x", "/x/~SECRET/y", "/SECRET", "/xSECRETx", "/%7ESECRET/x", "/~%SECRET", "/~%53ECRET", "/~tokentoss/open/SECRET", "/x/~tokentoss/open/CODE",
		"/CODED", "/x?~SECRET", "/xHALFSECRETREST", "/lower", "/~OLDOLDOLDOLDOLDOLDOLD/x", "//~OLDOLDOLDOLDOLDOLDOLD/x",
	} {
		path = strings.NewReplacer("HALFSECRETREST", secret[:9]+secret+secret[9:], "lower", strings.ToLower(secret), "%53ECRET", fmt.Sprintf("%%%X%s", secret[0], secret[1:]), "SECRET", secret, "CODED", coded).Replace(path)
		for _, method := range []string{"GET", secret} {
			for _, show := range []string{"", "Tokentoss-Secret: " + secret + "\r\n", "X-Request-Id: " + secret + "\r\n"} {
				w.raw(t, method+" "+path+" HTTP/1.1\r\nHost: "+strings.TrimPrefix(w.URL, "http://")+"\r\n"+show+"Connection: close\r\n\r\n")
				requests++
			}
		}
	}
	w.raw(t, "GET / HTTP/1.1\r\nHost: "+secret+".localhost\r\nConnection: close\r\n\r\n")
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	text := read(t, file)
	if n := strings.Count(text, "\n"); n < requests/2 {
		t.Errorf("%d lines of %d requests", n, requests)
	}
	for _, hidden := range []string{secret, secret[1:], secret[:9], strings.ToLower(secret), coded, "OLDOLD", "CODE"} {
		if strings.Contains(text, hidden) {
			t.Errorf("%s is in the log:\n%s", hidden, text)
		}
	}
}

// The status line counts, and says until when the token is valid; it goes in the
// end. The lines above it say where the proxy is.
func TestScreen(t *testing.T) {
	target := serve(t, func(w http.ResponseWriter, _ *http.Request) {})
	w := start(t, &ada{}, proxy.Config{Targets: []string{target}}, proxy.Options{})
	w.screen.find(t, target+" is at "+w.URL+"/")
	w.screen.find(t, "password "+w.Secret.Reveal())
	w.screen.find(t, "for "+email)
	w.do(t, get(t, w.URL+"/"))
	w.screen.await(t, "1 requests, 0 errors, token until ")
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	w.screen.await(t, "")
	if s := fmt.Sprint(w.screen.all()); strings.Contains(s, "token-") {
		t.Error(s)
	}
}
