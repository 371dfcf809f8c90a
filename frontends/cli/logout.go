package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/profile"
)

func (c *commands) logout() *cli.Command {
	return &cli.Command{
		Name: "logout", Usage: "revoke the session at the provider, then forget it", Category: "account",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "local", Usage: "only forget it here; nothing is sent"}},
		Action: c.run(0, 0, logout),
	}
}

// logout ends the session.
func logout(ctx context.Context, in *Invocation) error {
	p, err := in.open(ctx, noToken, nil)
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

// machineLogout is logout for such a profile.
func machineLogout(ctx context.Context, in *Invocation, p *profile.Profile) error {
	if err := p.SignOut(ctx); err != nil {
		return err
	}
	in.say.say("the token is forgotten here; profile %s is a machine's, and gets another when one is needed", p.Name)
	return nil
}
