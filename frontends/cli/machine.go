package cli

import (
	"context"
	"errors"
	"slices"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/profile"
)

// renewing are the commands that may have to renew a token while they run.
var renewing = []string{"get", "post", "put", "patch", "delete", "login"}

// tokenless are the commands that need no token.
var tokenless = []string{"status", "logout", "configure", "list", "remove"}

// needsFlow tells whether the command needs the flow of a machine's profile, which
// only the host has. A token that is stored and good needs none.
func (in *Invocation) needsFlow(ctx context.Context, p *profile.Profile) bool {
	name := in.Command.Name
	if !p.Settings.IsMachine() || slices.Contains(tokenless, name) {
		return false
	}
	if slices.Contains(renewing, name) {
		return true
	}
	_, err := p.IDToken(ctx)
	return errors.Is(err, core.ErrNoFlow)
}

// machineLogin is login for a profile that nobody signs in: it tries.
func machineLogin(ctx context.Context, in *Invocation, p *profile.Profile) error {
	st, err := p.SignIn(ctx, nil)
	if err != nil {
		return err
	}
	in.say.say("there is nothing to do: profile %s is a machine's, and gets its tokens as %s", p.Name, st.Email)
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
