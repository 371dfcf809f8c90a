package serve_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestGood: what TestForeign refuses is answered when it comes from the right place.
func TestGood(t *testing.T) {
	s := start(t, &app{}, "")
	for _, q := range s.routes() {
		for _, origin := range []string{"", s.base} {
			answer, _ := s.send(q.with("Origin", origin).with("Sec-Fetch-Site", map[string]string{"": "none", s.base: "same-origin"}[origin]))
			if answer.StatusCode >= 300 {
				t.Errorf("%s %s is answered with %s", q.method, q.path, answer.Status)
			}
		}
	}
}

// TestForeign: another site's page, and another name of this machine, get nothing from
// any route, whatever else they know.
func TestForeign(t *testing.T) {
	s := start(t, &app{}, "")
	port := s.base[strings.LastIndex(s.base, ":"):]
	for _, d := range []struct {
		name   string
		change func(request) request
		status int
	}{
		{"rebinding", func(q request) request { q.host = "evil.example" + port; return q }, http.StatusMisdirectedRequest},
		{"look-alike", func(q request) request { q.host = "127.0.0.1.evil.example" + port; return q }, http.StatusMisdirectedRequest},
		{"localhost.evil", func(q request) request { q.host = "localhost.evil" + port; return q }, http.StatusMisdirectedRequest},
		{"another port", func(q request) request { q.host = "127.0.0.1:1"; return q }, http.StatusMisdirectedRequest},
		{"no port", func(q request) request { q.host = "127.0.0.1"; return q }, http.StatusMisdirectedRequest},
		{"user", func(q request) request { q.host = "127.0.0.1" + port + "@evil.example"; return q }, http.StatusMisdirectedRequest},
		{"origin", func(q request) request { return q.with("Origin", "https://evil.example") }, http.StatusForbidden},
		{"null origin", func(q request) request { return q.with("Origin", "null") }, http.StatusForbidden},
		{"origin of another port", func(q request) request { return q.with("Origin", "http://127.0.0.1:1") }, http.StatusForbidden},
		{"https origin", func(q request) request { return q.with("Origin", "https://127.0.0.1"+port) }, http.StatusForbidden},
		{"cross-site", func(q request) request { return q.with("Sec-Fetch-Site", "cross-site") }, http.StatusForbidden},
		{"another port of this machine", func(q request) request { return q.with("Sec-Fetch-Site", "same-site") }, http.StatusForbidden},
		{"frame", func(q request) request {
			return q.with("Sec-Fetch-Site", "cross-site").with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "iframe")
		}, http.StatusForbidden},
	} {
		t.Run(d.name, func(t *testing.T) {
			for _, q := range s.all() {
				answer, body := s.send(d.change(q))
				if answer.StatusCode != d.status {
					t.Errorf("%s %s is answered with %s, want %d", q.method, q.path, answer.Status, d.status)
				}
				if strings.Contains(body, plantedToken) || strings.Contains(body, ada) {
					t.Errorf("%s %s tells: %s", q.method, q.path, body)
				}
			}
		})
	}
}

// TestNoHost: a request that does not say where it goes is for nobody.
func TestNoHost(t *testing.T) {
	s := start(t, &app{}, "")
	for _, first := range []string{
		"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost:\r\n\r\n",
		"GET http://evil.example/ HTTP/1.1\r\nHost: " + strings.TrimPrefix(s.base, "http://") + "\r\n\r\n",
		"CONNECT " + strings.TrimPrefix(s.base, "http://") + " HTTP/1.1\r\nHost: " + strings.TrimPrefix(s.base, "http://") + "\r\n\r\n",
	} {
		c := s.dial(first)
		line, err := bufio.NewReader(c).ReadString('\n')
		if !strings.Contains(line, " 400 ") && !strings.Contains(line, " 421 ") {
			t.Errorf("%q is answered with %q, %v", first, line, err)
		}
		c.Close()
	}
}

// TestNavigation: a person may follow a link to the page, and to nothing else.
func TestNavigation(t *testing.T) {
	s := start(t, &app{}, "")
	for _, q := range s.all() {
		answer, _ := s.send(q.with("Sec-Fetch-Site", "cross-site").with("Sec-Fetch-Mode", "navigate").with("Sec-Fetch-Dest", "document"))
		if ok := answer.StatusCode == http.StatusOK; ok != (q.path == "/") {
			t.Errorf("a link to %s is answered with %s", q.path, answer.Status)
		}
	}
}

// TestPreflight: no other origin is ever allowed anything.
func TestPreflight(t *testing.T) {
	s := start(t, &app{}, "")
	for _, q := range s.all() {
		for _, origin := range []string{"https://evil.example", s.base, "null"} {
			answer, _ := s.send(request{method: "OPTIONS", path: q.path, header: map[string]string{
				"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-tokentoss-key",
				"Access-Control-Request-Private-Network": "true",
			}})
			if answer.StatusCode < 400 {
				t.Errorf("OPTIONS %s from %s is answered with %s", q.path, origin, answer.Status)
			}
			for name := range answer.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("OPTIONS %s from %s is answered with %s", q.path, origin, name)
				}
			}
		}
	}
}

// TestKeys: a loopback address is no identity. Neither key opens the other's door.
func TestKeys(t *testing.T) {
	s := start(t, &app{}, "")
	for _, q := range append(s.routes()[:3], s.all()[10]) {
		for name, change := range map[string]func(request) request{
			"no key":       func(q request) request { return q.with("X-Tokentoss-Key", "").with("Authorization", "") },
			"a wrong key":  func(q request) request { return q.with("X-Tokentoss-Key", "x").with("Authorization", "Bearer x") },
			"an empty key": func(q request) request { return q.with("X-Tokentoss-Key", "").with("Authorization", "Bearer ") },
			"the other key": func(q request) request {
				return q.with("X-Tokentoss-Key", strings.TrimPrefix(s.apiHeader(), "Bearer ")).with("Authorization", "Bearer "+s.key)
			},
			"a query": func(q request) request {
				q = q.with("X-Tokentoss-Key", "").with("Authorization", "")
				q.path += "?key=" + s.key
				return q
			},
			"another scheme": func(q request) request {
				return q.with("X-Tokentoss-Key", "").with("Authorization", "Basic "+strings.TrimPrefix(s.apiHeader(), "Bearer "))
			},
		} {
			answer, body := s.send(change(q))
			var problem struct{ Error, Message string }
			if err := json.Unmarshal([]byte(body), &problem); err != nil || problem.Error != "no_key" || problem.Message == "" {
				t.Errorf("with %s the body is %s, %v", name, body, err)
			}
			if answer.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with %s is answered with %s", q.path, name, answer.Status)
			}
		}
	}
}

// TestHeaders: nobody stores, frames or sniffs an answer, and the page runs nothing
// but its own files.
func TestHeaders(t *testing.T) {
	s := start(t, &app{}, "")
	for _, q := range append(s.routes(), request{method: "GET", path: "/nothing"}, request{method: "PUT", path: "/"}) {
		answer, body := s.send(q)
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff",
			"X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("%s %s: %s is %q, want %q", q.method, q.path, name, got, want)
			}
		}
		if q.path != "/" || q.method != "GET" {
			continue
		}
		csp := answer.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'", "script-src 'self'"} {
			if !strings.Contains(csp, part) {
				t.Errorf("the policy has no %s: %s", part, csp)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(body, "<style") || strings.Contains(body, "style=") || strings.Contains(body, "onclick") {
			t.Error("the page has inline code or styles")
		}
		if got := answer.Header.Get("Cross-Origin-Opener-Policy"); got != "same-origin-allow-popups" {
			t.Errorf("the opener policy is %q", got)
		}
		if strings.Contains(body, s.key) || strings.Contains(body, "https://") {
			t.Errorf("the page has the key, or something from elsewhere: %s", body)
		}
	}
}

// TestMessages: what is no message is refused, and the answer says why.
func TestMessages(t *testing.T) {
	s := start(t, &app{}, "")
	good := s.routes()[0]
	for _, d := range []struct {
		name   string
		q      request
		status int
	}{
		{"a form", good.with("Content-Type", "application/x-www-form-urlencoded"), http.StatusUnsupportedMediaType},
		{"text", good.with("Content-Type", "text/plain"), http.StatusUnsupportedMediaType},
		{"no type", good.with("Content-Type", ""), http.StatusUnsupportedMediaType},
		{"no JSON", request{method: "POST", path: "/message", body: "{", header: good.header}, http.StatusBadRequest},
		{"an odd message", request{method: "POST", path: "/message", body: `{"v":1,"type":"eval"}`, header: good.header}, http.StatusBadRequest},
		{"too long", request{method: "POST", path: "/message", body: strings.Repeat("x", 1<<20), header: good.header}, http.StatusRequestEntityTooLarge},
		{"GET", request{method: "GET", path: "/message", header: good.header}, http.StatusMethodNotAllowed},
		{"POST of events", request{method: "POST", path: "/events", header: good.header}, http.StatusMethodNotAllowed},
		{"POST of the page", request{method: "POST", path: "/", header: good.header}, http.StatusMethodNotAllowed},
		{"POST of token", request{method: "POST", path: "/token", header: map[string]string{"Authorization": s.apiHeader()}}, http.StatusMethodNotAllowed},
		{"dots", request{method: "GET", path: "/../etc/passwd"}, http.StatusNotFound},
		{"encoded dots", request{method: "GET", path: "/%2e%2e/page.go"}, http.StatusNotFound},
	} {
		t.Run(d.name, func(t *testing.T) {
			answer, body := s.send(d.q)
			if answer.StatusCode != d.status || !json.Valid([]byte(body)) {
				t.Errorf("it is answered with %s, %s, want %d", answer.Status, body, d.status)
			}
		})
	}
}
