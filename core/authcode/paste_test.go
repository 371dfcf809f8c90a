package authcode_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/emulator"
)

// Where the browser cannot reach the listener, the person pastes the address
// that it ended on, with whatever comes along when copying.
func TestPaste(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	for name, wrap := range map[string]func(string) string{
		"as it is":          func(u string) string { return u },
		"newline":           func(u string) string { return u + "\r\n" },
		"spaces":            func(u string) string { return "  \t" + u + "  \n" },
		"double quotes":     func(u string) string { return `"` + u + `"` },
		"single quotes":     func(u string) string { return ` '` + u + `' ` },
		"angle brackets":    func(u string) string { return "<" + u + ">" },
		"spaces in quotes":  func(u string) string { return `" ` + u + ` "` },
		"broken into lines": func(u string) string { return u[:40] + "\n" + u[40:90] + "\r\n  " + u[90:] },
		"fragment":          func(u string) string { return u + "#" },
		"no scheme":         func(u string) string { return strings.TrimPrefix(u, "http://") },
		"other host":        func(u string) string { return "http://localhost:1" + u[strings.Index(u, "/callback"):] },
	} {
		e.ResetCalls()
		s := begin(t, e, authcode.Options{})
		s.paste(wrap(s.agree()))
		token, err := s.outcome()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if token.RefreshToken == "" || token.Nonce != s.query(t).Get("nonce") {
			t.Errorf("%s: token is %+v", name, token)
		}
		s.exchanged(1)
	}
}

// A paste without the right state is not taken, a bare code is not either;
// the person is told why and asked again.
func TestPasteWithoutState(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	if s.prompt.Problem != "" {
		t.Errorf("the first prompt says %q", s.prompt.Problem)
	}
	right := s.agree()
	code := mustURL(t, right).Query().Get("code")
	for _, try := range []struct{ text, says string }{
		{code, "whole address"},
		{"code=" + code, "whole address"},
		{s.callback("code", code), "whole address"},
		{s.callback("code", code, "state", ""), "whole address"},
		{s.callback("code", code, "state", "wrong"), "not the answer of the sign-in"},
		{s.callback("error", "access_denied", "state", "wrong"), "not the answer of the sign-in"},
		{s.prompt.URL, "neither a code nor an error"}, // the address to open, pasted back
		{right + "&iss=https%3A%2F%2Fevil.example", "another provider"},
		{s.prompt.RedirectURL + "?%zz", "whole address"},
		{"?", "whole address"},
		{"y", "whole address"},
	} {
		s.paste(try.text)
		p := s.nextPrompt()
		if !strings.Contains(p.Problem, try.says) {
			t.Errorf("%.50q: the person is told %q", try.text, p.Problem)
		}
		hasNone(t, "the problem", p.Problem, map[string]string{"code": code, "state": s.state()})
		if p.URL != s.prompt.URL || p.Deadline != s.prompt.Deadline {
			t.Error("the second prompt is for another sign-in")
		}
		s.waiting()
	}
	s.paste(right)
	s.succeed()
}

// A denial with the right state that is pasted ends the sign-in.
func TestPasteDenial(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	s.paste(s.callback("error", "access_denied", "state", s.state()))
	_, err := s.outcome()
	if de := errorAs[*authcode.DeniedError](t, err); de.Code != "access_denied" {
		t.Errorf("error is %v", err)
	}
	s.exchanged(0)
}

// The paste and the browser at once are one sign-in: one exchange, and the
// Prompter ends.
func TestPasteAndBrowserAtOnce(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	for range 5 {
		e.ResetCalls()
		s := begin(t, e, authcode.Options{})
		redirect := s.agree()
		browser := make(chan answer)
		go func() {
			a, err := fetch(redirect)
			if err == nil && a.status == http.StatusSeeOther {
				_, _ = fetch(s.at("/done"))
			}
			browser <- a
		}()
		select {
		case s.answers <- redirect:
		case <-s.stopped: // the browser was first, and the prompt is over
		}
		s.succeed()
		// 0: the listener was closed already.
		if a := <-browser; a.status != http.StatusSeeOther && a.status != http.StatusConflict && a.status != 0 {
			t.Errorf("the browser got %d: %s", a.status, a.body)
		}
	}
}

// A browser that comes after the paste gets a sane page while there is a
// listener.
func TestBrowserAfterPaste(t *testing.T) {
	t.Parallel()
	s := begin(t, startGoogle(t, emulator.Options{}), authcode.Options{})
	release := holdTokens(t, s.google)
	redirect := s.agree()
	s.paste(redirect)
	asked(t, s.google)
	if a := get(t, redirect); a.status != 409 {
		t.Errorf("answered %d: %s", a.status, a.body)
	}
	release()
	s.succeed()
}

// What a person pastes has a code; it is sent to the token endpoint
// and nowhere else.
func TestPasteStaysHere(t *testing.T) {
	t.Parallel()
	e := startGoogle(t, emulator.Options{})
	s := begin(t, e, authcode.Options{})
	redirect := s.agree()
	code := url.QueryEscape(mustURL(t, redirect).Query().Get("code"))
	s.paste(redirect)
	s.succeed()
	for _, r := range e.Requests() {
		if strings.Contains(r.Query.Encode(), code) || strings.Contains(r.Form.Encode(), code) != (r.Endpoint == emulator.Token) {
			t.Errorf("%s got the code", r.Endpoint)
		}
	}
}
