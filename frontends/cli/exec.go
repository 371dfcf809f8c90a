package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

func (c *commands) exec() *cli.Command {
	return &cli.Command{
		Name: "exec", Usage: "run a command with the token as IAP_TOKEN in its environment", Category: "requests",
		ArgsUsage: "-- COMMAND [ARGUMENTS]", Action: c.run(1, -1, execute),
	}
}

// childEnv is the environment of wrapped commands, without a token of an earlier
// command.
func childEnv() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool {
		return strings.HasPrefix(e, "IAP_TOKEN=")
	})
}

// execute runs a command with the token in its environment, which is what the
// person asked for; the command, and what it starts, can use it for an hour.
func execute(ctx context.Context, in *Invocation) error {
	args := in.Args().Slice()
	if args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		return usagef("tokentoss exec -- COMMAND [ARGUMENTS]", "exec: which command?")
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return &exitError{127, &hintedError{fmt.Errorf("there is no command %q", args[0]), "check the name; what follows -- is the command"}}
	}
	p, err := in.open(ctx, oneToken, nil)
	if err != nil {
		return err
	}
	id, err := p.IDToken(ctx)
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
	env := append(childEnv(), "IAP_TOKEN="+text)
	if err := replaceProcess(path, args, env); !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	cmd := exec.CommandContext(ctx, path, args[1:]...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = env, in.Stdin, in.Stdout, in.Stderr
	return passExit(cmd.Run())
}
