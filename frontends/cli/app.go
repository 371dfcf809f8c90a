package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
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
	// Host is what the complete executable has and the light one has not. The
	// light one, without it, delegates.
	Host *Host

	Stdin          *os.File
	Stdout, Stderr io.Writer
}

// A Host is what links more than a light executable should.
type Host struct {
	// Commands are the commands that the light executable has not. The name of
	// one with a parent is that of both, such as "plugin list".
	Commands map[string]Action

	// Names returns what there is of a kind, which is STORE, FRONTEND or PLUGIN as in
	// the help, for the configuration directory dir: each a name, a tab, and what it
	// is. It is for completion, and asks nobody.
	Names func(dir, kind string) []string

	// OpenStore opens a store that is not the file store. ctx is the command's.
	OpenStore func(ctx context.Context, in *Invocation, name string, p profile.Place) (core.TokenStore, error)

	// OpenFlow opens the flow of a machine's profile.
	OpenFlow func(in *Invocation, s profile.Settings) (core.Flow, error)

	// OpenFrontend opens a frontend that is not the terminal, to sign in with. Its
	// settings are those of config.toml.
	OpenFrontend func(ctx context.Context, in *Invocation, name string, settings map[string]any) (core.Frontend, error)
}

// An Action runs a command.
type Action func(context.Context, *Invocation) error

// An Invocation is a command as it was called.
type Invocation struct {
	*cli.Context
	Stdin  *os.File
	Stdout io.Writer
	Stderr io.Writer
	args   []string // the whole command line, for delegation
	host   *Host
	say    messages
}

// Main runs the program that the process is, and returns its exit code.
func Main(host *Host) int {
	p := Program{Host: host, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	unsetEmpty()
	if isHot(os.Args, os.Environ()) {
		ctx := context.Background()
		// A store that no agent opens is for the command of that name, and so is a
		// machine's token that is not stored.
		err := p.hotToken(ctx)
		if !errors.Is(err, agent.ErrNoAgent) && !errors.Is(err, agent.ErrUnknownStore) && !errors.Is(err, core.ErrNoFlow) {
			return p.report(ctx, messages{w: p.Stderr}, err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), endSignals...)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends this at once
	return p.Run(ctx, os.Args)
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
	line := permute(app, args)
	c.say.options = placeOptions(line)
	return p.report(ctx, c.say, app.RunContext(ctx, line))
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
var noEnv = []string{"config-dir", "stdio", "header", "json", "data", "output", "include"}

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
		if c.UsageText = strings.TrimSpace(own + " [OPTIONS] " + c.ArgsUsage); len(c.Subcommands) > 0 {
			c.UsageText = own + " COMMAND [OPTIONS] [ARGUMENTS]"
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

// open opens the profile that the flags name. Where its store is one that only the
// host can open, the host runs this command instead: call open before anything is
// read from standard input.
func (in *Invocation) open(ctx context.Context, change func(*profile.Options)) (*profile.Profile, error) {
	dir, err := in.Dir()
	if err != nil {
		return nil, err
	}
	o := profile.Options{
		Dir: dir, Name: in.String("profile"), Store: in.String("store"), Logger: in.Logger(), OneShot: true,
		OpenStore: in.StoreOpener(ctx),
	}
	if in.host != nil {
		o.OpenFlow = func(s profile.Settings, _ profile.Place) (core.Flow, error) { return in.host.OpenFlow(in, s) }
	}
	if change != nil {
		change(&o)
	}
	p, err := profile.Open(o)
	var unknown *profile.UnknownStoreError
	if in.host == nil && errors.As(err, &unknown) {
		return nil, delegated(ctx, in)
	}
	if err == nil && in.host == nil && in.needsFlow(ctx, p) {
		_ = p.Close()
		return nil, delegated(ctx, in)
	}
	if err == nil {
		o.Logger.Debug("profile opened", "profile", p.Name, "store", p.Store, "session", p.Location(), "client", p.ClientFile)
	}
	return p, err
}

// Open opens the profile that the flags name, for a command that stays.
func (in *Invocation) Open(ctx context.Context) (*profile.Profile, error) {
	return in.open(ctx, func(o *profile.Options) { o.OneShot = false })
}

// OpenOnce opens the profile that the flags name, for a command that ends after a
// call or two.
func (in *Invocation) OpenOnce(ctx context.Context) (*profile.Profile, error) {
	return in.open(ctx, nil)
}

// ForProfile adds the options that name a profile to a text that is a command.
func (in *Invocation) ForProfile(text string) string { return in.say.command(text) }

// Logger logs to standard error: warnings always, everything with --verbose.
func (in *Invocation) Logger() *slog.Logger {
	level := slog.LevelWarn
	if in.Bool("verbose") {
		level = slog.LevelDebug
	}
	return slog.New(&logHandler{say: in.say, level: level})
}

// Dir returns the configuration directory that the flags name, an absolute path.
func (in *Invocation) Dir() (string, error) {
	if dir := in.String("config-dir"); dir != "" {
		return filepath.Abs(dir)
	}
	return profile.Dir()
}

// Tree returns the command tree, for what is written from it. It is not run.
func Tree() *cli.App { return (&commands{}).app() }
