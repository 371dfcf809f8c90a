package plugins_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
)

// A scriptConfig names what a frontend does.
type scriptConfig struct {
	Script string `json:"script"`
}

// scripted is a frontend that does one of scripts, and prints what it sees.
func scripted() plugins.Plugin {
	return plugins.Frontend(plugins.Info{Name: "scripted", Version: "v0.0.1"},
		func(_ context.Context, o plugins.Opening[scriptConfig]) (core.Frontend, error) {
			script := scripts[o.Config.Script]
			if script == nil {
				return nil, fmt.Errorf("%w: no script %q", plugins.ErrBadConfig, o.Config.Script)
			}
			return frontendFunc(func(ctx context.Context, app core.App) error { return script(ctx, app, o) }), nil
		})
}

type frontendFunc func(context.Context, core.App) error

func (f frontendFunc) Run(ctx context.Context, app core.App) error { return f(ctx, app) }

type script func(context.Context, core.App, plugins.Opening[scriptConfig]) error

var scripts = map[string]script{
	"everything": everything,
	"prompt-ends": func(ctx context.Context, app core.App, o plugins.Opening[scriptConfig]) error {
		_, err := app.SignIn(ctx, core.PrompterFunc(func(ctx context.Context, p core.Prompt) (string, error) {
			show(o, "prompt %s", p.URL)
			<-ctx.Done()
			show(o, "the prompt ended: %v", ctx.Err())
			return "", ctx.Err()
		}))
		return err
	},
	"prompt-fails": func(ctx context.Context, app core.App, _ plugins.Opening[scriptConfig]) error {
		_, err := app.SignIn(ctx, core.PrompterFunc(func(context.Context, core.Prompt) (string, error) {
			return "", fmt.Errorf("the person went away: %w", core.ErrDenied)
		}))
		return err
	},
	"watch":            watchThree,
	"watch-and-return": watchAndReturn,
	"cancel":           cancelCalls,
	"error": func(ctx context.Context, app core.App, _ plugins.Opening[scriptConfig]) error {
		_, _ = app.Status(ctx)
		_, err := app.IDToken(ctx)
		return err
	},
	"wrapped": func(ctx context.Context, app core.App, _ plugins.Opening[scriptConfig]) error {
		_, err := app.IDToken(ctx)
		return fmt.Errorf("showing the page: %w", err)
	},
	"own-error": func(context.Context, core.App, plugins.Opening[scriptConfig]) error {
		return hinted{fmt.Errorf("no port is free: %w", core.ErrRefused)}
	},
	"lines": readLines,
	"until-stopped": func(ctx context.Context, _ core.App, o plugins.Opening[scriptConfig]) error {
		show(o, "running")
		<-ctx.Done()
		show(o, "stopped: %v", ctx.Err())
		return nil
	},
	"die": func(ctx context.Context, app core.App, o plugins.Opening[scriptConfig]) error {
		_, _ = app.Status(ctx)
		os.Exit(3)
		return nil
	},
	"ignore-stop": func(_ context.Context, _ core.App, o plugins.Opening[scriptConfig]) error {
		show(o, "running")
		select {}
	},
	"deaf": func(ctx context.Context, app core.App, o plugins.Opening[scriptConfig]) error {
		if _, err := app.Watch(ctx); err != nil {
			return err
		}
		show(o, "running")
		_, err := app.Status(ctx) // after which that was shown
		stopProcess()
		return err
	},
}

// A hinted is an error with a hint.
type hinted struct{ error }

func (h hinted) Hint() string  { return "run this" }
func (h hinted) Unwrap() error { return h.error }

func show(o plugins.Opening[scriptConfig], format string, args ...any) {
	_ = o.Terminal.Print(context.Background(), fmt.Sprintf(format, args...))
}

// everything uses each method of an App once.
func everything(ctx context.Context, app core.App, o plugins.Opening[scriptConfig]) error {
	st, err := app.Status(ctx)
	show(o, "status %s %s %v", st.State, st.Email, err)
	err = app.Configure(ctx, core.ClientSecrets{ClientID: "client", ClientSecret: "GOCSPX-new", RedirectURIs: []string{"http://127.0.0.1"}})
	show(o, "configure %v", err)
	st, err = app.SignIn(ctx, core.PrompterFunc(func(_ context.Context, p core.Prompt) (string, error) {
		show(o, "prompt %s %s %s %s %d", p.URL, p.Code, p.RedirectURL, p.Problem, p.Deadline.Unix())
		return "answer " + p.Code, nil
	}))
	show(o, "sign in %s %v", st.Email, err)
	token, err := app.IDToken(ctx)
	show(o, "token %s %d %v", token.Value.Reveal(), token.Generation, err)
	token, err = app.Renew(ctx, token)
	show(o, "renewed %s %d %v", token.Value.Reveal(), token.Generation, err)
	return app.SignOut(ctx)
}

// watchThree prints three states, and ends the watch.
func watchThree(ctx context.Context, app core.App, o plugins.Opening[scriptConfig]) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	updates, err := app.Watch(ctx)
	if err != nil {
		return err
	}
	for st := range updates {
		show(o, "state %s", st.Email)
		if st.Email == "3" {
			cancel()
		}
	}
	show(o, "closed")
	return nil
}

// watchAndReturn leaves watches and a call behind, whose contexts have no end.
func watchAndReturn(_ context.Context, app core.App, _ plugins.Opening[scriptConfig]) error {
	for range 3 {
		if _, err := app.Watch(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

// cancelCalls ends calls that are under way, and makes another.
func cancelCalls(ctx context.Context, app core.App, o plugins.Opening[scriptConfig]) error {
	ended, cancel := context.WithCancel(ctx)
	time.AfterFunc(50*time.Millisecond, cancel)
	_, err := app.IDToken(ended)
	show(o, "canceled %v", errors.Is(err, context.Canceled))
	_, err = app.IDToken(ended)
	show(o, "canceled before %v", errors.Is(err, context.Canceled))
	st, err := app.Status(ctx)
	show(o, "status %s %v", st.State, err)
	return nil
}

// readLines gives up one reading, and reads on.
func readLines(ctx context.Context, _ core.App, o plugins.Opening[scriptConfig]) error {
	impatient, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err := o.Terminal.ReadLine(impatient, "first? ")
	show(o, "gave up %v", errors.Is(err, context.DeadlineExceeded))
	line, err := o.Terminal.ReadLine(ctx, "second? ")
	show(o, "read %s %v", line, err)
	secret, err := o.Terminal.ReadSecret(ctx, "third? ")
	show(o, "secret %s %v", secret.Reveal(), err)
	_, err = o.Terminal.ReadLine(ctx, "not text? ")
	show(o, "not text %v", errors.Is(err, core.ErrRefused))
	_, err = o.Terminal.ReadLine(ctx, "more? ")
	show(o, "end %v", errors.Is(err, io.EOF))
	show(o, "not text: \xff")
	return nil
}

// A terminal is a person at one.
type terminal struct {
	mu    sync.Mutex
	shown []string
	lines chan string   // that are typed
	saw   chan struct{} // something was shown

	reading sync.Mutex // one at a time
}

func newTerminal(lines ...string) *terminal {
	t := &terminal{lines: make(chan string, 16), saw: make(chan struct{}, 1000)}
	for _, l := range lines {
		t.lines <- l
	}
	close(t.lines)
	return t
}

func (t *terminal) Print(_ context.Context, line string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shown = append(t.shown, line)
	t.saw <- struct{}{}
	return nil
}

func (t *terminal) ReadLine(ctx context.Context, prompt string) (string, error) {
	t.reading.Lock()
	defer t.reading.Unlock()
	if prompt == "first? " {
		<-ctx.Done() // nothing was typed yet
		return "", ctx.Err()
	}
	line, ok := <-t.lines
	if !ok {
		return "", io.EOF
	}
	return line, nil
}

func (t *terminal) ReadSecret(ctx context.Context, prompt string) (core.Secret, error) {
	line, err := t.ReadLine(ctx, prompt)
	return core.Secret(line), err
}

func (t *terminal) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(t.shown, "\n")
}

// An app is a core.App that a test scripts. What is nil is not to be called.
type app struct {
	core.App
	status    func(context.Context) (core.Status, error)
	watch     func(context.Context) (<-chan core.Status, error)
	signIn    func(context.Context, core.Prompter) (core.Status, error)
	idToken   func(context.Context) (core.IDToken, error)
	renew     func(context.Context, core.IDToken) (core.IDToken, error)
	configure func(context.Context, core.ClientSecrets) error
	signOut   func(context.Context) error
}

func (a *app) Status(ctx context.Context) (core.Status, error) {
	if a.status == nil {
		return core.Status{State: core.SignedOut}, nil
	}
	return a.status(ctx)
}
func (a *app) Watch(ctx context.Context) (<-chan core.Status, error) { return a.watch(ctx) }
func (a *app) SignIn(ctx context.Context, p core.Prompter) (core.Status, error) {
	return a.signIn(ctx, p)
}
func (a *app) IDToken(ctx context.Context) (core.IDToken, error) { return a.idToken(ctx) }
func (a *app) Renew(ctx context.Context, t core.IDToken) (core.IDToken, error) {
	return a.renew(ctx, t)
}
func (a *app) Configure(ctx context.Context, c core.ClientSecrets) error { return a.configure(ctx, c) }
func (a *app) SignOut(ctx context.Context) error                         { return a.signOut(ctx) }

// bounded returns a context that ends when something hangs.
func bounded(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// run runs a script over a carrier.
func run(ctx context.Context, t *testing.T, c plugintest.Carrier, name string, a core.App, term plugins.Terminal) error {
	t.Helper()
	f, err := plugintest.OpenFrontend(t, c, scripted(), plugins.Request{
		Dir: t.TempDir(), Settings: fmt.Appendf(nil, `{"script":%q}`, name), Terminal: term,
	})
	if err != nil {
		t.Fatal(err)
	}
	err = f.Run(ctx, a)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		t.Fatalf("it hung: %v", err)
	}
	return err
}

// overAll runs a test over all carriers.
func overAll(t *testing.T, test func(t *testing.T, c plugintest.Carrier)) {
	t.Parallel()
	for _, c := range plugintest.Carriers() {
		t.Run(string(c), func(t *testing.T) {
			t.Parallel()
			test(t, c)
		})
	}
}
