package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/environment"
	"github.com/tokentoss/tokentoss/profile"
)

func (c *commands) exec() *cli.Command {
	return &cli.Command{
		Name: "exec", Usage: "run a command with the token as IAP_TOKEN in its environment", Category: "requests",
		ArgsUsage: "-- COMMAND [ARGUMENTS]", Action: c.run(1, -1, execute),
		Description: "IAP_TOKEN_EXPIRES has the time at which the token ends, in seconds since 1970.",
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "min-validity", Usage: "with a token valid for at least `TIME`"},
		},
	}
}

// The variables of a wrapped command.
const (
	tokenEnv   = "IAP_TOKEN"
	expiresEnv = "IAP_TOKEN_EXPIRES" // in seconds since 1970
)

// childEnv is the environment of wrapped commands, without the token of an earlier
// command.
func childEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return environment.Is(name, tokenEnv) || environment.Is(name, expiresEnv)
	})
}

// tokenFor returns a token that is valid for at least a time, a new one if need be.
func tokenFor(ctx context.Context, p *profile.Profile, least time.Duration) (core.IDToken, error) {
	id, err := p.IDToken(ctx)
	if err != nil || time.Until(id.Expiry) >= least {
		return id, err
	}
	if fresh, err := p.Renew(ctx, id); err == nil {
		id = fresh
	} else if !errors.Is(err, core.ErrRenewedRecently) {
		return core.IDToken{}, err
	}
	if left := time.Until(id.Expiry); left < least {
		return core.IDToken{}, &hintedError{fmt.Errorf("a new token is valid for %s, which is less than --min-validity %s", left.Round(time.Second), least),
			"ask for less; the provider decides how long a token lives"}
	}
	return id, nil
}

// execute runs a command with the token in its environment, which is what the
// person asked for; the command, and what it starts, can use it for an hour.
func execute(ctx context.Context, in *Invocation) error {
	args := wrapped(in)
	if len(args) == 0 {
		return usagef("tokentoss exec -- COMMAND [ARGUMENTS]", "exec: which command?")
	}
	path, err := lookUp(args[0], nameHint)
	if err != nil {
		return err
	}
	use := oneToken
	if in.Duration("min-validity") > 0 {
		use = anyTokens
	}
	p, err := in.open(ctx, use, nil)
	if err != nil {
		return err
	}
	id, err := tokenFor(ctx, p, in.Duration("min-validity"))
	if cerr := p.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	text, err := lineOf(id.Value)
	if err != nil {
		return err
	}
	env := append(childEnv(), tokenEnv+"="+text, expiresEnv+"="+strconv.FormatInt(id.Expiry.Unix(), 10))
	return in.Become(path, args, env)
}
