package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/agent"
	"github.com/tokentoss/tokentoss/profile"
)

// A Program is one of the two executables.
type Program struct {
	// Full is what the complete executable has. The light one, without it, delegates.
	Full *Full

	Stdin          *os.File
	Stdout, Stderr io.Writer
}

// Full is what only the complete executable has, since it links more than a light one
// should. A command that needs it calls it with its own options, by their types.
type Full struct {
	Doctor   func(context.Context, *Invocation, DoctorOptions) error
	Emulator func(context.Context, *Invocation, EmulatorOptions) error
	Tunnel   func(context.Context, *Invocation, TunnelOptions) error
	Forward  func(context.Context, *Invocation, ForwardOptions) error
	RunProxy func(context.Context, *Invocation, RunOptions) error
	Demo     func(context.Context, *Invocation) error
	RPC      func(context.Context, *Invocation) error
	Hub      func(ctx context.Context, in *Invocation, settings map[string]any) error // public_url, metrics_listen, metrics_bearer_file
	MCP      MCP
	Plugins  Plugins
	Helpers  Helpers

	// Process is the number of the process that this one is the proxy of, or 0.
	Process int

	// RunFrontend runs a frontend that stays until it is interrupted, with the
	// settings of config.toml and those that set adds.
	RunFrontend func(ctx context.Context, in *Invocation, name string, set func(settings map[string]any, p *profile.Profile) error) error

	// Names returns what there is of a kind, which is STORE, FRONTEND or PLUGIN as in
	// the help, for the configuration directory dir. It asks nobody. With an error it
	// returns those that it knows.
	Names func(dir, kind string) ([]Named, error)

	// OpenStore opens a store that is not the file store. ctx is the command's.
	OpenStore func(ctx context.Context, in *Invocation, name string, p profile.Place) (core.TokenStore, error)

	// OpenFlow opens the flow of a service account's profile.
	OpenFlow func(in *Invocation, s profile.Settings) (core.Flow, error)

	// OpenFrontend opens a frontend that is not the terminal, to sign in with. Its
	// settings are those of config.toml.
	OpenFrontend func(ctx context.Context, in *Invocation, name string, settings map[string]any) (core.Frontend, error)
}

// Named is a store, a frontend or a plugin.
type Named struct{ Name, About string }

// Main runs the program that the process is, and returns its exit code.
func Main(full *Full) int {
	p := Program{Full: full, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	unsetEmpty()
	args := calledAs(os.Args)
	if isPlainToken(args, os.Environ()) {
		ctx := context.Background()
		// A store that no agent opens is for the command of that name, and so is a
		// machine's token that is not stored.
		err := p.fastToken(ctx)
		if !errors.Is(err, agent.ErrNoAgent) && !errors.Is(err, agent.ErrUnknownStore) && !errors.Is(err, core.ErrNoFlow) {
			return p.report(ctx, messages{w: p.Stderr}, err)
		}
	}
	ctx, stop := withSignals(context.Background())
	defer stop()
	return p.Run(ctx, args)
}

// withSignals returns a context that ends with a signal that ends a command. What was
// ignored at the start stays ignored, as for nohup(1) and for jobs in the background.
func withSignals(ctx context.Context) (context.Context, context.CancelFunc) {
	ending := slices.DeleteFunc(slices.Clone(endSignals), signal.Ignored)
	if len(ending) == 0 { // which would mean all signals
		return context.WithCancel(ctx)
	}
	ctx, stop := signal.NotifyContext(ctx, ending...)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends this at once
	return ctx, stop
}

// unsetEmpty removes empty variables of this program's from its environment:
// empty means unset, which package urfave/cli sees otherwise.
func unsetEmpty() {
	for _, e := range os.Environ() {
		if name, value, _ := strings.Cut(e, "="); value == "" && strings.HasPrefix(name, "TOKENTOSS_") {
			_ = os.Unsetenv(name)
		}
	}
}

// Run runs a command line, args[0] being the program's name, and returns the
// exit code.
func (p Program) Run(ctx context.Context, args []string) int {
	c := &commands{program: p, args: args, say: messages{w: p.Stderr}}
	app := c.app()
	if len(args) > 1 && args[1] == completeArg {
		return p.report(ctx, c.say, p.complete(app, args))
	}
	line, err := parse(app, args)
	c.say.options = placeOptions(line)
	if err == nil {
		err = app.RunContext(ctx, line)
	}
	return p.report(ctx, c.say, err)
}

// report says what went wrong and what to do next, and returns the exit code.
func (p Program) report(ctx context.Context, say messages, err error) int {
	var exit *exitError
	if err != nil && !(errors.As(err, &exit) && exit.err == nil) {
		if interrupted(ctx, err) {
			say.fail("interrupted")
		} else {
			text, hint := explain(err)
			say.fail("%s", text)
			if hint != "" {
				say.hint("%s", hint)
			}
		}
	}
	return exitCode(err)
}

// explain returns what err says, and the next command or "".
func explain(err error) (text, hint string) {
	text, hint = err.Error(), hintFor(err)
	if hint != "" {
		// Some errors have it in them, for programs that show no hints.
		text = strings.Replace(text, "; "+hint, "", 1)
	}
	return text, hint
}

// app makes the command tree.
func (c *commands) app() *cli.App {
	app := &cli.App{
		Name:                   "tokentoss",
		Usage:                  "sign in with Google once, reach IAP-protected services from everywhere",
		UsageText:              "tokentoss [--profile PROFILE] COMMAND [OPTIONS] [ARGUMENTS]",
		Version:                version(),
		Writer:                 c.program.Stdout,
		ErrWriter:              c.program.Stderr,
		HideHelpCommand:        true,
		UseShortOptionHandling: false,
		Flags:                  globalFlags(),
		Commands:               c.all(),
		ExitErrHandler:         func(*cli.Context, error) {}, // Run prints
		OnUsageError:           onUsageError,
		Action: func(ctx *cli.Context) error {
			if ctx.NArg() == 0 {
				return cli.ShowAppHelp(ctx)
			}
			return unknownCommand("", ctx.Args().First(), ctx.App.VisibleCommands())
		},
	}
	prepare(app.Name, app.Flags, app.Commands)
	return app
}

func globalFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "profile", Usage: "use `PROFILE`"},
		&cli.StringFlag{Name: "store", Usage: "keep the session in `STORE`"},
		&cli.StringFlag{Name: "frontend", Usage: "sign in by `FRONTEND`"},
		&cli.StringFlag{Name: "config-dir", Usage: "keep everything in `DIR` [$" + profile.EnvConfigDir + "]"},
		&cli.BoolFlag{Name: "verbose", Usage: "say what happens; never shows a secret"},
		&cli.BoolFlag{Name: "non-interactive", Usage: "never open a browser, never ask"},
	}
}

// noEnv are the options without an environment variable here: config-dir, whose
// variable package profile reads, those that carry one request's content, and what a
// program says to rpc.
var noEnv = []string{"config-dir", "stdio", "header", "header-env", "json", "data", "output", "include"}

// prepare gives every flag of path, which is a command or the program, its
// environment variable, and every command below it the handling of wrong usage.
func prepare(path string, flags []cli.Flag, commands []*cli.Command) {
	for _, f := range flags {
		if b, ok := f.(*cli.BoolFlag); ok {
			b.DisableDefaultText = true // that an option is not set by itself needs no saying
		}
		if name := f.Names()[0]; !slices.Contains(noEnv, name) {
			setEnv(f, "TOKENTOSS_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_")))
		}
	}
	for _, c := range commands {
		c.OnUsageError = onUsageError
		c.HideHelpCommand = true
		own := path + " " + c.Name
		c.UsageText = strings.TrimSpace(own + " [OPTIONS] " + c.ArgsUsage)
		switch below := own + " COMMAND [OPTIONS] [ARGUMENTS]"; {
		case len(c.Subcommands) > 0 && c.ArgsUsage != "": // it does something by itself, too
			c.UsageText += "\n" + below
		case len(c.Subcommands) > 0:
			c.UsageText = below
		}
		prepare(own, c.Flags, c.Subcommands)
	}
}

func setEnv(f cli.Flag, name string) {
	switch f := f.(type) {
	case *cli.StringFlag:
		f.EnvVars = []string{name}
	case *cli.BoolFlag:
		f.EnvVars = []string{name}
	case *cli.IntFlag:
		f.EnvVars = []string{name}
	case *cli.DurationFlag:
		f.EnvVars = []string{name}
	case *cli.StringSliceFlag:
		f.EnvVars = []string{name}
	}
}

// release is the version of a release, which the linker sets.
var release string

// version is that of a release, or else the module's, as the go command recorded it.
func version() string {
	if release != "" {
		return release
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}

// Tree returns the command tree, for what is written from it. It is not run.
func Tree() *cli.App { return (&commands{}).app() }
