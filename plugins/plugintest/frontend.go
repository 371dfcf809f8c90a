package plugintest

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/frontendtest"
	"github.com/tokentoss/tokentoss/plugins"
)

// Frontend runs [frontendtest.Run] over every carrier. Each call of place returns
// what a frontend of its own is opened with, and the person who operates it. For a
// frontend that uses the terminal that is a [Terminal], which is both.
func Frontend(t *testing.T, p plugins.Plugin, place func(t *testing.T) (plugins.Request, frontendtest.Person), opts ...frontendtest.Option) {
	t.Helper()
	for _, c := range Carriers() {
		t.Run(string(c), func(t *testing.T) {
			frontendtest.Run(t, func(t *testing.T) (core.Frontend, frontendtest.Person) {
				r, person := place(t)
				f, err := OpenFrontend(t, c, p, r)
				if err != nil {
					t.Fatalf("opening the frontend of plugin %s: %v", p.Name, err)
				}
				return f, person
			}, opts...)
		})
	}
}

// A Terminal is a [plugins.Terminal] and the person who sits at it. Make one with
// [NewTerminal].
type Terminal struct {
	frontendtest.Screen
	typed chan string
}

var (
	_ plugins.Terminal    = (*Terminal)(nil)
	_ frontendtest.Person = (*Terminal)(nil)
)

// NewTerminal returns a terminal on which nothing was shown nor typed.
func NewTerminal() *Terminal { return &Terminal{typed: make(chan string, 16)} }

// Print implements [plugins.Terminal].
func (t *Terminal) Print(_ context.Context, line string) error {
	_, err := fmt.Fprintln(&t.Screen, line)
	return err
}

// ReadLine implements [plugins.Terminal].
func (t *Terminal) ReadLine(ctx context.Context, prompt string) (string, error) {
	if _, err := io.WriteString(&t.Screen, prompt); err != nil {
		return "", err
	}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case line, ok := <-t.typed:
		if !ok {
			return "", io.EOF
		}
		return line, nil
	}
}

// ReadSecret implements [plugins.Terminal].
func (t *Terminal) ReadSecret(ctx context.Context, prompt string) (core.Secret, error) {
	line, err := t.ReadLine(ctx, prompt)
	return core.Secret(line), err
}

// SignIn implements [frontendtest.Person]. It does nothing: a frontend of lines
// signs in by itself. Embed the Terminal in a person who does more.
func (t *Terminal) SignIn(context.Context) error { return nil }

// Paste implements [frontendtest.Person]: it types a line.
func (t *Terminal) Paste(ctx context.Context, line string) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case t.typed <- line:
		return nil
	}
}

// EndInput ends what can be typed. It is called once, and after it no Paste.
func (t *Terminal) EndInput() { close(t.typed) }
