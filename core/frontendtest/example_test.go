package frontendtest_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/frontendtest"
)

// A linesFrontend writes lines and reads lines, and ends with the sign-in.
type linesFrontend struct {
	in  <-chan string
	out io.Writer
}

// Run implements [core.Frontend].
func (f *linesFrontend) Run(ctx context.Context, app core.App) error {
	st, err := app.SignIn(ctx, f)
	if err != nil {
		return err
	}
	fmt.Fprintf(f.out, "signed in as %s\n", st.Email)
	return nil
}

// Prompt implements [core.Prompter].
func (f *linesFrontend) Prompt(ctx context.Context, p core.Prompt) (string, error) {
	fmt.Fprintf(f.out, "%s\nopen %s\n%s\n", p.Problem, p.URL, p.Code)
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case line := <-f.in:
		return line, nil
	}
}

// A linesPerson types lines and reads the screen.
type linesPerson struct {
	frontendtest.Screen
	keys io.Writer
}

// SignIn implements [frontendtest.Person]: the frontend signs in by itself.
func (p *linesPerson) SignIn(context.Context) error { return nil }

// Paste implements [frontendtest.Person].
func (p *linesPerson) Paste(_ context.Context, text string) error {
	_, err := fmt.Fprintln(p.keys, text)
	return err
}

// openLines connects a frontend and a person, and ends with the test.
func openLines(t *testing.T) (core.Frontend, frontendtest.Person) {
	keyboard, keys := io.Pipe()
	t.Cleanup(func() { _ = keys.Close() })
	lines := make(chan string)
	go func() {
		for s := bufio.NewScanner(keyboard); s.Scan(); {
			lines <- s.Text()
		}
	}()
	p := &linesPerson{keys: keys}
	return &linesFrontend{in: lines, out: p}, p
}

func ExampleRun() {
	// func TestConformance(t *testing.T)
	_ = func(t *testing.T) {
		frontendtest.Run(t, openLines, frontendtest.SkipConfigure("it only signs in"))
	}
}
