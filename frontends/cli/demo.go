package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

func (c *commands) demo() *cli.Command {
	return &cli.Command{
		Name: "demo", Usage: "sign in and fetch, against the emulator", Category: "try it out",
		Action: c.heavy(0, 0, func(ctx context.Context, in *Invocation) error { return in.full.Demo(ctx, in) }),
	}
}
