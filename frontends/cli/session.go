package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/profile"
)

// maxInput bounds what is read as a client or a secret.
const maxInput = 1 << 20

// configure sets the OAuth client.
func configure(ctx context.Context, in *Invocation) error {
	issuer := in.String("issuer")
	if issuer != "" {
		if err := oidc.CheckIssuer(issuer, true); err != nil {
			return usagef("name it as its discovery document does", "%v", err)
		}
	}
	// A client file that stands there already, and is no good, is what a person
	// configures anew for.
	p, err := in.open(ctx, func(o *profile.Options) {
		o.Override = func(s *profile.Settings) {
			if issuer != "" {
				s.Issuer = issuer
			}
		}
		o.IgnoreClient = true
	})
	if err != nil {
		return err
	}
	defer p.Close()
	cs, err := in.readClient(ctx)
	if err != nil {
		return err
	}
	if err := p.Configure(ctx, cs); err != nil {
		if from := in.String("from"); from != "" {
			err = fmt.Errorf("%s: %w", inputName(from), err)
		}
		return err
	}
	if issuer != "" {
		config, err := profile.ReadConfig(p.Dir)
		if err != nil {
			return err
		}
		if err := config.SetIssuer(p.Name, issuer); err != nil {
			return err
		}
	}
	if p.Client().Issuer() == oidc.GoogleIssuer && !strings.HasSuffix(cs.ClientID, ".apps.googleusercontent.com") {
		in.say.warn("client ID %q does not end in .apps.googleusercontent.com, as Google's do", cs.ClientID)
	}
	in.say.say("configured OAuth client %s in %s", cs.ClientID, p.ClientFile)
	if st, err := p.Status(ctx); err != nil || st.State != core.SignedIn {
		in.say.hint("tokentoss login")
	}
	return nil
}

// readClient reads the client from a file, or from options and a prompt.
func (in *Invocation) readClient(ctx context.Context) (core.ClientSecrets, error) {
	var none core.ClientSecrets
	from, id := in.String("from"), in.String("client-id")
	switch {
	case from != "" && id != "":
		return none, usagef("tokentoss configure --help", "--from and --client-id exclude each other")
	case from == "" && id == "":
		return none, usagef("tokentoss configure --from client_secrets.json, or --client-id ID", "configure: which OAuth client?")
	case from != "":
		data, err := in.readFile(ctx, from)
		if err != nil {
			return none, err
		}
		cs, err := oidc.ParseClientSecrets(data)
		if err != nil {
			return none, fmt.Errorf("%s: %w", inputName(from), err)
		}
		return cs, nil
	}
	secret, err := in.readSecret(ctx)
	if err != nil {
		return none, err
	}
	cs := core.ClientSecrets{ClientID: strings.TrimSpace(id), ClientSecret: secret, ProjectID: in.String("project")}
	if in.String("issuer") != "" {
		return cs, nil // Configure validates it for that provider
	}
	return cs, cs.Validate()
}

// readSecret reads the client's secret: never from the command line, where every
// user of the machine could see it.
func (in *Invocation) readSecret(ctx context.Context) (core.Secret, error) {
	if file := in.String("client-secret-file"); file != "" {
		data, err := in.readFile(ctx, file)
		return core.Secret(strings.TrimSpace(string(data))), err
	}
	if fd := int(in.Stdin.Fd()); in.interactive() && term.IsTerminal(fd) {
		fmt.Fprint(in.Stderr, prefix+"client secret (not shown): ")
		data, err := readHidden(ctx, fd)
		fmt.Fprintln(in.Stderr)
		return core.Secret(strings.TrimSpace(string(data))), err
	}
	return "", usagef("give it with --client-secret-file FILE; - is standard input, /dev/null is for a client that has none",
		"configure: there is no terminal to ask for the client's secret on")
}

// readFile reads a small file, or standard input for "-".
func (in *Invocation) readFile(ctx context.Context, name string) ([]byte, error) {
	var r io.Reader
	if name == "-" {
		r = stdin(ctx, in.Stdin)
	} else {
		f, err := os.Open(name)
		if err != nil {
			return nil, &hintedError{fmt.Errorf("cannot read the file: %w", err), "check the path"}
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, maxInput+1))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, &hintedError{fmt.Errorf("cannot read the file: %w", err), "check the path"}
	case len(data) > maxInput:
		return nil, fmt.Errorf("%s: larger than 1 MiB, which no client file is", inputName(name))
	}
	return data, nil
}

// inputName is how a file is called that may be standard input.
func inputName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// stdin returns what f has, standard input, until ctx ends: a read of a terminal
// cannot be taken back, and Ctrl-C should not wait for it. The goroutine ends
// with the input or with the process.
func stdin(ctx context.Context, f *os.File) io.Reader {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, f)
		_ = w.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { _ = w.CloseWithError(ctx.Err()) })
	return r
}

// logout ends the session.
func logout(ctx context.Context, in *Invocation) error {
	p, err := in.open(ctx, nil)
	if err != nil {
		return err
	}
	defer p.Close()
	if p.Settings.IsMachine() && !in.Bool("local") {
		return machineLogout(ctx, in, p)
	}
	if in.Bool("local") {
		if err := p.Forget(ctx); err != nil {
			return err
		}
		in.say.say("the session is forgotten here; the provider was not told")
		return nil
	}
	err = p.SignOut(ctx)
	if errors.Is(err, core.ErrNotRevoked) {
		where := "its provider"
		if c := p.Client(); c == nil || c.Issuer() == oidc.GoogleIssuer {
			where = "https://myaccount.google.com/connections"
		}
		return &hintedError{fmt.Errorf("the session is forgotten here, but %w", err), "end it at " + where + ", if it matters"}
	}
	if err != nil {
		return err
	}
	in.say.say("signed out")
	return nil
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
	p, err := in.open(ctx, nil)
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
			row("session", "signed in as %s", st.Email)
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
		row("session", "%s, needs a new sign-in", st.Email)
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
