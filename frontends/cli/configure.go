package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/profile"
)

func (c *commands) configure() *cli.Command {
	return &cli.Command{
		Name: "configure", Usage: "set the OAuth client to sign in with", Category: "account",
		Description: "The client is of the type \"Desktop app\". Either give the file that the Google Cloud\n" +
			"console offers for download (--from), or the client's ID; its secret is then asked for.\n" +
			"A FILE may be -, for standard input.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "from", Usage: "read the client from `FILE`, a client_secrets.json"},
			&cli.StringFlag{Name: "client-id", Usage: "the client's `ID`"},
			&cli.StringFlag{Name: "client-secret-file", Usage: "read the secret from `FILE`"},
			&cli.StringFlag{Name: "project", Usage: "the client's Google Cloud project `ID`"},
			&cli.StringFlag{Name: "issuer", Usage: "the OpenID provider's `URL`, if it is not Google"},
		},
		Action: c.run(0, 0, configure),
	}
}

// configure sets the OAuth client.
func configure(ctx context.Context, in *Invocation) error {
	issuer := in.String("issuer")
	if issuer != "" {
		if err := oidc.CheckIssuer(issuer, true); err != nil {
			return usagef("name it as its discovery document does", "%v", err)
		}
	}
	// A client file that is there already and cannot be used is what a person
	// configures anew for.
	p, err := in.open(ctx, noToken, func(o *profile.Options) {
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
	cs, err := in.readClient(ctx, p.Settings.Issuer)
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

// readClient reads the client from a file, or from options and a prompt. Whether it is
// one that the issuer's clients can be like, [profile.Profile] knows.
func (in *Invocation) readClient(ctx context.Context, issuer string) (core.ClientSecrets, error) {
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
	secret, err := in.readSecret(ctx, issuer == "" || issuer == oidc.GoogleIssuer)
	if err != nil {
		return none, err
	}
	return core.ClientSecrets{ClientID: strings.TrimSpace(id), ClientSecret: secret, ProjectID: in.String("project")}, nil
}

// readSecret reads the client's secret: never from the command line, where every
// user of the machine could see it. Clients of Google's have one; others need not.
func (in *Invocation) readSecret(ctx context.Context, required bool) (core.Secret, error) {
	if file := in.String("client-secret-file"); file != "" {
		data, err := in.readFile(ctx, file)
		return core.Secret(strings.TrimSpace(string(data))), err
	}
	if fd := int(in.Stdin.Fd()); in.interactive() && term.IsTerminal(fd) {
		question := "client secret (not shown): "
		if !required {
			question = "client secret (not shown; none if the client has none): "
		}
		fmt.Fprint(in.Stderr, prefix+question)
		data, err := readHidden(ctx, fd)
		fmt.Fprintln(in.Stderr)
		return core.Secret(strings.TrimSpace(string(data))), err
	}
	if !required {
		return "", nil
	}
	return "", usagef("give it with --client-secret-file FILE; - is standard input, /dev/null is for a client that has none",
		"configure: there is no terminal to ask for the client's secret on")
}
