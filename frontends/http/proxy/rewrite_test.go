package proxy_test

import (
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// several is a proxy of a target at the root, one below /api and one with a name.
func several(t *testing.T, service func(name string) http.HandlerFunc) (*world, map[string]string) {
	t.Helper()
	at := map[string]string{}
	for _, name := range []string{"root", "api", "named"} {
		at[name] = serve(t, service(name))
	}
	return start(t, &ada{}, proxy.Config{Targets: []string{at["root"], "/api=" + at["api"], "named=" + at["named"]}}, proxy.Options{}), at
}

// Requests find their target by Host and by the beginning of the path.
func TestTargets(t *testing.T) {
	w, at := several(t, func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Target", name+" "+r.RequestURI)
			w.Header().Set("Seen", r.Host+" "+r.Header.Get("Origin")+" "+r.Header.Get("Referer"))
		}
	})
	host := w.Names["named"][len("http://"):]
	for _, c := range []struct{ path, host, want string }{
		{"/", "", "root /"}, {"/api/", "", "api /"}, {"/api/x?y", "", "api /x?y"}, {"/apis", "", "root /apis"}, {"/API/", "", "root /API/"},
		{"/api//x", "", "api //x"}, {"/api/../x", "", "api /../x"}, {"/%61pi/x", "", "root /%61pi/x"}, {"/", host, "named /"}, {"/api/x", host, "named /api/x"},
		{"/~" + w.Secret.Reveal() + "/api/x", "", "api /x"},
	} {
		// As it is written: net/url would clean it.
		request := "GET " + c.path + " HTTP/1.1\r\nHost: " + host + "\r\n"
		if c.host == "" {
			request = "GET " + c.path + " HTTP/1.1\r\nHost: " + strings.TrimPrefix(w.URL, "http://") + "\r\n"
		}
		res, _ := w.raw(t, request+"Tokentoss-Secret: "+w.Secret.Reveal()+"\r\nConnection: close\r\n\r\n")
		if got := res.Header.Get("Target"); got != c.want {
			t.Errorf("%s at %q: %q, not %q", c.path, c.host, got, c.want)
		}
	}
	res, _ := w.do(t, get(t, w.URL+"/api?x=1"))
	if l := res.Header.Get("Location"); res.StatusCode != http.StatusPermanentRedirect || l != "/api/?x=1" {
		t.Errorf("the prefix itself: %d %s", res.StatusCode, l)
	}
	// The service is told addresses as it knows them.
	res, _ = w.do(t, get(t, w.URL+"/api/x", "Origin", w.URL, "Referer", w.URL+"/api/page?q"))
	if got, want := res.Header.Get("Seen"), strings.TrimPrefix(at["api"], "http://")+" "+at["api"]+" "+at["api"]+"/page?q"; got != want {
		t.Errorf("seen %q, not %q", got, want)
	}
	res, _ = w.do(t, get(t, w.URL+"/api/x", "Referer", w.URL+"/other"))
	if got, want := res.Header.Get("Seen"), strings.TrimPrefix(at["api"], "http://"); got != want {
		t.Errorf("the Referer of another target: seen %q, not %q", got, want)
	}
}

// Redirects stay here when they lead to a target, and are left alone otherwise.
func TestLocation(t *testing.T) {
	w, at := several(t, func(string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			to, _ := url.QueryUnescape(strings.TrimPrefix(r.URL.RawQuery, "to="))
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		}
	})
	secret := "/~" + w.Secret.Reveal()
	named := w.Names["named"]
	noScheme := func(s string) string { return strings.TrimPrefix(s, "http:") }
	for _, c := range []struct{ from, to, want string }{
		{"/", "/x", "/x"}, {"/", "x", "x"}, {"/", "?q", "?q"}, {"/", at["root"] + "/x?y#z", w.URL + "/x?y#z"}, {"/", at["root"], w.URL},
		{"/", at["api"] + "/x", w.URL + "/api/x"}, {"/", at["named"] + "/x", named + "/x"}, {"/", noScheme(at["root"]) + "/x", w.URL + "/x"},
		{"/", strings.ToUpper(at["root"]) + "/X", w.URL + "/X"}, {"/", at["root"] + "//evil.example", w.URL + "//evil.example"},
		{"/", "https://elsewhere.example/x", "https://elsewhere.example/x"}, {"/", "//elsewhere.example/x", "//elsewhere.example/x"},
		{"/", at["root"] + ".evil.example/", at["root"] + ".evil.example/"}, {"/", "http://x@" + noScheme(at["root"])[2:] + "/", "http://x@" + noScheme(at["root"])[2:] + "/"},
		{"/", "mailto:x@example.com", "mailto:x@example.com"},
		{"/api/", "/x", "/api/x"}, {"/api/", "x", "x"}, {"/api/", at["api"] + "/x", w.URL + "/api/x"}, {"/api/", at["root"] + "/x", w.URL + "/x"},
		{secret + "/", "/x", secret + "/x"}, {secret + "/api/", "/x", secret + "/api/x"}, {secret + "/", at["api"] + "/x", w.URL + secret + "/api/x"},
		{secret + "/", at["named"] + "/x", named + secret + "/x"}, {secret + "/", "https://elsewhere.example/", "https://elsewhere.example/"},
	} {
		res, _ := w.do(t, get(t, w.URL+c.from+"?to="+url.QueryEscape(c.to)))
		if got := res.Header.Get("Location"); got != c.want {
			t.Errorf("from %s to %s: %s, not %s", c.from, c.to, got, c.want)
		}
	}
	// From a target with a name back to one with a path.
	res, _ := w.do(t, get(t, w.URL+"/?to="+url.QueryEscape(at["api"]+"/x"), "Host", named[len("http://"):]))
	if got, want := res.Header.Get("Location"), w.URL+"/api/x"; got != want {
		t.Errorf("from a name: %s, not %s", got, want)
	}
}

// So do the other headers that lead somewhere: pages of lists, other places of the same
// document, and what a browser goes on to. Early hints, too.
func TestOtherAddresses(t *testing.T) {
	var name, value string
	w, at := several(t, func(string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(name, value)
			if name == "Link" {
				w.WriteHeader(http.StatusEarlyHints)
			}
			w.WriteHeader(http.StatusOK)
		}
	})
	secret := "/~" + w.Secret.Reveal()
	here := strings.NewReplacer("ROOT", at["root"], "API", at["api"], "NAMED", at["named"])
	there := strings.NewReplacer("ROOT", w.URL, "API", w.URL+"/api", "NAMED", w.Names["named"])
	for _, c := range []struct{ from, name, value, want string }{
		{"/", "Content-Location", "ROOT/x", "ROOT/x"}, {"/api/", "Content-Location", "/x", "/api/x"}, {"/", "Content-Location", "x", "x"},
		{"/", "Link", `<ROOT/items?page=2>; rel="next", <ROOT/items?page=9>; rel="last"`, `<ROOT/items?page=2>; rel="next", <ROOT/items?page=9>; rel="last"`},
		{"/", "Link", `<API/x>; rel=next,<NAMED/x>;rel=prev`, `<API/x>; rel=next,<NAMED/x>;rel=prev`},
		{"/api/", "Link", `</x?page=2>; rel="next"`, `</api/x?page=2>; rel="next"`}, {"/", "Link", `<https://elsewhere.example/>; rel=x`, `<https://elsewhere.example/>; rel=x`},
		{"/api/", "Link", `</x>; title="see </y> \" </z>"; rel=next`, `</api/x>; title="see </y> \" </z>"; rel=next`}, {"/", "Link", `<`, `<`}, {"/", "Link", `"<ROOT/x`, `"<` + at["root"] + `/x`},
		{"/", "Refresh", "5", "5"}, {"/", "Refresh", "5; url=ROOT/x", "5; url=ROOT/x"}, {"/", "Refresh", "0;URL='ROOT/x'", "0;URL='ROOT/x'"}, {"/api/", "Refresh", `1, url="/x"`, `1, url="/api/x"`},
		{"/", "Refresh", "5; url=https://elsewhere.example/", "5; url=https://elsewhere.example/"}, {"/api/", "Refresh", "3;/x", "3;/api/x"},
		{secret + "/", "Link", "</x>; rel=next", "<" + secret + "/x>; rel=next"},
	} {
		name, value = c.name, here.Replace(c.value)
		want := there.Replace(c.want)
		var early string
		r := get(t, w.URL+c.from)
		r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{Got1xxResponse: func(_ int, h textproto.MIMEHeader) error { early = h.Get("Link"); return nil }}))
		res, _ := w.do(t, r)
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %s at %s: %s, not %s", name, value, c.from, got, want)
		}
		if name == "Link" && early != want {
			t.Errorf("early, %s at %s: %s, not %s", value, c.from, early, want)
		}
	}
}

// WebDAV names addresses in requests: the service gets those that it knows.
func TestDestination(t *testing.T) {
	w, at := several(t, func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Seen", name+" "+r.Header.Get("Destination")+r.Header.Get("If"))
		}
	})
	secret := "/~" + w.Secret.Reveal()
	for _, c := range []struct{ from, header, value, want string }{
		{"/a", "Destination", w.URL + "/b?c", "root " + at["root"] + "/b?c"}, {"/a", "Destination", w.URL + secret + "/b", "root " + at["root"] + "/b"},
		{secret + "/a", "Destination", w.URL + secret + "/b", "root " + at["root"] + "/b"}, {"/api/a", "Destination", w.URL + "/api/b", "api " + at["api"] + "/b"},
		{"/api/a", "Destination", "/api/b", "api /b"}, {"/a", "Destination", secret + "/b", "root /b"}, {"/a", "Destination", at["root"] + "/b", "root " + at["root"] + "/b"},
		{"/a", "Destination", w.Names["named"] + "/b", "root " + at["named"] + "/b"}, {"/a", "Destination", "https://elsewhere.example/b", "root https://elsewhere.example/b"},
		{"/a", "If", "<" + w.URL + secret + "/b> (<opaquelocktoken:x> [\"e\"])", "root <" + at["root"] + "/b> (<opaquelocktoken:x> [\"e\"])"},
	} {
		r := get(t, w.URL+c.from, c.header, c.value)
		r.Method = "MOVE"
		if res, _ := w.do(t, r); res.Header.Get("Seen") != c.want {
			t.Errorf("%s: %s at %s: %s, not %s", c.header, c.value, c.from, res.Header.Get("Seen"), c.want)
		}
	}
}

// Cookies are made to work here: for this host, over http, below the target's path.
func TestSetCookie(t *testing.T) {
	var cookies []string
	w, _ := several(t, func(string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.Header()["Set-Cookie"] = cookies }
	})
	secret := "/~" + w.Secret.Reveal()
	for _, c := range []struct{ path, cookie, want string }{
		{"/", "a=b", "a=b"},
		{"/", "a=b; Path=/; Domain=.app.example.com; Secure; HttpOnly; SameSite=Lax", "a=b; Path=/; HttpOnly; SameSite=Lax"},
		{"/", "a=b;secure;samesite=None;Partitioned;Max-Age=5", "a=b; Max-Age=5"},
		{"/", "a=secure; Expires=Wed, 21 Oct 2099 07:28:00 GMT", "a=secure; Expires=Wed, 21 Oct 2099 07:28:00 GMT"},
		{"/", "__Host-a=b; Path=/; Secure; SameSite=None", "__Host-a=b; Path=/; Secure; SameSite=None"},
		{"/", "__Secure-a=b; Domain=example.com; Secure", "__Secure-a=b; Secure"},
		{"/", "tokentoss-proxy-80=x; Path=/", ""},
		{"/api/", "a=b; Path=/", "a=b; Path=/api/"},
		{"/api/", "a=b; path=/v1; Secure", "a=b; Path=/api/v1"},
		{"/api/", "a=b; Path=x", "a=b; Path=x"},
		{secret + "/api/", "a=b; Path=/", "a=b; Path=" + secret + "/api/"},
	} {
		cookies = []string{c.cookie, "other=1"}
		if c.want == "" {
			cookies = cookies[:1]
		}
		res, _ := w.do(t, get(t, w.URL+c.path))
		if got := res.Header.Get("Set-Cookie"); got != c.want {
			t.Errorf("%s at %s: %q, not %q", c.cookie, c.path, got, c.want)
		}
		if n := len(res.Header["Set-Cookie"]); c.want != "" && n != 2 {
			t.Errorf("%s: %d cookies", c.cookie, n)
		}
	}
}

// Where no target has the path, a browser is shown those that there are.
func TestIndex(t *testing.T) {
	w := start(t, &ada{}, proxy.Config{Targets: []string{
		"/api=" + serve(t, func(http.ResponseWriter, *http.Request) {}), "named=" + serve(t, func(http.ResponseWriter, *http.Request) {})}}, proxy.Options{})
	res, body := w.do(t, get(t, w.URL+"/", "Accept", "text/html"))
	if res.StatusCode != http.StatusNotFound || !strings.Contains(body, `href="`+w.URL+`/api/"`) || !strings.Contains(body, w.Names["named"]) {
		t.Errorf("%d %s", res.StatusCode, body)
	}
	if res, _ = w.do(t, get(t, w.URL+"/x")); res.StatusCode != http.StatusNotFound || res.Header.Get("Tokentoss-Error") != "no_target" {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
}
