// Package line is a core.Frontend of plain lines: one with the address, one that
// the person pastes, one that says who is signed in. Nothing is drawn over, no
// colours are used and no browser is started, which suits dumb terminals, screen
// readers and scripts that expect lines.
package line

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
)

// Config are the settings of the frontend in config.toml.
type Config struct {
	Ask string `json:"ask" about:"the line after which an answer is read"`
}

// defaultAsk is the line when none is set.
const defaultAsk = "If the browser ends on a page that cannot be reached, paste that page's address here:"

// Plugin returns the plugin, which main serves and the tests test.
func Plugin() plugins.Plugin {
	return plugins.Frontend(plugins.Info{Name: "line", Version: "v0.1.0", About: "sign in over plain lines of text"}, Open)
}

// Open returns the frontend.
func Open(_ context.Context, o plugins.Opening[Config]) (core.Frontend, error) {
	if o.Terminal == nil {
		return nil, fmt.Errorf("the line frontend needs a terminal: %w", errors.ErrUnsupported)
	}
	return &frontend{terminal: o.Terminal, ask: cmp.Or(o.Config.Ask, defaultAsk)}, nil
}

type frontend struct {
	terminal plugins.Terminal
	ask      string
}

var (
	_ core.Frontend = (*frontend)(nil)
	_ core.Prompter = (*frontend)(nil)
)

// Run implements [core.Frontend]. It ends when the person is signed in, or cannot
// be; tokentoss itself says why not.
func (f *frontend) Run(ctx context.Context, app core.App) error {
	st, err := app.SignIn(ctx, f)
	if err != nil {
		return err
	}
	return f.terminal.Print(ctx, "Signed in as "+st.Account()+".")
}

// Prompt implements [core.Prompter]. It returns the first line that is not empty.
// Where there are no lines, the browser is the only way to answer.
//
// It asks on a line of its own, not by a prompt before the answer: most people
// never answer, as their browser does, and the next line would follow the prompt.
func (f *frontend) Prompt(ctx context.Context, p core.Prompt) (string, error) {
	if err := f.show(ctx, p); err != nil {
		return "", err
	}
	for {
		answer, err := f.terminal.ReadLine(ctx, "")
		switch {
		case errors.Is(err, io.EOF):
			<-ctx.Done()
			return "", ctx.Err()
		case err != nil:
			return "", err
		case strings.TrimSpace(answer) != "":
			return answer, nil
		}
	}
}

// show says what to do. A person who is asked again has the address already.
func (f *frontend) show(ctx context.Context, p core.Prompt) error {
	var lines []string
	if p.Problem != "" {
		lines = append(lines, "That did not work: "+p.Problem)
	} else {
		lines = append(lines, "To sign in, open this address in a browser:", p.URL)
	}
	if p.Code != "" {
		lines = append(lines, "Type this code there: "+p.Code)
	}
	if !p.Deadline.IsZero() {
		lines = append(lines, "You have until "+p.Deadline.Local().Format(time.TimeOnly)+".")
	}
	for _, line := range append(lines, f.ask) {
		if err := f.terminal.Print(ctx, line); err != nil {
			return err
		}
	}
	return nil
}
