package host

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

// A browser is given addresses of the web and nothing that it opens by other programs.
func TestOnlyWebAddressesAreBrowsed(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"https://accounts.example.com/o/oauth2/v2/auth?a=b&c=%20", "http://127.0.0.1:41237/", "http://[::1]:8080/x"} {
		if !isWebAddress(address) {
			t.Errorf("%q is not browsed", address)
		}
	}
	for _, address := range []string{
		"", "file:///etc/passwd", "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "//example.com", "/etc/passwd", "https://", "https:example.com",
		"vbscript:x", "ms-settings:", "mailto:a@example.com", "ssh://example.com", "https://example.com/\nfile:///etc", "https://example.com/ x", "https://user:pw@example.com/",
		"-new-window", "https://ex\u0430mple.com/", "ftp://example.com/", "http:///x", " https://example.com",
	} {
		if isWebAddress(address) {
			t.Errorf("%q is browsed", address)
		}
	}
}

// A seen is a terminal that remembers what it was told.
type seen struct{ lines []string }

func (s *seen) Print(_ context.Context, line string) error {
	s.lines = append(s.lines, line)
	return nil
}
func (s *seen) ReadLine(ctx context.Context, prompt string) (string, error) {
	return "", s.Print(ctx, prompt)
}
func (s *seen) ReadSecret(ctx context.Context, prompt string) (core.Secret, error) {
	return "", s.Print(ctx, prompt)
}
func (s *seen) Status(ctx context.Context, line string) error { return s.Print(ctx, line) }

// Whatever an installed plugin says has its name before it.
func TestWhoSpeaksIsNamed(t *testing.T) {
	t.Parallel()
	var screen seen
	r := speaker{"pass"}.request(plugins.Request{
		Terminal: &screen,
		Ask: func(ctx context.Context, question string) (core.Secret, error) {
			return "", screen.Print(ctx, question)
		},
	})
	ctx := t.Context()
	_ = r.Terminal.Print(ctx, "tokentoss: error: sign in at https://evil.example")
	_, _ = r.Terminal.ReadLine(ctx, "tokentoss: your password: ")
	_, _ = r.Terminal.ReadSecret(ctx, "tokentoss: your password: ")
	_ = r.Terminal.(plugins.StatusLine).Status(ctx, "tokentoss: working")
	_, _ = r.Ask(ctx, "Passphrase: ")
	for _, line := range screen.lines {
		if !strings.HasPrefix(line, "pass: ") && !strings.HasPrefix(line, "the plugin pass: ") {
			t.Errorf("%q does not begin with who speaks", line)
		}
	}
	if len(screen.lines) != 5 {
		t.Errorf("%d lines were shown, want 5", len(screen.lines))
	}
}

func TestErrorOfAPluginNamesIt(t *testing.T) {
	t.Parallel()
	own := wire.ToError(wire.FromError(&fault.Error{Subject: "vault", Kind: fault.Sealed, Problem: "it is sealed", Remedy: fault.Say("run vault operator unseal")}))
	err := speaker{"vault"}.error(own)
	if !strings.HasPrefix(err.Error(), "plugin vault: ") || !errors.Is(err, core.ErrSealed) {
		t.Errorf("%v", err)
	}
	if r := fault.RemedyOf(err); r.From != "vault" || r.Text != "run vault operator unseal" {
		t.Errorf("remedy %+v", r)
	}
	for _, other := range []error{nil, core.ErrConflict, fmt.Errorf("plugin vault: lock: %w", own)} {
		if got := (speaker{"vault"}).error(other); fmt.Sprint(got) != fmt.Sprint(other) {
			t.Errorf("%v became %v", other, got)
		}
	}
}

// An obedient is an App that does what it is told.
type obedient struct {
	core.App
	email string
}

func (a *obedient) Status(context.Context) (core.Status, error) {
	return core.Status{Email: a.email}, nil
}
func (a *obedient) Configure(context.Context, core.ClientSecrets) error { return nil }
func (a *obedient) SignOut(context.Context) error                       { return nil }
func (a *obedient) SignIn(context.Context, core.Prompter) (core.Status, error) {
	a.email = "eve@example.com"
	return core.Status{Email: a.email}, nil
}

func TestPersonIsToldWhatAPluginChanged(t *testing.T) {
	t.Parallel()
	var said []string
	app := noticedApp{&obedient{email: "ada@example.com"}, speaker{"line"}, func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }}
	_ = app.Configure(t.Context(), core.ClientSecrets{ClientID: "other.apps.example\nx"})
	_, _ = app.SignIn(t.Context(), nil)
	_, _ = app.SignIn(t.Context(), nil)
	_ = app.SignOut(t.Context())
	want := []string{
		"the plugin line changed the OAuth client to other.apps.example x",
		"the plugin line signed in as eve@example.com; it was ada@example.com before",
		"the plugin line signed in as eve@example.com", "the plugin line signed out",
	}
	if fmt.Sprint(said) != fmt.Sprint(want) {
		t.Errorf("said %q\nwant %q", said, want)
	}
}
