package page_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// A stage is an App that is in the state that a picture needs.
type stage struct {
	core.App

	status core.Status
	prompt core.Prompt
	err    error         // of SignIn, at once
	answer chan struct{} // closed: the browser has brought the answer
	end    error         // of SignIn after the answer; nil means that it goes on
	watch  error
	client error // of Configure
}

func newStage(st core.Status) *stage {
	return &stage{status: st, answer: make(chan struct{}), prompt: core.Prompt{
		URL: "https://accounts.google.com/o/oauth2/v2/auth?client_id=123&state=" + strings.Repeat("x", 60), Deadline: time.Now().Add(time.Minute),
	}}
}

func (s *stage) Watch(ctx context.Context) (<-chan core.Status, error) {
	if s.watch != nil {
		return nil, s.watch
	}
	out := make(chan core.Status, 1)
	if s.status.State != "" {
		out <- s.status
	}
	context.AfterFunc(ctx, func() { close(out) })
	return out, nil
}

func (s *stage) Configure(context.Context, core.ClientSecrets) error { return s.client }

func (s *stage) SignOut(context.Context) error { return s.end }

func (s *stage) SignIn(ctx context.Context, p core.Prompter) (core.Status, error) {
	if s.err != nil {
		return core.Status{}, s.err
	}
	asking, answered := context.WithCancel(ctx)
	defer answered()
	go func() {
		select {
		case <-s.answer:
			answered()
		case <-asking.Done():
		}
	}()
	prompt := s.prompt
	for {
		_, err := p.Prompt(asking, prompt)
		if err != nil {
			break
		}
		prompt.Problem = "this is not the answer of the sign-in that is waiting (its state is missing or differs)"
	}
	if ctx.Err() == nil && s.end == nil {
		<-ctx.Done()
	}
	return core.Status{}, s.end
}

// noWindow keeps the pictures' windows from opening: the address leads nowhere.
const noWindow = `(() => { window.open = () => ({}); addEventListener("click", (e) => e.target.closest("a") && e.preventDefault(), true) })()`

// A picture is a state of the page.
type picture struct {
	name     string
	stage    func() *stage
	settings string
	act      func(*browser.Tab, *stage, served)
	sees     string
}

var signedOut = core.Status{State: core.SignedOut}

// out is a stage on which nobody is signed in.
func out() *stage { return newStage(signedOut) }

// click is a person who goes to sign in.
func click(tb *browser.Tab, _ *stage, _ served) { tb.Click("Sign in with Google") }

func pictures() []picture { return append(signingIn(), others()...) }

// signingIn are the pictures on the way to a session.
func signingIn() []picture {
	return []picture{
		{"01-starting", func() *stage { return newStage(core.Status{}) }, "", nil, "Starting"},
		{"02-configure", func() *stage { return newStage(core.Status{State: core.NotConfigured}) }, "", nil, "No OAuth client"},
		{"03-client-refused", func() *stage {
			s := newStage(core.Status{State: core.NotConfigured})
			s.client = &core.Error{Kind: fault.BadClient, Problem: "client_secret is missing, and Google's token endpoint demands it", Remedy: fault.Say("download it again")}
			return s
		}, "", func(tb *browser.Tab, _ *stage, _ served) {
			tb.Field("Client ID", "104250000042-example.apps.googleusercontent.com")
			tb.Click("Save")
		}, "cannot be used"},
		{"04-armed", out, "", nil, "Sign in with Google"},
		{"05-waiting", out, "", click, "Finish in the other window"},
		{"06-remote", out, `{"remote": true}`, click, "Paste the whole address"},
		{"07-bad-answer", out, `{"remote": true}`, func(tb *browser.Tab, s *stage, v served) {
			click(tb, s, v)
			tb.Field("Did it end on", "http://127.0.0.1:1/?code=x\r")
		}, "was not taken"},
		{"08-exchanging", out, "", func(tb *browser.Tab, s *stage, v served) {
			click(tb, s, v)
			tb.Sees("Finish in")
			close(s.answer)
		}, "Signing in"},
		{"09-denied", func() *stage {
			s := out()
			s.end = core.ErrDenied
			return s
		}, "", func(tb *browser.Tab, s *stage, v served) {
			click(tb, s, v)
			tb.Sees("Finish in")
			close(s.answer)
		}, "was refused"},
		{"10-provider-down", func() *stage {
			s := out()
			s.err = &oidc.ProviderError{Endpoint: "discovery", Host: "accounts.google.com", Problem: "no connection could be made", Offline: true}
			return s
		}, "", nil, "cannot be reached"},
	}
}

// others are the pictures of everything else.
func others() []picture {
	return []picture{
		{"11-signed-in", func() *stage {
			return newStage(core.Status{State: core.SignedIn, Email: ada, SessionEnds: time.Now().Add(20 * time.Hour)})
		}, "", nil, "Signed in as"},
		{"12-long-name", func() *stage {
			return newStage(core.Status{State: core.SignedIn, Email: "a.person.with.a.really.long.name@subsidiary.of.a.very-long-company-name.example.com"})
		}, "", nil, "Signed in as"},
		{"13-not-revoked", func() *stage {
			s := newStage(core.Status{State: core.SignedIn, Email: ada})
			s.end = fmt.Errorf("%w: no connection", core.ErrNotRevoked)
			return s
		}, "", func(tb *browser.Tab, _ *stage, _ served) { tb.Click("Sign out") }, "could not be told"},
		{"14-needs-sign-in", func() *stage {
			return newStage(core.Status{State: core.NeedsSignIn, Email: ada, Reason: "sign-in needed: the session is older than its lifetime (" + ada + ")"})
		}, "", nil, "older than its lifetime"},
		{"15-ended", out, "", func(tb *browser.Tab, _ *stage, v served) {
			tb.Sees("Sign in with Google to continue")
			v.stop()
		}, "has ended"},
		{"16-store", func() *stage {
			s := out()
			s.err = fmt.Errorf("the keyring: %w", core.ErrSealed)
			return s
		}, "", nil, "is locked"},
		{"17-no-key", out, "", func(tb *browser.Tab, _ *stage, v served) {
			tb.Script(`sessionStorage.clear()`, nil)
			tb.Reload()
		}, "has no key"},
		{"18-change-client", out, "", func(tb *browser.Tab, _ *stage, _ served) {
			tb.Click("The window does not open, or ends on an error?")
			tb.Click("Change OAuth client")
		}, "Change the OAuth client"},
	}
}
