package authcode_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/emulator"
)

// RFC 6749 section 10.12: a callback without a state is 400, nothing
// is exchanged, and the sign-in goes on waiting.
func TestNoState(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	code := mustURL(t, s.agree()).Query().Get("code")
	for _, where := range []string{
		s.callback("code", code), s.callback("code", "x"), s.callback("code", code, "state", ""), s.callback(), s.prompt.RedirectURL,
	} {
		s.refused(get(t, where), 400)
	}
	s.finish()
}

// A callback with a wrong state, say from a stale tab, is 400; the
// right one afterwards still wins.
func TestWrongState(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	stale := begin(t, e, authcode.Options{})
	s := begin(t, e, authcode.Options{})
	right := mustURL(t, s.agree()).Query().Get("code")
	for _, state := range []string{
		"wrong", stale.state(), strings.ToLower(s.state()), s.state() + "=", s.state()[1:], " " + s.state(), s.state() + "\x00",
	} {
		s.refused(get(t, s.callback("code", right, "state", state)), 400)
	}
	// The first of several counts, as for everybody who reads a query.
	s.refused(get(t, s.callback("code", right)+"&state=wrong&state="+s.state()), 400)
	s.finish()
}

// A denial counts only with the right state.
func TestDenial(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	s.refused(get(t, s.callback("error", "access_denied")), 400)
	s.refused(get(t, s.callback("error", "access_denied", "state", "wrong")), 400)
	redirect, err := s.google.Deny(context.Background(), s.prompt.URL)
	if err != nil {
		t.Fatal(err)
	}
	page := s.follow(redirect)
	_, err = s.outcome()
	if de := errorAs[*authcode.DeniedError](t, err); de.Code != "access_denied" || !errors.Is(err, core.ErrDenied) {
		t.Errorf("error is %v", err)
	}
	if !strings.Contains(page.body, "said no") {
		t.Errorf("the page says %s", page.body)
	}
	s.exchanged(0)
}

// An error= from anybody does not end the sign-in, and neither does one
// with neither code nor error.
func TestNeitherCodeNorError(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	s.refused(get(t, s.callback("state", s.state())), 400)
	s.refused(get(t, s.callback("state", s.state(), "code", "", "error", "")), 400)
	s.refused(get(t, s.at("/somewhere?state=")+s.state()+"&code=EVIL"), 404)
	s.finish()
}

// RFC 9700 section 4.7.1: a state is dead after its first use, and known
// to its own sign-in only.
func TestStateIsUsedOnce(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	release := holdTokens(t, s.google)
	first := s.agree()
	if a := get(t, first); a.status != http.StatusSeeOther {
		t.Fatalf("answered %d", a.status)
	}
	for _, again := range []string{first, s.callback("code", "SECOND", "state", s.state()), s.callback("error", "access_denied", "state", s.state())} {
		if a := get(t, again); a.status != http.StatusConflict || !strings.Contains(a.body, "already answered") {
			t.Errorf("answered %d: %s", a.status, a.body)
		}
	}
	release()
	s.succeed()
}

// holdTokens makes the token endpoint wait until the test releases it.
func holdTokens(t *testing.T, e *emulator.Emulator) (release func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	e.SetTokenAnswer(func(string, map[string]any) { <-ctx.Done() })
	return cancel
}

// asked waits until the token endpoint was asked.
func asked(t *testing.T, e *emulator.Emulator) {
	t.Helper()
	for end := time.Now().Add(patience); e.Calls(emulator.Token) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the token endpoint is not asked")
		}
	}
}

// RFC 6749 section 4.1.2: the same callback again (reload) is no second
// exchange; its page says that this is done.
func TestReload(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	release := holdTokens(t, s.google)
	redirect := s.agree()
	get(t, redirect)
	reloads := make(chan answer, 8)
	for range cap(reloads) {
		go func() { a, _ := fetch(redirect); reloads <- a }()
	}
	for range cap(reloads) {
		if a := <-reloads; a.status != http.StatusConflict || !strings.Contains(a.body, "Already done") {
			t.Errorf("answered %d: %s", a.status, a.body)
		}
	}
	release()
	s.succeed()
}

// RFC 9207 section 2.4: an iss that differs from the issuer is refused, to
// the letter; where the provider promises one, its absence is refused too.
// Google promises and sends none.
func TestIssuerOfTheResponse(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	iss := "&iss=" + url.QueryEscape(e.Issuer())
	try := func(t *testing.T, good string, bad ...string) {
		s := begin(t, e, authcode.Options{})
		redirect := s.agree()
		for _, b := range bad {
			if a := get(t, redirect+b); a.status != 400 || !strings.Contains(a.body, "another provider") {
				t.Errorf("%q was answered with %d: %s", b, a.status, a.body)
			}
		}
		s.follow(redirect + good)
		if _, err := s.outcome(); err != nil {
			t.Error(err)
		}
	}
	wrong := []string{"&iss=https%3A%2F%2Fevil.example", iss + "%2F", "&iss=" + url.QueryEscape(strings.ToUpper(e.Issuer())), "&iss=", iss + iss}
	t.Run("not promised", func(t *testing.T) { try(t, "", wrong...); try(t, iss) })

	promise := get(t, e.GoogleURL()+"/.well-known/openid-configuration")
	var discovery map[string]any
	if err := json.Unmarshal([]byte(promise.body), &discovery); err != nil {
		t.Fatal(err)
	}
	discovery["authorization_response_iss_parameter_supported"] = true
	body, _ := json.Marshal(discovery)
	e.SetFault(emulator.Discovery, &emulator.Fault{Header: http.Header{"Content-Type": {"application/json"}}, Body: body})
	t.Run("promised", func(t *testing.T) { try(t, iss, append(wrong, "")...) })
}

// Methods other than GET are 405 and do not use the sign-in up, with the
// right state also; a preflight gets no permission.
func TestMethods(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	redirect := s.agree()
	for _, m := range []string{"POST", "HEAD", "PUT", "OPTIONS", "PATCH", "DELETE", "TRACE", "BREW"} {
		for _, where := range []string{redirect, s.at("/done")} {
			a := get(t, where, method(m), header("Origin", "https://evil.example"), header("Access-Control-Request-Method", "GET"),
				header("Access-Control-Request-Private-Network", "true"))
			s.refused(a, 405)
			if a.header.Get("Allow") != "GET" {
				t.Errorf("%s: Allow is %q", m, a.header.Get("Allow"))
			}
			for name := range a.header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s is answered with %s", m, name)
				}
			}
		}
	}
	s.follow(redirect)
	s.succeed()
}

// Every path refuses a Host that is not the address
// that was bound, before anything else.
func TestHost(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	redirect := s.agree()
	port := mustURL(t, redirect).Port()
	for _, host := range []string{
		"evil.example:" + port, "evil.example", "localhost:" + port, "localhost.evil", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:" + port,
		"[::1]:" + port, "0.0.0.0:" + port, "127.1:" + port, "2130706433:" + port, "evil.example@127.0.0.1:" + port,
	} {
		for _, where := range []string{redirect, s.at("/done"), s.at("/")} {
			s.refused(get(t, where, header("Host", host)), http.StatusMisdirectedRequest)
		}
	}
	target := mustURL(t, redirect).RequestURI()
	for request, want := range map[string]int{
		"GET " + target + " HTTP/1.0\r\n\r\n":                                                                      421, // no Host
		"GET " + target + " HTTP/1.1\r\n\r\n":                                                                      400,
		"GET " + target + " HTTP/1.1\r\nHost:\r\n\r\n":                                                             421,
		"GET " + target + " HTTP/1.1\r\nHost: " + s.address() + "\r\nHost: evil.example\r\n\r\n":                   400,
		"GET http://evil.example" + target + " HTTP/1.1\r\nHost: " + s.address() + "\r\nConnection: close\r\n\r\n": 421,
	} {
		s.refused(raw(t, s.address(), request), want)
	}
	s.follow(redirect)
	s.succeed()
}

// raw sends bytes and reads one answer.
func raw(t *testing.T, address, request string) answer {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatalf("%.60q was not answered: %v", request, err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// Of a browser's requests only a navigation of a document
// counts; a fetch, an image or a frame of another page does not.
func TestOnlyNavigations(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	redirect := s.agree()
	for _, m := range [][2]string{{"no-cors", "image"}, {"cors", "empty"}, {"navigate", "iframe"}, {"navigate", "object"}, {"websocket", "websocket"}, {"no-cors", "document"}} {
		a := get(t, redirect, header("Sec-Fetch-Site", "cross-site"), header("Sec-Fetch-Mode", m[0]), header("Sec-Fetch-Dest", m[1]))
		s.refused(a, http.StatusForbidden)
	}
	a := get(t, redirect, header("Sec-Fetch-Site", "cross-site"), header("Sec-Fetch-Mode", "navigate"), header("Sec-Fetch-Dest", "document"), header("Sec-Fetch-User", "?1"))
	if a.status != http.StatusSeeOther {
		t.Errorf("a navigation was answered with %d", a.status)
	}
	get(t, s.at("/done"))
	s.succeed()
}

// The answer to a denial that arrives by another method or path is never a
// permission for other origins.
func TestNoCORS(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	for _, where := range []string{s.at("/"), s.at("/done"), s.prompt.RedirectURL, s.agree()} {
		a := get(t, where, header("Origin", "https://evil.example"))
		for name, values := range a.header {
			if strings.HasPrefix(name, "Access-Control-") || strings.Contains(fmt.Sprint(values), "evil") {
				t.Errorf("%s: %s: %s", where, name, values)
			}
		}
	}
	get(t, s.at("/done"))
	s.succeed()
}
