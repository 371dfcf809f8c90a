package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

func (c *commands) rpc() *cli.Command {
	return &cli.Command{
		Name: "rpc", Usage: "serve sessions to a program, such as a notebook's", Category: "requests", Hidden: true,
		Description: "JSON-RPC 2.0, one message a line; see docs/rpc.md.",
		Flags:       []cli.Flag{&cli.BoolFlag{Name: "stdio", Usage: "on standard input and output"}},
		Action:      c.heavy(0, 0, serveRPC),
	}
}

func serveRPC(ctx context.Context, in *Invocation) error {
	if !in.Bool("stdio") {
		return usagef("tokentoss rpc --stdio", "rpc is for programs, which speak to it on standard input and output")
	}
	return in.full.RPC(ctx, in)
}
