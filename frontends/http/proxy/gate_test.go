package proxy_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// counted is a proxy whose service counts.
func counted(t *testing.T) (*world, *atomic.Int64) {
	var n atomic.Int64
	return in(t, func(http.ResponseWriter, *http.Request) { n.Add(1) }), &n
}

// A Host that is not one of the proxy's is refused before anything else, with
// the secret as without it, and for OPTIONS too.
func TestForeignHost(t *testing.T) {
	w, n := counted(t)
	at := strings.TrimPrefix(w.URL, "http://")
	_, port, _ := net.SplitHostPort(at)
	for _, host := range []string{
		"evil.example", "evil.example:" + port, "localhost.evil.example:" + port, "127.0.0.1", "localhost", "127.0.0.1:1", "127.0.0.2:" + port,
		"x.localhost:" + port, "localhost.:" + port, "user@" + at, "", "0x7f.1:" + port, "[::ffff:127.0.0.1]:" + port,
	} {
		for _, request := range []string{"GET / HTTP/1.1", "OPTIONS * HTTP/1.1", "POST / HTTP/1.1"} {
			res, _ := w.raw(t, request+"\r\nHost: "+host+"\r\nContent-Length: 0\r\nTokentoss-Secret: "+w.Secret.Reveal()+"\r\n\r\n")
			if c := res.StatusCode; c != http.StatusMisdirectedRequest && c != http.StatusBadRequest {
				t.Errorf("%s with Host %q: %d", request, host, res.StatusCode)
			}
			clean(t, res)
		}
	}
	if res, _ := w.raw(t, "GET / HTTP/1.0\r\nTokentoss-Secret: "+w.Secret.Reveal()+"\r\n\r\n"); res.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("without Host: %d", res.StatusCode)
	}
	for _, host := range []string{at, "localhost:" + port, "LocalHost:" + port, "[::1]:" + port} {
		n.Store(0)
		if res, _ := w.do(t, get(t, w.URL, "Host", host)); res.StatusCode != http.StatusOK || n.Load() != 1 {
			t.Errorf("own Host %q: %d", host, res.StatusCode)
		}
	}
}

// clean wants no header that lets pages of others in.
func clean(t *testing.T, res *http.Response) {
	t.Helper()
	for name := range res.Header {
		if strings.HasPrefix(name, "Access-Control-") {
			t.Errorf("the answer %d has %s", res.StatusCode, name)
		}
	}
}

// What a page of another site or another port sends is refused, though
// the browser adds what it knows; no header invites it.
func TestForeignPages(t *testing.T) {
	w, n := counted(t)
	for _, headers := range [][]string{
		{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Origin", ""}, {"Origin", "http://localhost.evil.example"}, {"Origin", "http://127.0.0.1.evil.example:5173"},
		{"Origin", w.URL, "Origin", "https://evil.example"}, {"Origin", "http://localhost:5173", "Origin", "https://evil.example"},
		{"Origin", "http://localhost:5173", "Sec-Fetch-Site", "same-site"}, {"Origin", "file://localhost"}, {"Origin", "http://localhost:5173", "Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"},
		{"Sec-Fetch-Site", "same-origin", "Origin", "https://evil.example"},
		{"Origin", "https://evil.example", "Access-Control-Request-Method", "GET", "Access-Control-Request-Private-Network", "true"},
	} {
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			r := get(t, w.URL+"/", headers...)
			r.Method = method
			res, _ := w.do(t, r)
			if res.StatusCode != http.StatusForbidden {
				t.Errorf("%s %q: %d", method, headers, res.StatusCode)
			}
			clean(t, res)
		}
	}
	if n.Load() != 0 {
		t.Errorf("%d requests reached the service", n.Load())
	}
	for _, headers := range [][]string{{"Origin", w.URL}, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"}} {
		if res, _ := w.do(t, get(t, w.URL+"/", headers...)); res.StatusCode != http.StatusOK {
			t.Errorf("%q: %d", headers, res.StatusCode)
		}
	}
}

// Without the secret nothing is forwarded. Tools are asked for a password,
// browsers get a page.
func TestWithoutSecret(t *testing.T) {
	w, n := counted(t)
	for _, headers := range [][]string{
		nil, {"Tokentoss-Secret", ""}, {"Tokentoss-Secret", "wrong"}, {"Tokentoss-Secret", w.Secret.Reveal() + "x"}, {"Tokentoss-Secret", w.Secret.Reveal()[1:]},
		{"Authorization", "Basic dG9rZW50b3NzOg=="}, {"Authorization", "Basic !"}, {"Authorization", "Bearer " + w.Secret.Reveal()},
		{"Cookie", "tokentoss-proxy-1=" + w.Secret.Reveal()}, {"Referer", w.URL + "/~" + w.Secret.Reveal() + "/"},
	} {
		r := get(t, w.URL+"/?key="+w.Secret.Reveal(), headers...)
		res, err := w.client.Transport.(showing).base.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusUnauthorized || !strings.HasPrefix(res.Header.Get("Www-Authenticate"), "Basic ") {
			t.Errorf("%q: %d", headers, res.StatusCode)
		}
	}
	for _, path := range []string{"/~" + w.Secret.Reveal() + "x/", "/~/", "/~wrong/", "/%7E" + w.Secret.Reveal() + "/"} {
		res, err := w.client.Transport.(showing).base.RoundTrip(get(t, w.URL+path))
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	res, err := w.client.Transport.(showing).base.RoundTrip(get(t, w.URL+"/", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "none", "Accept", "text/html"))
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close(); res.StatusCode != http.StatusForbidden || res.Header.Get("Www-Authenticate") != "" || !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("a browser: %d %v", res.StatusCode, res.Header)
	}
	if n.Load() != 0 {
		t.Errorf("%d requests reached the service", n.Load())
	}
}

// A development server on this machine forwards what its pages ask, with their Origin.
// It shows the secret; a page of another port that has the browser's cookie does not.
func TestDevelopmentServer(t *testing.T) {
	w := in(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Seen", r.Header.Get("Origin")) })
	cookie := w.browse(t)
	for _, origin := range []string{"http://localhost:5173", "http://127.0.0.1:3000", "https://localhost:5173", "http://[::1]:5173", "http://app.localhost:5173"} {
		for _, show := range [][]string{
			{"Tokentoss-Secret", w.Secret.Reveal()}, {"Authorization", basic("tokentoss", w.Secret.Reveal())}, {"Cookie", cookie, "Tokentoss-Secret", w.Secret.Reveal()},
		} {
			r := get(t, w.URL+"/", append(show, "Origin", origin, "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty")...)
			r.Method = "POST"
			if res := w.bare(t, r); res.StatusCode != http.StatusOK || res.Header.Get("Seen") == origin {
				t.Errorf("%s, %q: %d, the service saw %s", origin, show, res.StatusCode, res.Header.Get("Seen"))
			}
		}
		res := w.bare(t, get(t, w.URL+"/~"+w.Secret.Reveal()+"/", "Origin", origin))
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s, in the path: %d", origin, res.StatusCode)
		}
		if res = w.bare(t, get(t, w.URL+"/", "Origin", origin, "Cookie", cookie)); res.StatusCode != http.StatusForbidden {
			t.Errorf("%s, with the cookie: %d", origin, res.StatusCode)
		}
	}
	// Without a secret, nobody shows one.
	open := start(t, &ada{}, proxy.Config{Targets: []string{serve(t, func(http.ResponseWriter, *http.Request) {})}, Secret: proxy.SecretNone}, proxy.Options{})
	if res := open.bare(t, get(t, open.URL+"/", "Origin", "http://localhost:5173")); res.StatusCode != http.StatusForbidden {
		t.Errorf("without a secret: %d", res.StatusCode)
	}
	// The fetch of Node says no more than its mode: it is asked for the secret as
	// tools are.
	if res := w.bare(t, get(t, w.URL+"/", "Sec-Fetch-Mode", "cors")); res.StatusCode != http.StatusUnauthorized || res.Header.Get("Www-Authenticate") == "" {
		t.Errorf("Node's fetch: %d", res.StatusCode)
	}
}

// The secret is taken from several places, and goes on to the service from none: not
// from another one than that which was looked at first, either.
func TestSecretGoesNoFurther(t *testing.T) {
	var seen string
	w := in(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		seen = fmt.Sprint(r.RequestURI, r.Header, r.Trailer)
	})
	secret, host := w.Secret.Reveal(), strings.TrimPrefix(w.URL, "http://")
	coded := base64.StdEncoding.EncodeToString([]byte("tokentoss:" + secret))
	hidden := []string{secret, coded, base64.StdEncoding.EncodeToString([]byte("ada:" + secret)), "tokentoss-proxy-"}
	cookie := w.browse(t)
	shows := []string{
		"Tokentoss-Secret: " + secret, "Authorization: " + basic("ada", secret), "Authorization: Bearer app\r\nAuthorization: " + basic("ada", secret),
		"Authorization: " + basic("ada", secret) + "\r\nAuthorization: Bearer app", "Proxy-Authorization: " + basic("ada", secret), "Cookie: a=b; " + cookie,
	}
	for _, show := range shows {
		for _, also := range append([]string{
			"", "Authorization: Bearer " + secret, "X-Forwarded-Authorization: " + basic("ada", secret), "X-Custom: " + secret, "X-Custom: x" + coded + "x", "Cookie: last=/~" + secret + "/x",
			"Referer: " + w.URL + "/~" + secret + "/page", "Origin: " + w.URL, "Destination: " + w.URL + "/~" + secret + "/x", "Destination: https://elsewhere.example/~" + secret + "/x",
			"If: <" + w.URL + "/~" + secret + "/x> ([\"e\"])", "X-Original-Url: /~" + secret + "/",
		}, shows...) {
			for _, path := range []string{"/x", "/~SECRET/x", "//~SECRET/x", "/x/~SECRET", "/x?next=/~SECRET/y", "/x?next=%2F~SECRET%2Fy", "/x?key=SECRET", "/SECRET"} {
				seen = ""
				res, _ := w.raw(t, "POST "+strings.ReplaceAll(path, "SECRET", secret)+" HTTP/1.1\r\nHost: "+host+"\r\n"+show+"\r\n"+also+
					"\r\nTransfer-Encoding: chunked\r\nTrailer: Tokentoss-Secret, X-Last\r\nConnection: close\r\n\r\n0\r\nTokentoss-Secret: "+secret+"\r\nX-Last: "+secret+"\r\n\r\n")
				if also == "" {
					res, _ = w.raw(t, "GET "+strings.ReplaceAll(path, "SECRET", secret)+" HTTP/1.1\r\nHost: "+host+"\r\n"+show+"\r\nConnection: close\r\n\r\n")
				}
				if res.StatusCode != http.StatusOK || seen == "" {
					t.Fatalf("%s, %s: %d", path, show, res.StatusCode)
				}
				for _, text := range hidden {
					if strings.Contains(seen, text) {
						t.Errorf("%s, %s, %s: the service saw %s", path, show, also, seen)
					}
				}
				if strings.Contains(show, "Bearer app") && !strings.Contains(seen, "Bearer app") {
					t.Errorf("%s: the service's own credentials are gone: %s", show, seen)
				}
			}
		}
	}
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// However a client writes the secret beside what shows it, the service does not learn it,
// and gets the rest.
func TestSecretInOtherWritingsGoesNoFurther(t *testing.T) {
	var seen string
	w := in(t, func(_ http.ResponseWriter, r *http.Request) { seen = fmt.Sprint(r.RequestURI, r.Header) })
	secret, host := w.Secret.Reveal(), strings.TrimPrefix(w.URL, "http://")
	encode := func(e *base64.Encoding, before, after string) string {
		return e.EncodeToString([]byte(before + secret + after))
	}
	writings := []string{
		strings.ToLower(secret), secret[:10] + secret + secret[10:], secret[:5] + "/~" + secret + secret[5:],
		encode(base64.StdEncoding, "", ":"), encode(base64.RawStdEncoding, "u:", ""), encode(base64.URLEncoding, "bob:x", "?"), encode(base64.URLEncoding, "\xff\xff>", "~~~"),
	}
	percent := func(s string) (p string) {
		for _, c := range []byte(s) {
			p += fmt.Sprintf("%%%02X", c)
		}
		return p
	}
	writings = append(writings, percent(secret), percent(percent(secret)), secret[:3]+percent(secret[3:5])+secret[5:], percent(writings[4]), "%zz"+percent(secret))
	for _, text := range writings {
		for _, also := range []string{
			"X-Any: " + text, text + ": x", "Authorization: Basic " + text, "Authorization: Digest username=\"" + text + "\"", "Cookie: a=b; c=" + text, "Referer: " + w.URL + "/" + text,
			"Destination: " + w.URL + "/" + text + "/x", "Sec-Websocket-Protocol: app, " + text,
		} {
			if name, _, _ := strings.Cut(also, ": "); strings.ContainsAny(name, "%/=~:") {
				continue // which is no name of a header
			}
			for _, path := range []string{"/page", "/page/" + text + "/x", "/page?q=" + text + "&r=1", "/page?a=1;b=" + text, "/page/x%23" + text} {
				if before, _, _ := strings.Cut(path, "?"); strings.Contains(before, "%zz") {
					continue // which is no path
				}
				seen = ""
				res, _ := w.raw(t, "GET "+path+" HTTP/1.1\r\nHost: "+host+"\r\nTokentoss-Secret: "+secret+"\r\n"+also+"\r\nX-Kept: yes\r\nConnection: close\r\n\r\n")
				if res.StatusCode != http.StatusOK || !strings.Contains(seen, "yes") || !strings.HasPrefix(seen, "/page") {
					t.Fatalf("%s, %s: %d, %s", path, also, res.StatusCode, seen)
				}
				// The service would look for it in every writing.
				if plain := strings.ToLower(unescape(seen)); strings.Contains(plain, strings.ToLower(secret)) || strings.Contains(seen, text) {
					t.Errorf("%s, %s: the service saw %s", path, also, seen)
				}
			}
		}
	}
	if res, _ := w.raw(t, secret+" / HTTP/1.1\r\nHost: "+host+"\r\nTokentoss-Secret: "+secret+"\r\nConnection: close\r\n\r\n"); res.StatusCode != http.StatusBadRequest {
		t.Errorf("as a method: %d", res.StatusCode)
	}
}

func unescape(s string) string {
	for range 3 {
		s = regexp.MustCompile(`%[0-9A-Fa-f]{2}`).ReplaceAllStringFunc(s, func(e string) string {
			c, _ := strconv.ParseUint(e[1:], 16, 8)
			return string([]byte{byte(c)})
		})
	}
	return s
}

// bare sends a request without adding the secret.
func (w *world) bare(t *testing.T, r *http.Request) *http.Response {
	t.Helper()
	res, err := w.client.Transport.(showing).base.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res
}

// browse opens the link, and returns the cookie that it gives.
func (w *world) browse(t *testing.T) string {
	t.Helper()
	line := w.screen.find(t, "(works once)")
	res := w.bare(t, get(t, strings.Fields(line[strings.Index(line, "http"):])[0], "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document"))
	cookie, _, _ := strings.Cut(res.Header.Get("Set-Cookie"), ";")
	if cookie == "" {
		t.Fatal("no cookie: ", res.Status)
	}
	return cookie
}

// A link gives one browser the cookie, once; then there is another link. It may be
// followed from a page of another site, and from nothing else there.
func TestLink(t *testing.T) {
	w, n := counted(t)
	link := func(line string) string { return strings.Fields(line[strings.Index(line, "http"):])[0] }
	first := link(w.screen.find(t, "(works once)"))
	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Transport: w.client.Transport.(showing).base, Jar: jar, CheckRedirect: w.client.CheckRedirect}
	visit := func(url string, headers ...string) int {
		res, err := browser.Do(get(t, url, append(headers, "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document")...))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	if c := visit(first, "Sec-Purpose", "prefetch"); c != http.StatusForbidden {
		t.Errorf("prefetched: %d", c)
	}
	if c := visit(first, "Origin", "https://evil.example"); c != http.StatusForbidden {
		t.Errorf("from a form: %d", c)
	}
	if c := visit(first, "Sec-Fetch-Site", "cross-site"); c != http.StatusOK {
		t.Errorf("the link: %d", c)
	}
	if c := visit(w.URL+"/", "Sec-Fetch-Site", "same-origin"); c != http.StatusOK || n.Load() != 1 {
		t.Errorf("with the cookie: %d", c)
	}
	if c := visit(w.URL+"/", "Sec-Fetch-Site", "cross-site"); c != http.StatusForbidden {
		t.Errorf("with the cookie, from elsewhere: %d", c)
	}
	u, _ := url.Parse(w.URL)
	cookies := jar.Cookies(u)
	if len(cookies) != 1 || strings.Contains(cookies[0].Value, w.Secret.Reveal()) {
		t.Errorf("cookies: %v", cookies)
	}
	jar, _ = cookiejar.New(nil)
	browser.Jar = jar
	if c := visit(first); c != http.StatusForbidden {
		t.Errorf("the link again: %d", c)
	}
	var second string
	for _, line := range w.screen.all() {
		if strings.Contains(line, "(works once)") {
			second = link(line)
		}
	}
	if c := visit(second); second == first || c != http.StatusOK {
		t.Errorf("the next link: %d", c)
	}
}

// Nothing in a request names another origin: it is refused, or it is a path
// of the service.
func TestNothingNamesAnotherOrigin(t *testing.T) {
	elsewhere := serve(t, func(w http.ResponseWriter, r *http.Request) { t.Errorf("%s %s came here", r.Method, r.RequestURI) })
	w, n := counted(t)
	other := strings.TrimPrefix(elsewhere, "http://")
	own := strings.TrimPrefix(w.URL, "http://")
	for _, c := range []struct {
		line, host string
		refused    bool
	}{
		{"GET " + elsewhere + "/", own, true}, {"GET " + w.URL + "/", own, true}, {"CONNECT " + other, own, true}, {"CONNECT /", own, true},
		{"TRACE /", own, true}, {"GET /", other, true}, {"GET http:" + other, own, true}, {"GET " + other, own, true}, {"GET ?x", own, true}, {"GET @" + other, own, true},
		{"GET //" + other + "/", own, false}, {`GET /\` + other + "/", own, false}, {"GET /@" + other + "/", own, false}, {"GET /%2e%2e//" + other, own, false},
		{"GET /..//" + other, own, false}, {"GET ///" + other, own, false}, {"GET /" + elsewhere, own, false}, {"GET /?" + elsewhere, own, false},
		{"GET /#@" + other, own, false}, {"GET /%0d%0aHost:%20" + other, own, false}, {"GET /:80@" + other, own, false},
	} {
		n.Store(0)
		res, body := w.raw(t, c.line+" HTTP/1.1\r\nHost: "+c.host+"\r\nX-Forwarded-Host: "+other+"\r\nTokentoss-Secret: "+w.Secret.Reveal()+"\r\nConnection: close\r\n\r\n")
		if reached := n.Load() == 1; reached == c.refused || c.refused && res.StatusCode < 400 {
			t.Errorf("%s, Host %s: %d, reached the service: %t\n%s", c.line, c.host, res.StatusCode, reached, body)
		}
	}
}

// What cannot be: the errors say what is wrong, and show no password.
func TestConfigurations(t *testing.T) {
	for _, c := range []struct {
		config proxy.Config
		want   string // "" for none
	}{
		{proxy.Config{Targets: []string{"https://a.example"}}, ""},
		{proxy.Config{Targets: []string{"a.example", "b=https://b.example:8443/", "/c=https://c.example", "/c/d=c.example"}}, ""},
		{proxy.Config{}, "no target"},
		{proxy.Config{Targets: []string{"http://a.example"}}, "not https"},
		{proxy.Config{Targets: []string{"http://127.0.0.1:1"}}, "not https"},
		{proxy.Config{Targets: []string{"https://a.example", "https://b.example"}}, "two targets"},
		{proxy.Config{Targets: []string{"https://user:hunter2@a.example"}}, "not a URL"},
		{proxy.Config{Targets: []string{"https://a.example/path"}}, "has a path"},
		{proxy.Config{Targets: []string{"a.b=https://a.example"}}, "name of a target"},
		{proxy.Config{Targets: []string{"/../=https://a.example"}}, "path of a target"},
		{proxy.Config{Targets: []string{"/~x=https://a.example"}}, "path of a target"},
		{proxy.Config{Targets: []string{"/=https://a.example"}}, "path of a target"},
		{proxy.Config{Targets: []string{"ftp://a.example"}}, "not a URL"},
		{proxy.Config{Targets: []string{"https://*.example"}}, "pattern"},
		{proxy.Config{Targets: []string{"https://a.example"}, For: "tomorrow"}, "for wants"},
		{proxy.Config{Targets: []string{"https://a.example"}, Secret: "hunter2"}, "secret is"},
		{proxy.Config{Targets: []string{"https://a.example"}, Secret: proxy.SecretKeep}, "no directory"},
		{proxy.Config{Targets: []string{"https://a.example"}, Secret: proxy.SecretNone, Expose: true}, "every machine"},
		{proxy.Config{Targets: []string{"https://a.example"}, Log: "loud"}, "log is"},
	} {
		_, err := proxy.New(c.config, proxy.Options{})
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%+v: %v, want %q", c.config, err, c.want)
		}
	}
}
