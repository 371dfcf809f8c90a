package signin_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/frontends/signin"
)

func TestParseClientMessage(t *testing.T) {
	for _, d := range []struct{ name, text, problem string }{
		{"good", `{"v":1,"type":"configure","client_id":"i","client_secret":"` + secret + `","later":true}`, ""},
		{"another version", `{"v":2,"type":"hello"}`, "version 2"},
		{"no version", `{"type":"hello"}`, "version 0"},
		{"no JSON", `{"v":1,"client_secret":"` + secret, "not a JSON object"},
		{"another type", `{"v":1,"client_secret":["` + secret + `"]}`, "not a JSON object"},
		{"a list", `[1]`, "not a JSON object"},
		{"long", `{"v":1,"type":"redirect","url":"` + strings.Repeat("x", signin.MaxMessage) + `"}`, "longer than"},
	} {
		t.Run(d.name, func(t *testing.T) {
			m, err := signin.ParseClientMessage([]byte(d.text))
			if d.problem == "" {
				if err != nil || m.ClientSecret != secret {
					t.Errorf("ParseClientMessage returned %v, %v", m, err)
				}
				if text := fmt.Sprintf("%v %+v %#v", m, m, m); strings.Contains(text, secret) {
					t.Errorf("the message prints its secret: %s", text)
				}
				return
			}
			if !errors.Is(err, signin.ErrBadMessage) || !strings.Contains(err.Error(), d.problem) {
				t.Fatalf("ParseClientMessage returned %v, want an error with %q", err, d.problem)
			}
			if text := fmt.Sprintf("%v %+v", err, signin.NewFatal(err)); strings.Contains(text, secret) {
				t.Errorf("the error has the secret: %s", text)
			}
		})
	}
}

func TestUnknownType(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	for _, kind := range []string{"", "snapshot", "eval"} {
		if err := s.controller.Handle(signin.ClientMessage{V: 1, Type: kind}); !errors.Is(err, signin.ErrBadMessage) {
			t.Errorf("Handle of the type %q returned %v", kind, err)
		}
	}
}

// TestAddresses: a view is given nothing to open but a page.
func TestAddresses(t *testing.T) {
	for address, good := range map[string]bool{
		"https://accounts.google.com/o/oauth2/v2/auth": true, "http://127.0.0.1:8080/auth": true, "http://[::1]:1/": true,
		"http://localhost/": true, "http://accounts.google.com/": false, "javascript:alert(1)": false, "https:": false,
		"data:text/html,x": false, "file:///etc/passwd": false, "": false, "http://127.0.0.1.evil.example/": false,
		"HTTPS://accounts.google.com/": true, " https://x.example/": false, "//x.example": false,
	} {
		t.Run(address, func(t *testing.T) {
			s := play(t, newApp(signedOut), signin.Options{})
			s.phase(signin.SignedOut)
			s.say(signin.ClientMessage{Type: "hello"})
			s.app.prompts <- core.Prompt{URL: address}
			if good {
				s.until("there is an address", func() bool { return s.armed.AuthURL == address })
				return
			}
			if got := <-s.app.answers; !strings.Contains(got, "the address to sign in at") || strings.Contains(got, "evil") {
				t.Errorf("Prompt returned %q", got)
			}
		})
	}
}

// TestProblems: every error has a code and a text of ours. What the App says itself
// is a detail, as one line of plain text.
func TestProblems(t *testing.T) {
	const odd = "two\nlines\x1b[31m \u202ebackwards"
	for _, d := range []struct {
		err          error
		code, detail string
	}{
		{fmt.Errorf("%w: %s", core.ErrDenied, odd), "denied", ""},
		{core.ErrNotConfigured, "not_configured", ""},
		{&core.SignInNeededError{Cause: core.CauseReauth}, "sign_in_needed", "your organisation wants a fresh sign-in"},
		{fmt.Errorf("disk: %w", core.ErrReadOnly), "read_only", "disk:"},
		{fmt.Errorf("keyring: %w", core.ErrSealed), "sealed", "keyring:"},
		{fmt.Errorf("x: %w", core.ErrLocked), "locked", "x:"},
		{fmt.Errorf("x: %w", core.ErrUnavailable), "unavailable", "x:"},
		{fmt.Errorf("x: %w", core.ErrInsecure), "insecure", "x:"},
		{core.ErrClosed, "closed", ""},
		{&oidc.ClockError{Claim: "exp", Offset: 3600e9}, "wrong_clock", "1h0m0s ahead"},
		{&oidc.ProviderError{Endpoint: "token", Host: "h", Problem: "no connection", Offline: true}, "offline", "no connection"},
		{&oidc.ProviderError{Endpoint: "token", Host: "h", Status: 500, Problem: "status 500"}, "provider_busy", "status 500"},
		{errors.New("odd: " + odd), "failed", "odd: two lines [31m  backwards"},
		{errors.New(strings.Repeat("long ", 1000)), "failed", "long"},
	} {
		t.Run(d.code, func(t *testing.T) {
			s := play(t, newApp(signedOut), signin.Options{})
			s.opened()
			s.app.ends <- ending{err: d.err}
			s.problem(d.code)
			p := s.last.Error
			if p.Message == "" || !strings.Contains(p.Detail, d.detail) || d.detail == "" && p.Detail != "" || len(p.Detail) > 500 {
				t.Errorf("the problem is %+v, want the detail %q", p, d.detail)
			}
		})
	}
}

// TestWire fixes the form of the messages: views of other versions read them.
func TestWire(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	s.opened()
	snapshot, _ := json.Marshal(s.last)
	want := fmt.Sprintf(`{"v":1,"type":"snapshot","seq":%d,"attempt":1,"phase":"waiting","remote_hint":false,"caps":["configure","sign_out"]}`, s.last.Seq)
	if string(snapshot) != want {
		t.Errorf("a snapshot is\n%s\nwant\n%s", snapshot, want)
	}
	s.armed.ExpiresIn = 299
	armed, _ := json.Marshal(s.armed)
	if want := `{"v":1,"type":"armed","attempt":1,"auth_url":"` + address + `","expires_in":299}`; string(armed) != want {
		t.Errorf("armed is\n%s\nwant\n%s", armed, want)
	}
}

// FuzzParseUp: whatever a view sends, nothing breaks.
func FuzzParseUp(f *testing.F) {
	f.Add([]byte(`{"v":1,"type":"redirect","attempt":1,"url":"http://127.0.0.1/?code=x"}`))
	f.Add([]byte(`{"v":1,"type":"configure","client_id":"x"}`))
	f.Add([]byte(`{"v":1,"attempt":-1}`))
	a := newApp(core.Status{State: core.NotConfigured})
	controller := signin.Start(f.Context(), a, signin.Options{})
	f.Cleanup(func() { _ = controller.Wait() })
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := signin.ParseClientMessage(data)
		if err != nil {
			if !errors.Is(err, signin.ErrBadMessage) {
				t.Errorf("ParseClientMessage returned %v", err)
			}
			return
		}
		if m.Type == "configure" {
			return // it would wait for room
		}
		if err := controller.Handle(m); err != nil && !errors.Is(err, signin.ErrBadMessage) {
			t.Errorf("Handle returned %v", err)
		}
	})
}
