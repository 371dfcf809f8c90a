package host

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

// A speaker is an installed plugin, whose words are not taken for tokentoss's: its
// lines, questions and errors have its name before them.
type speaker struct{ plugin string }

func (s speaker) prefix(text string) string { return s.plugin + ": " + text }

// error names the plugin in an error that the plugin gave.
func (s speaker) error(err error) error {
	var own *wire.Error
	name := "plugin " + s.plugin
	if !errors.As(err, &own) || strings.HasPrefix(err.Error(), name) {
		return err
	}
	remedy := own.Next
	if !remedy.IsZero() {
		remedy.From = s.plugin
	}
	return &fault.Error{Subject: name, Err: err, Remedy: remedy}
}

// request is one whose terminal and person are told who speaks.
func (s speaker) request(r plugins.Request) plugins.Request {
	if ask := r.Ask; ask != nil {
		r.Ask = func(ctx context.Context, question string) (core.Secret, error) {
			return ask(ctx, "the plugin "+s.prefix(question))
		}
	}
	if r.Terminal != nil {
		r.Terminal = spokenTerminal{r.Terminal, s}
	}
	return r
}

// A spokenTerminal shows who speaks.
type spokenTerminal struct {
	plugins.Terminal
	speaker speaker
}

var (
	_ plugins.StatusLine = spokenTerminal{}
	_ plugins.Browser    = spokenTerminal{}
)

// Print implements [plugins.Terminal].
func (t spokenTerminal) Print(ctx context.Context, line string) error {
	return t.Terminal.Print(ctx, t.speaker.prefix(line))
}

// ReadLine implements [plugins.Terminal].
func (t spokenTerminal) ReadLine(ctx context.Context, prompt string) (string, error) {
	return t.Terminal.ReadLine(ctx, t.speaker.prefix(prompt))
}

// ReadSecret implements [plugins.Terminal].
func (t spokenTerminal) ReadSecret(ctx context.Context, prompt string) (core.Secret, error) {
	return t.Terminal.ReadSecret(ctx, t.speaker.prefix(prompt))
}

// Status implements [plugins.StatusLine].
func (t spokenTerminal) Status(ctx context.Context, line string) error {
	s, ok := t.Terminal.(plugins.StatusLine)
	if !ok {
		return nil
	}
	if line != "" {
		line = t.speaker.prefix(line)
	}
	return s.Status(ctx, line)
}

// Browse implements [plugins.Browser].
func (t spokenTerminal) Browse(ctx context.Context, address string) error {
	if b, ok := t.Terminal.(plugins.Browser); ok {
		return b.Browse(ctx, address)
	}
	return nil
}

// isWebAddress tells whether a browser may be given an address: it is http or https, of
// a host, in visible ASCII. A browser opens other addresses by other programs.
func isWebAddress(address string) bool {
	u, err := url.Parse(address)
	odd := strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' })
	return err == nil && !odd && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
}

// A spokenStore names its plugin in its errors.
type spokenStore struct {
	core.FullStore
	speaker speaker
}

// Load implements [core.TokenStore].
func (s spokenStore) Load(ctx context.Context, key string) (core.Record, error) {
	r, err := s.FullStore.Load(ctx, key)
	return r, s.speaker.error(err)
}

// Save implements [core.TokenStore].
func (s spokenStore) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	saved, err := s.FullStore.Save(ctx, key, r)
	return saved, s.speaker.error(err)
}

// Delete implements [core.TokenStore].
func (s spokenStore) Delete(ctx context.Context, key string) error {
	return s.speaker.error(s.FullStore.Delete(ctx, key))
}

// List implements [core.Lister].
func (s spokenStore) List(ctx context.Context) ([]string, error) {
	keys, err := s.FullStore.List(ctx)
	return keys, s.speaker.error(err)
}

// Lock implements [core.Locker].
func (s spokenStore) Lock(ctx context.Context, key string) (core.Lease, error) {
	held, err := s.FullStore.Lock(ctx, key)
	return held, s.speaker.error(err)
}

// Check implements [core.Checker].
func (s spokenStore) Check(ctx context.Context, key string) error {
	return s.speaker.error(s.FullStore.Check(ctx, key))
}

// Quarantine implements [core.Quarantiner].
func (s spokenStore) Quarantine(ctx context.Context, key string) (string, error) {
	where, err := s.FullStore.Quarantine(ctx, key)
	return where, s.speaker.error(err)
}

// Close implements [io.Closer].
func (s spokenStore) Close() error { return s.speaker.error(s.FullStore.Close()) }

// A spokenFrontend names its plugin in its errors, and tells what the plugin changed.
type spokenFrontend struct {
	core.Frontend
	speaker speaker
	notify  func(format string, args ...any)
}

// Run implements [core.Frontend].
func (f spokenFrontend) Run(ctx context.Context, app core.App) error {
	if f.notify != nil {
		app = noticedApp{app, f.speaker, f.notify}
	}
	return f.speaker.error(f.Frontend.Run(ctx, app))
}

// A noticedApp tells the person what a frontend did with it: a frontend can show what
// it likes.
type noticedApp struct {
	core.App
	speaker speaker
	notify  func(format string, args ...any)
}

// Configure implements [core.App].
func (a noticedApp) Configure(ctx context.Context, c core.ClientSecrets) error {
	err := a.App.Configure(ctx, c)
	if err == nil {
		a.notify("the plugin %s changed the OAuth client to %s", a.speaker.plugin, printable(c.ClientID))
	}
	return err
}

// SignIn implements [core.App].
func (a noticedApp) SignIn(ctx context.Context, p core.Prompter) (core.Status, error) {
	before, _ := a.Status(ctx)
	st, err := a.App.SignIn(ctx, p)
	switch {
	case err != nil:
	case before.Email != "" && before.Email != st.Email:
		a.notify("the plugin %s signed in as %s; it was %s before", a.speaker.plugin, printable(st.Email), printable(before.Email))
	default:
		a.notify("the plugin %s signed in as %s", a.speaker.plugin, printable(st.Email))
	}
	return st, err
}

// SignOut implements [core.App].
func (a noticedApp) SignOut(ctx context.Context) error {
	err := a.App.SignOut(ctx)
	if err == nil {
		a.notify("the plugin %s signed out", a.speaker.plugin)
	}
	return err
}
