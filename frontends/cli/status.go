package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/profile"
)

func (c *commands) status() *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "who is signed in, with which client and store, until when", Category: "account",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "as JSON"},
			&cli.BoolFlag{Name: "check", Usage: "tell by the exit code alone whether there is a token"},
		},
		Action: c.run(0, 0, status),
	}
}

// statusJSON is what status --json prints.
type statusJSON struct {
	core.Status
	Profile    string `json:"profile"`
	Store      string `json:"store"`
	Location   string `json:"location,omitempty"`
	Protection string `json:"protection,omitempty"`
	ClientFile string `json:"client_file"`
}

// status shows the session. Its exit code tells whether there is one.
func status(ctx context.Context, in *Invocation) error {
	if in.Bool("check") {
		return checkToken(ctx, in)
	}
	p, err := in.open(ctx, noToken, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	st, err := p.Status(ctx)
	if err != nil {
		return err
	}
	if in.Bool("json") {
		out := statusJSON{Status: st, Profile: p.Name, Store: p.Store, Location: p.Location(), Protection: p.Protection(), ClientFile: p.ClientFile}
		enc := json.NewEncoder(in.Stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(out); err != nil {
			return err
		}
	} else {
		var text bytes.Buffer
		printStatus(&text, p, st)
		if _, err := text.WriteTo(in.Stdout); err != nil {
			return err
		}
	}
	return in.statusCode(st)
}

// checkToken is a probe: it fails as token would.
func checkToken(ctx context.Context, in *Invocation) error {
	if in.Bool("json") {
		return usagef("tokentoss status --json", "status: --check prints nothing, as JSON either")
	}
	p, err := in.open(ctx, oneToken, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	_, err = p.IDToken(ctx)
	return err
}

func (in *Invocation) statusCode(st core.Status) error {
	switch st.State {
	case core.SignedIn:
		return nil
	case core.NotConfigured:
		in.say.hint("%s", hintFor(core.ErrNotConfigured))
		return &exitError{code: exitFailed}
	}
	in.say.hint("tokentoss login")
	return &exitError{code: exitSignIn}
}

func printStatus(w io.Writer, p *profile.Profile, st core.Status) {
	now := time.Now()
	row := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-9s %s\n", name, oneLine(fmt.Sprintf(format, args...)))
	}
	row("profile", "%s", p.Name)
	switch st.State {
	case core.SignedIn:
		switch {
		case st.Machine == "":
			row("session", "signed in as %s", st.Account())
		case st.Email == "":
			row("session", "a machine's, without a token as yet")
		default:
			row("session", "a machine's, as %s", st.Email)
		}
	case core.NotConfigured:
		row("session", "not configured: there is no OAuth client")
	case core.SignedOut:
		row("session", "signed out")
	case core.NeedsSignIn:
		row("session", "%s, needs a new sign-in", st.Account())
	}
	if st.Machine != "" {
		row("machine", "%s", st.Machine)
	}
	if st.Reason != "" {
		row("reason", "%s", st.Reason)
	}
	if !st.SignedInAt.IsZero() {
		row("since", "%s (%s ago)", st.SignedInAt.Local().Format(time.RFC1123), round(now.Sub(st.SignedInAt)))
	}
	if !st.SessionEnds.IsZero() && st.SessionEnds.After(now) {
		row("until", "%s (in %s), then sign in again", st.SessionEnds.Local().Format(time.RFC1123), round(st.SessionEnds.Sub(now)))
	}
	if !st.TokenExpiry.IsZero() {
		if left := st.TokenExpiry.Sub(now); left > 0 {
			row("token", "valid for %s", round(left))
		} else {
			row("token", "expired %s ago; it is refreshed when needed", round(-left))
		}
	}
	switch {
	case st.Machine != "":
		row("audience", "%s", st.ClientID)
		row("issuer", "%s", st.Issuer)
	case st.ClientID != "":
		row("client", "%s", st.ClientID)
		row("provider", "%s", st.Issuer)
	}
	row("store", "%s", strings.TrimSpace(p.Store+" "+p.Location()))
	if text := p.Protection(); text != "" {
		row("", "%s", text)
	}
}

func round(d time.Duration) time.Duration {
	if d > time.Minute {
		return d.Round(time.Minute)
	}
	return d.Round(time.Second)
}
