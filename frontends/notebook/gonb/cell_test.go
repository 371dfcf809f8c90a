package gonb

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/frontends/signin"
)

// start signs in, and returns what that returns.
func (f *front) start(ctx context.Context, a core.App) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f.signIn(ctx, a) }()
	return done
}

func TestSignedInAlready(t *testing.T) {
	f := newFront(t)
	if err := f.signIn(t.Context(), newApp(core.SignedIn)); err != nil {
		t.Error(err)
	}
	f.last(textSignedIn)
	if len(f.scripts)+len(f.prompts) > 0 {
		t.Error("somebody who is signed in is asked to sign in")
	}
}

// TestWidget: the browser answers. No link is shown, and nobody is asked to paste.
func TestWidget(t *testing.T) {
	for _, d := range []struct {
		name string
		end  func(f *front, a *app, attempt uint64)
	}{
		{"redirect", func(_ *front, a *app, _ uint64) { a.redirect <- nil }},
		{"paste", func(f *front, _ *app, attempt uint64) {
			f.up(signin.ClientMessage{Type: "redirect", Attempt: attempt, URL: landed})
		}},
	} {
		t.Run(d.name, func(t *testing.T) {
			f, a := newFront(t), newApp(core.SignedOut)
			done := f.start(t.Context(), a)
			f.script("gonb_comm")
			f.up(signin.ClientMessage{Type: "hello"})
			m := f.armed()
			if m.AuthURL != address {
				t.Errorf("the address is %q", m.AuthURL)
			}
			f.up(signin.ClientMessage{Type: "opened", Attempt: m.Attempt})
			f.until("waiting", func(m message) bool { return m.Phase == "waiting" })
			d.end(f, a, m.Attempt)
			m = f.until("the last snapshot", func(m message) bool { return m.Phase == "detached" })
			if m.Account != ada {
				t.Errorf("the last snapshot has the account %q", m.Account)
			}
			if err := next(t, "the end", done); err != nil {
				t.Error(err)
			}
			f.last(textSignedIn)
			if len(f.scripts)+len(f.early)+len(f.prompts) > 0 {
				t.Error("there is a link or a prompt beside the widget")
			}
			f.up(signin.ClientMessage{Type: "sign_out"}) // nobody is there, and nothing hangs
		})
	}
}

// TestFallBack: the browser does not answer, or GoNB's channel cannot reach it.
func TestFallBack(t *testing.T) {
	for _, d := range []struct {
		name   string
		widget bool
		end    func(t *testing.T, f *front, a *app)
	}{
		{"silent, redirect", true, redirected},
		{"no channel, redirect", false, redirected},
		{"silent, paste", true, func(t *testing.T, f *front, _ *app) {
			f.answers <- "" // asked again
			f.answers <- "http://127.0.0.1:1/nothing"
			if p := next(t, "the second prompt", f.prompts); p != askAddress {
				t.Errorf("after nothing the prompt is %q", p)
			}
			f.script("planted-state")
			if p := next(t, "the third prompt", f.prompts); !strings.Contains(p, "it has no code") {
				t.Errorf("after a wrong address the prompt is %q", p)
			}
			f.answers <- landed
		}},
	} {
		t.Run(d.name, func(t *testing.T) {
			f, a := newFront(t), newApp(core.SignedOut)
			f.widget, f.patience = d.widget, time.Millisecond
			done := f.start(t.Context(), a)
			if d.widget {
				f.script("gonb_comm")
			}
			f.script("planted-state")
			if p := next(t, "a prompt", f.prompts); p != askAddress {
				t.Errorf("the prompt is %q", p)
			}
			d.end(t, f, a)
			if err := next(t, "the end", done); err != nil {
				t.Error(err)
			}
			f.last(textSignedIn)
		})
	}
}

// redirected: the prompt that is still open is closed by the page.
func redirected(_ *testing.T, f *front, a *app) {
	a.redirect <- nil
	f.script("jp-Stdin-input")
	f.answers <- ""
}

// TestPromptThatStays: a front end whose prompt nothing closes is not waited for.
func TestPromptThatStays(t *testing.T) {
	f, a := newFront(t), newApp(core.SignedOut)
	f.widget, f.closing = false, time.Millisecond
	done := f.start(t.Context(), a)
	f.script("planted-state")
	next(t, "a prompt", f.prompts)
	a.redirect <- nil
	if err := next(t, "the end", done); err != nil {
		t.Error(err)
	}
}

// TestNoPrompts: where nothing can be asked, the redirect is the only way.
func TestNoPrompts(t *testing.T) {
	f, a := newFront(t), newApp(core.SignedOut)
	f.widget = false
	f.ask = func(context.Context, string) (string, error) { return "", errors.ErrUnsupported }
	done := f.start(t.Context(), a)
	f.script("planted-state")
	a.redirect <- nil
	if err := next(t, "the end", done); err != nil {
		t.Error(err)
	}
}

// TestLateWidget: the browser answers after the link is there.
func TestLateWidget(t *testing.T) {
	f, a := newFront(t), newApp(core.SignedOut)
	f.patience = time.Millisecond
	done := f.start(t.Context(), a)
	f.script("gonb_comm")
	f.script("planted-state")
	f.up(signin.ClientMessage{Type: "hello"})
	m := f.armed()
	f.up(signin.ClientMessage{Type: "redirect", Attempt: m.Attempt, URL: landed})
	f.script("jp-Stdin-input")
	f.answers <- ""
	f.until("the last snapshot", func(m message) bool { return m.Phase == "detached" })
	if err := next(t, "the end", done); err != nil {
		t.Error(err)
	}
}

// TestFails: the sign-in ends the cell, also when it fails.
func TestFails(t *testing.T) {
	f, a := newFront(t), newApp(core.SignedOut)
	done := f.start(t.Context(), a)
	f.script("gonb_comm")
	f.up(signin.ClientMessage{Type: "hello"})
	f.armed()
	a.redirect <- core.ErrDenied
	if err := next(t, "the end", done); !errors.Is(err, core.ErrDenied) {
		t.Errorf("the error is %v", err)
	}
	f.until("the last snapshot", func(m message) bool { return m.Phase == "detached" && m.Error != nil })
	f.last(textNot)
}

// TestNotSaved: this cell has its client all the same.
func TestNotSaved(t *testing.T) {
	f, a := newFront(t), newApp(core.SignedOut)
	f.widget, f.closing = false, time.Millisecond
	done := f.start(t.Context(), a)
	f.script("planted-state")
	a.redirect <- core.ErrNotSaved
	if err := next(t, "the end", done); !errors.Is(err, core.ErrNotSaved) {
		t.Errorf("the error is %v", err)
	}
	f.last(textSignedIn)
}

// TestEnds: whatever ends a cell ends it soon, and says why.
func TestEnds(t *testing.T) {
	for _, widget := range []bool{true, false} {
		f := newFront(t)
		f.widget, f.closing = widget, time.Millisecond
		ctx, cancel := context.WithCancel(t.Context())
		done := f.start(ctx, newApp(core.SignedOut))
		next(t, "a script", f.scripts)
		cancel()
		if err := next(t, "the end", done); !errors.Is(err, context.Canceled) || errors.Is(err, errInterrupted) {
			t.Errorf("the error is %v", err)
		}
		f.last(textNot)
	}
}

// TestKernelEnds: nothing is shown to a kernel that has ended.
func TestKernelEnds(t *testing.T) {
	f := newFront(t)
	f.widget, f.closing = false, time.Millisecond
	done := f.start(t.Context(), newApp(core.SignedOut))
	f.script("planted-state")
	next(t, "a prompt", f.prompts)
	close(f.kernel)
	if err := next(t, "the end", done); !errors.Is(err, errKernelGone) {
		t.Errorf("the error is %v", err)
	}
	f.last(textBefore)
}

// TestUnconfigured: the client is asked for first, by the widget and by prompts.
func TestUnconfigured(t *testing.T) {
	t.Run("widget", func(t *testing.T) {
		f, a := newFront(t), newApp(core.NotConfigured)
		done := f.start(t.Context(), a)
		f.script("gonb_comm")
		f.up(signin.ClientMessage{Type: "hello"})
		f.until("a form", func(m message) bool { return m.Phase == "unconfigured" })
		f.up(signin.ClientMessage{Type: "configure", ClientID: "id", ClientSecret: secret})
		f.until("a button", func(m message) bool { return m.Phase == "signed_out" })
		f.up(signin.ClientMessage{Type: "arm"})
		f.armed()
		a.redirect <- nil
		if err := next(t, "the end", done); err != nil {
			t.Error(err)
		}
	})
	t.Run("prompts", func(t *testing.T) {
		f, a := newFront(t), newApp(core.NotConfigured)
		f.widget = false
		done := f.start(t.Context(), a)
		f.enters("wrong", secret)
		if p := next(t, "a prompt", f.prompts); !strings.Contains(p, "cannot be used") || !strings.HasSuffix(p, askClient) {
			t.Errorf("after a client that was refused the prompt is %q", p)
		}
		f.answers <- "id"
		next(t, "a prompt", f.prompts)
		f.answers <- secret
		f.script("planted-state")
		f.answers <- landed
		if err := next(t, "the end", done); err != nil {
			t.Error(err)
		}
	})
}

// enters answers the prompts for a client.
func (f *front) enters(id, secret string) {
	f.t.Helper()
	for i, want := range []string{askClient, askSecret} {
		if p := next(f.t, "a prompt", f.prompts); p != want {
			f.t.Errorf("the prompt is %q, and %q was wanted", p, want)
		}
		f.answers <- []string{id, secret}[i]
	}
}

func TestConfigure(t *testing.T) {
	for _, d := range []struct {
		name   string
		widget bool
	}{{"widget", true}, {"prompts", false}} {
		t.Run(d.name, func(t *testing.T) {
			f, a := newFront(t), newApp(core.SignedIn) // with another client
			f.widget = d.widget
			done := make(chan error, 1)
			go func() { done <- f.configure(t.Context(), a) }()
			if d.widget {
				f.script("gonb_comm")
				f.up(signin.ClientMessage{Type: "hello"})
				f.until("a form", func(m message) bool { return m.Phase == "unconfigured" })
				f.up(signin.ClientMessage{Type: "configure", ClientID: "wrong", ClientSecret: secret})
				f.until("a problem", func(m message) bool { return m.Error != nil && m.Error.Code == string(fault.BadClient) })
				f.up(signin.ClientMessage{Type: "configure", ClientID: "id", ClientSecret: secret})
				f.until("the last snapshot", func(m message) bool { return m.Phase == "detached" })
			} else {
				f.enters("id", secret)
			}
			if err := next(t, "the end", done); err != nil {
				t.Error(err)
			}
			f.last(textConfigured)
			if c := a.clients(); len(c) != 1 || c[0].ClientID != "id" || c[0].ClientSecret.Reveal() != secret {
				t.Errorf("saved are %v", c)
			}
		})
	}
}

func TestConfigureEnds(t *testing.T) {
	f := newFront(t)
	f.widget, f.closing = false, time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.configure(ctx, newApp(core.SignedOut)) }()
	next(t, "a prompt", f.prompts)
	cancel()
	if err := next(t, "the end", done); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	f.last(textUnchanged)
}
