package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

func (c *commands) plugins() *cli.Command {
	asJSON := &cli.BoolFlag{Name: "json", Usage: "as JSON"}
	return group("plugin", "stores and frontends that others have written", "setup",
		&cli.Command{Name: "list", Usage: "list the plugins: those of tokentoss, and those that are installed", Flags: []cli.Flag{asJSON},
			Action: c.heavy(0, 0, func(ctx context.Context, in *Invocation) error {
				return in.full.Plugins.List(ctx, in, in.Bool("json"))
			})},
		&cli.Command{Name: "install", Usage: "copy an executable here, and pin it", ArgsUsage: "PATH", Flags: []cli.Flag{
			&cli.StringFlag{Name: "sha256", Usage: "refuse a file whose SHA-256 is not `HEX`"}},
			Action: c.heavy(1, 1, func(ctx context.Context, in *Invocation) error {
				return in.full.Plugins.Install(ctx, in, in.Args().First(), in.String("sha256"))
			})},
		&cli.Command{Name: "rollback", Usage: "go back to the plugin that the installed one replaced", ArgsUsage: "PLUGIN",
			Action: c.heavy(1, 1, func(ctx context.Context, in *Invocation) error {
				return in.full.Plugins.Rollback(ctx, in, in.Args().First())
			})},
		&cli.Command{Name: "describe", Usage: "what a plugin is, and its settings", ArgsUsage: "PLUGIN", Flags: []cli.Flag{asJSON},
			Action: c.heavy(1, 1, func(ctx context.Context, in *Invocation) error {
				return in.full.Plugins.Describe(ctx, in, in.Args().First(), in.Bool("json"))
			})},
		&cli.Command{Name: "verify", Usage: "check that installed plugins are what was installed", ArgsUsage: "[PLUGIN]",
			Action: c.heavy(0, 1, func(ctx context.Context, in *Invocation) error {
				return in.full.Plugins.Verify(ctx, in, in.Args().Slice())
			})},
		&cli.Command{Name: "remove", Usage: "remove an installed plugin", ArgsUsage: "PLUGIN",
			Action: c.heavy(1, 1, func(ctx context.Context, in *Invocation) error {
				return in.full.Plugins.Remove(ctx, in, in.Args().First())
			})})
}

// Plugins manages the plugins of an invocation's configuration directory.
type Plugins interface {
	List(ctx context.Context, in *Invocation, asJSON bool) error
	Install(ctx context.Context, in *Invocation, path, sha256 string) error
	// Rollback puts back the plugin that the installed one replaced.
	Rollback(ctx context.Context, in *Invocation, name string) error
	Describe(ctx context.Context, in *Invocation, name string, asJSON bool) error
	// Verify checks the plugins of these names, or all that are installed.
	Verify(ctx context.Context, in *Invocation, names []string) error
	Remove(ctx context.Context, in *Invocation, name string) error
}
