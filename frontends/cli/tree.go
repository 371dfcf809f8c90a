package cli

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// commands makes the command tree of one run. Each command stands in a file of its
// own, with its name, its flags, its help and what it does.
type commands struct {
	program Program
	args    []string // the command line as it was given
	say     messages
}

// all returns every command, in the order of the help.
func (c *commands) all() []*cli.Command {
	list := []*cli.Command{c.configure(), c.login(), c.logout(), c.status(), c.token()}
	for _, method := range []string{"get", "post", "put", "patch", "delete"} {
		list = append(list, c.request(method))
	}
	return append(list,
		c.runProgram(), c.curl(), c.exec(), c.credential(), c.serve(), c.proxy(), c.metadata(), c.mcp(), c.forward(), c.tunnel(), c.sshConfig(), c.hub(), c.rpc(),
		c.profiles(), c.stores(), c.plugins(), c.doctor(), c.emulator(), c.demo(), c.completion(),
	)
}

// run makes an action of f, which takes from least to most arguments (-1: any
// number).
func (c *commands) run(least, most int, f action) cli.ActionFunc {
	return func(ctx *cli.Context) error {
		// Not FullName, which leaves the parent out.
		path := ctx.Command.HelpName
		name := strings.TrimPrefix(path, "tokentoss ")
		switch n := ctx.NArg(); {
		case n < least:
			return usagef(path+" --help", "%s needs %s", name, ctx.Command.ArgsUsage)
		case most >= 0 && n > most:
			return usagef(path+" --help", "%s: unexpected argument %q", name, ctx.Args().Get(most))
		}
		return f(ctx.Context, c.invocation(ctx))
	}
}

func (c *commands) invocation(ctx *cli.Context) *Invocation {
	p := c.program
	return &Invocation{Context: ctx, Stdin: p.Stdin, Stdout: p.Stdout, Stderr: p.Stderr, args: c.args, full: p.Full, say: c.say}
}

// heavy is run for a command that takes what only the complete executable has: in
// f there is always in.full. The light one delegates.
func (c *commands) heavy(least, most int, f action) cli.ActionFunc {
	if c.program.Full == nil {
		f = delegate
	}
	return c.run(least, most, f)
}

// group makes a command that only has commands below it.
func group(name, usage, category string, below ...*cli.Command) *cli.Command {
	return &cli.Command{
		Name: name, Usage: usage, Category: category, Subcommands: below,
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() > 0 {
				return unknownCommand(name, ctx.Args().First(), ctx.Command.Subcommands)
			}
			return cli.ShowSubcommandHelp(ctx)
		},
	}
}
