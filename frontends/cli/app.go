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

	"github.com/tokentoss/tokentoss/core/profile"
)

// A Program is one of the two executables.
type Program struct {
	// Heavy are the commands that this executable has and the light one has
	// not, by name. A command that is not there is delegated.
	Heavy map[string]Action

	Stdin          *os.File
	Stdout, Stderr io.Writer
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
	say    messages
}

// Main runs the program that the process is, and returns its exit code.
func Main(heavy map[string]Action) int {
	p := Program{Heavy: heavy, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	unsetEmpty()
	if isHot(os.Args, os.Environ()) {
		ctx := context.Background()
		return p.report(ctx, messages{w: p.Stderr}, p.hotToken(ctx))
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
		return p.report(ctx, c.say, printCompletions(p.Stdout, app, args[2:]))
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
		UsageText:              "tokentoss [--profile NAME] COMMAND [OPTIONS] [ARGUMENTS]",
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
		&cli.StringFlag{Name: "profile", Usage: "use profile `NAME`"},
		&cli.StringFlag{Name: "store", Usage: "keep the session in store `NAME`"},
		&cli.StringFlag{Name: "frontend", Usage: "sign in by frontend `NAME`"},
		&cli.StringFlag{Name: "config-dir", Usage: "keep everything in `DIR` [$" + profile.EnvConfigDir + "]"},
		&cli.BoolFlag{Name: "verbose", Usage: "say what happens; never shows a secret"},
		&cli.BoolFlag{Name: "non-interactive", Usage: "never open a browser, never ask"},
	}
}

// noEnv are the options without an environment variable here: config-dir, whose
// variable package profile reads, and those that carry one request's content.
var noEnv = []string{"config-dir", "header", "json", "data", "output", "include"}

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

// version is the module's version, as the go command recorded it.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(unknown)"
}

// open opens the profile that the flags name.
func (in *Invocation) open(change func(*profile.Options)) (*profile.Profile, error) {
	dir, err := in.dir()
	if err != nil {
		return nil, err
	}
	o := profile.Options{
		Dir: dir, Name: in.String("profile"), Store: in.String("store"), Logger: in.logger(), OneShot: true,
	}
	if change != nil {
		change(&o)
	}
	p, err := profile.Open(o)
	if err == nil {
		o.Logger.Debug("profile opened", "profile", p.Name, "store", p.Store, "session", p.Location(), "client", p.ClientFile)
	}
	return p, err
}

// logger logs to standard error: warnings always, everything with --verbose.
func (in *Invocation) logger() *slog.Logger {
	level := slog.LevelWarn
	if in.Bool("verbose") {
		level = slog.LevelDebug
	}
	return slog.New(&logHandler{say: in.say, level: level})
}

// dir returns the configuration directory that the flags name.
func (in *Invocation) dir() (string, error) {
	if dir := in.String("config-dir"); dir != "" {
		return filepath.Abs(dir)
	}
	return profile.Dir()
}
