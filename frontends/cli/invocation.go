package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/profile"
)

// An action runs a command.
type action func(context.Context, *Invocation) error

// An Invocation is a command as it was called.
type Invocation struct {
	*cli.Context
	Stdin  *os.File
	Stdout io.Writer
	Stderr io.Writer
	args   []string // the whole command line, for delegation
	full   *Full
	say    messages

	screen sync.Mutex // of the line that shows progress
}

// A tokenUse says how many tokens a command may need.
type tokenUse int

const (
	noToken   tokenUse = iota
	oneToken           // one that is valid now
	anyTokens          // more than one, while it runs
)

// open opens the profile that the flags name. Where its store or its flow is one
// that only the complete executable can open, that runs this command instead: call
// open before anything is read from standard input.
func (in *Invocation) open(ctx context.Context, use tokenUse, change func(*profile.Options)) (*profile.Profile, error) {
	dir, err := in.Dir()
	if err != nil {
		return nil, err
	}
	o := profile.Options{
		Dir: dir, Name: in.String("profile"), Store: in.String("store"), Logger: in.Logger(), OneShot: true,
		OpenStore: in.StoreOpener(ctx),
	}
	if in.full != nil {
		o.OpenFlow = func(s profile.Settings, _ profile.Place) (core.Flow, error) { return in.full.OpenFlow(in, s) }
	}
	if change != nil {
		change(&o)
	}
	p, err := profile.Open(o)
	var unknown *profile.UnknownStoreError
	if in.full == nil && errors.As(err, &unknown) {
		return nil, delegated(ctx, in)
	}
	if err == nil && in.full == nil && needsFlow(ctx, p, use) {
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
	return in.open(ctx, anyTokens, func(o *profile.Options) { o.OneShot = false })
}

// OpenOnce opens the profile that the flags name, for a command that ends after a
// call or two.
func (in *Invocation) OpenOnce(ctx context.Context) (*profile.Profile, error) {
	return in.open(ctx, anyTokens, nil)
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
	if in.String("config-dir") != "" {
		return in.path("config-dir")
	}
	return profile.Dir()
}

// path returns the absolute path that an option names; see [privatefile.Resolve]. It is
// empty where the option is not given.
func (in *Invocation) path(option string) (string, error) {
	value := in.String(option)
	if value == "" {
		return "", nil
	}
	path, err := privatefile.Resolve(value, "")
	if err != nil {
		return "", fmt.Errorf("--%s: %w", option, err)
	}
	return path, nil
}

// needsFlow tells whether a command needs the flow of a service account's profile. A
// token that is stored and valid needs none.
func needsFlow(ctx context.Context, p *profile.Profile, use tokenUse) bool {
	if !p.Settings.IsMachine() || use == noToken {
		return false
	}
	if use == anyTokens {
		return true
	}
	_, err := p.IDToken(ctx)
	return errors.Is(err, core.ErrNoFlow)
}

// interactive tells whether a person may be asked.
func (in *Invocation) interactive() bool { return !in.Bool("non-interactive") }
