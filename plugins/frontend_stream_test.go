package plugins_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
)

// TestEverything: each method gets what it was called with, and its answer gets
// back.
func TestEverything(t *testing.T) {
	overAll(t, func(t *testing.T, c plugintest.Carrier) {
		deadline := time.Unix(1_800_000_000, 0)
		var configured core.ClientSecrets
		var stale core.IDToken
		signedOut := false
		a := &app{
			status: func(context.Context) (core.Status, error) {
				return core.Status{State: core.SignedIn, Email: "ada@example.com"}, nil
			},
			configure: func(_ context.Context, c core.ClientSecrets) error { configured = c; return nil },
			signIn: func(ctx context.Context, p core.Prompter) (core.Status, error) {
				answer, err := p.Prompt(ctx, core.Prompt{URL: "https://x/1", Code: "AB-CD", RedirectURL: "http://127.0.0.1/", Deadline: deadline, Problem: "wrong"})
				if err != nil || answer != "answer AB-CD" {
					return core.Status{}, fmt.Errorf("the answer is %q, %v", answer, err)
				}
				return core.Status{State: core.SignedIn, Email: "grace@example.com"}, nil
			},
			idToken: func(context.Context) (core.IDToken, error) { return core.IDToken{Value: "one", Generation: 1}, nil },
			renew: func(_ context.Context, t core.IDToken) (core.IDToken, error) {
				stale = t
				return core.IDToken{Value: "two", Generation: 2}, nil
			},
			signOut: func(context.Context) error { signedOut = true; return nil },
		}
		term := newTerminal()
		if err := run(bounded(t), t, c, "everything", a, term); err != nil {
			t.Errorf("Run: %v", err)
		}
		want := strings.Join([]string{
			"status signed_in ada@example.com <nil>", "configure <nil>", "prompt https://x/1 AB-CD http://127.0.0.1/ wrong 1800000000",
			"sign in grace@example.com <nil>", "token one 1 <nil>", "renewed two 2 <nil>",
		}, "\n")
		if got := term.text(); got != want {
			t.Errorf("the frontend saw\n%s\nwant\n%s", got, want)
		}
		if configured.ClientID != "client" || configured.ClientSecret.Reveal() != "GOCSPX-new" || stale.Value.Reveal() != "one" || stale.Generation != 1 || !signedOut {
			t.Errorf("the App got %v, %v, %v", configured, stale, signedOut)
		}
	})
}

// TestPrompts: a prompt ends when its answer came another way, and its error is
// the App's to know.
func TestPrompts(t *testing.T) {
	overAll(t, func(t *testing.T, c plugintest.Carrier) {
		term := newTerminal()
		a := &app{signIn: func(ctx context.Context, p core.Prompter) (core.Status, error) {
			prompt, end := context.WithCancel(ctx)
			go func() { <-term.saw; end() }() // the redirect arrives while the prompt is shown
			_, err := p.Prompt(prompt, core.Prompt{URL: "https://x/2"})
			if !errors.Is(err, context.Canceled) {
				return core.Status{}, fmt.Errorf("the prompt's error is %w", err)
			}
			<-term.saw // that it ended, which is not to wait for the end of the sign-in
			return core.Status{State: core.SignedIn}, nil
		}}
		if err := run(bounded(t), t, c, "prompt-ends", a, term); err != nil {
			t.Errorf("Run: %v", err)
		}
		if got := term.text(); got != "prompt https://x/2\nthe prompt ended: context canceled" {
			t.Errorf("the frontend saw\n%s", got)
		}
		a.signIn = func(ctx context.Context, p core.Prompter) (core.Status, error) {
			_, err := p.Prompt(ctx, core.Prompt{})
			if !errors.Is(err, core.ErrDenied) || err.Error() != "the person went away: sign-in was denied" {
				t.Errorf("the prompter's error is %v", err)
			}
			return core.Status{}, err
		}
		if err := run(bounded(t), t, c, "prompt-fails", a, newTerminal()); !errors.Is(err, core.ErrDenied) {
			t.Errorf("Run: %v", err)
		}
	})
}

// TestWatch: the last state is always seen, and a watch ends when it is ended.
func TestWatch(t *testing.T) {
	overAll(t, func(t *testing.T, c plugintest.Carrier) {
		ended := make(chan struct{})
		a := &app{watch: func(ctx context.Context) (<-chan core.Status, error) {
			out := make(chan core.Status)
			go func() {
				defer close(ended)
				defer close(out)
				for i := 1; i <= 3; i++ {
					out <- core.Status{Email: fmt.Sprint(i)}
				}
				<-ctx.Done()
			}()
			return out, nil
		}}
		term := newTerminal()
		if err := run(bounded(t), t, c, "watch", a, term); err != nil {
			t.Errorf("Run: %v", err)
		}
		<-ended
		if got := term.text(); !strings.HasSuffix(got, "state 3\nclosed") {
			t.Errorf("the frontend saw\n%s", got)
		}
	})
}

// TestWatchesThatAreLeft: a frontend that returns is done, whatever it left.
func TestWatchesThatAreLeft(t *testing.T) {
	t.Parallel()
	for _, c := range []plugintest.Carrier{plugintest.GRPC, plugintest.Executable} { // in this process they would be left
		t.Run(string(c), func(t *testing.T) {
			t.Parallel()
			a := &app{watch: func(ctx context.Context) (<-chan core.Status, error) {
				out := make(chan core.Status)
				context.AfterFunc(ctx, func() { close(out) })
				return out, nil
			}}
			if err := run(bounded(t), t, c, "watch-and-return", a, newTerminal()); err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

// TestCanceledCalls: the App is told that nobody waits, and the next call works.
func TestCanceledCalls(t *testing.T) {
	overAll(t, func(t *testing.T, c plugintest.Carrier) {
		a := &app{idToken: func(ctx context.Context) (core.IDToken, error) {
			<-ctx.Done()
			return core.IDToken{}, ctx.Err()
		}}
		term := newTerminal()
		if err := run(bounded(t), t, c, "cancel", a, term); err != nil {
			t.Errorf("Run: %v", err)
		}
		if got, want := term.text(), "canceled true\ncanceled before true\nstatus signed_out <nil>"; got != want {
			t.Errorf("the frontend saw\n%s", got)
		}
	})
}

// An appError is an error of an App's that no message can carry.
type appError struct{ fd func() }

func (*appError) Error() string   { return "the session at /x" }
func (*appError) Hint() string    { return "run that" }
func (*appError) Is(e error) bool { return e == core.ErrNotSaved }

// TestErrorsOfTheApp come back from Run as they are; those of the frontend as they
// read.
func TestErrorsOfTheApp(t *testing.T) {
	overAll(t, func(t *testing.T, c plugintest.Carrier) {
		own := &appError{fd: func() {}}
		a := &app{idToken: func(context.Context) (core.IDToken, error) { return core.IDToken{}, own }}
		for _, name := range []string{"error", "wrapped"} {
			var got *appError
			if err := run(bounded(t), t, c, name, a, newTerminal()); !errors.As(err, &got) || got != own || hintOf(err) != "run that" {
				t.Errorf("%s: Run returned %v (%T) with the hint %q", name, err, err, hintOf(err))
			}
		}
		err := run(bounded(t), t, c, "own-error", a, newTerminal())
		if !errors.Is(err, core.ErrRefused) || err.Error() != "no port is free: refused" || hintOf(err) != "run this" {
			t.Errorf("Run returned %v with the hint %q", err, hintOf(err))
		}
	})
}

func hintOf(err error) string {
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return h.Hint()
	}
	return ""
}

// TestTerminal: a line that is typed after its reader gave up goes to the next.
func TestTerminal(t *testing.T) {
	overAll(t, func(t *testing.T, c plugintest.Carrier) {
		term := newTerminal("typed late", "a secret", "\xff")
		if err := run(bounded(t), t, c, "lines", &app{}, term); err != nil {
			t.Errorf("Run: %v", err)
		}
		want := []string{"gave up true", "read typed late <nil>", "secret a secret <nil>", "not text true", "end true", "not text: \ufffd"}
		if c == plugintest.InProcess { // where any bytes are a text
			want[3], want[5] = "not text false", "not text: \xff"
		}
		if got := term.text(); got != strings.Join(want, "\n") {
			t.Errorf("the frontend saw\n%s", got)
		}
	})
}

// TestStop: when the context of Run ends, so does the frontend's, which then has
// the time to end well.
func TestStop(t *testing.T) {
	overAll(t, func(t *testing.T, c plugintest.Carrier) {
		ctx, cancel := context.WithCancel(bounded(t))
		term := newTerminal()
		go func() { <-term.saw; cancel() }()
		if err := run(ctx, t, c, "until-stopped", &app{}, term); err != nil {
			t.Errorf("Run: %v", err)
		}
		if got := term.text(); got != "running\nstopped: context canceled" {
			t.Errorf("the frontend saw\n%s", got)
		}
	})
}

// TestFrontendsThatDoNotEndWell: one ends on its own, one does not when it is
// asked to, and one reads nothing any more while the App has much to tell.
func TestFrontendsThatDoNotEndWell(t *testing.T) {
	t.Parallel()
	t.Run("die", func(t *testing.T) {
		t.Parallel()
		err := run(bounded(t), t, plugintest.Executable, "die", &app{}, newTerminal())
		var he *fault.Error
		if !errors.As(err, &he) || !errors.Is(err, core.ErrUnavailable) || !strings.Contains(err.Error(), "run: it ended, with exit status 3") {
			t.Errorf("Run: %v", err)
		}
	})
	chatty := &app{watch: func(ctx context.Context) (<-chan core.Status, error) {
		out := make(chan core.Status)
		go func() {
			defer close(out)
			for ctx.Err() == nil {
				select {
				case out <- core.Status{Reason: strings.Repeat("x", 64<<10)}:
				case <-ctx.Done():
				}
			}
		}()
		return out, nil
	}}
	for _, name := range []string{"ignore-stop", "deaf"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(bounded(t))
			term := newTerminal()
			go func() { <-term.saw; time.AfterFunc(300*time.Millisecond, cancel) }() // what is told fills the way by then
			err := run(ctx, t, plugintest.Executable, name, chatty, term)
			if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "it did not end within 3s") {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

// TestFrontendSettings: what is wrong with them is said as it is in this process.
func TestFrontendSettings(t *testing.T) {
	overAll(t, func(t *testing.T, c plugintest.Carrier) {
		for settings, want := range map[string]string{
			`{"script":"nosuch"}`: `no script "nosuch"`, `{"scrpt":1}`: `there is no setting "scrpt"; available: script`, `{"script":1}`: "script must be text",
		} {
			f, err := plugintest.OpenFrontend(t, c, scripted(), plugins.Request{Settings: []byte(settings), Dir: t.TempDir()})
			if err == nil {
				err = f.Run(bounded(t), &app{})
			}
			if !errors.Is(err, plugins.ErrBadConfig) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %s", settings, err, want)
			}
		}
	})
}
