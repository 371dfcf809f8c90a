package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/profile"
)

// "tokentoss token" is what scripts run in front of every request. Half of its
// time would go into building a command tree that it does not need, so it is
// answered before. Everything else about it is as in the command token.

// profileEnv are the variables that package profile reads itself.
var profileEnv = []string{profile.EnvConfigDir, profile.EnvProfile, profile.EnvStore, profile.EnvTokenFile, profile.EnvInsecureLoopback, profile.EnvAgentIdle}

// isPlainToken tells whether a command line is "tokentoss token" and no option is set
// by the environment either.
func isPlainToken(args, env []string) bool {
	if len(args) != 2 || args[1] != "token" {
		return false
	}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "TOKENTOSS_") || value == "" {
			continue
		}
		if !slices.Contains(profileEnv, name) {
			return false
		}
	}
	return true
}

// fastToken prints the ID token.
func (p Program) fastToken(ctx context.Context) error {
	prof, err := profile.Open(profile.Options{
		OneShot: true, Logger: slog.New(&logHandler{say: messages{w: p.Stderr}, level: slog.LevelWarn}),
		OpenStore: func(name string, place profile.Place) (core.TokenStore, error) {
			return openByAgent(ctx, name, place, func(ctx context.Context, question string) (core.Secret, error) {
				return askHidden(ctx, p.Stderr, question)
			}, nil)
		},
	})
	if err != nil {
		return err
	}
	defer prof.Close()
	id, err := freshToken(ctx, prof)
	if err != nil {
		// A signal may end this program at any point before, but not in a refresh:
		// the provider may have rotated the refresh token.
		ctx, stop := withSignals(ctx)
		defer stop()
		id, err = prof.IDToken(ctx)
		if interrupted(ctx, err) {
			return errors.New("interrupted")
		}
	}
	if err != nil {
		return err
	}
	text, err := lineOf(id.Value)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.Stdout, text)
	return err
}

// freshToken returns the stored token if it is fresh, and never waits: to handle
// signals, as a refresh must, costs too much for every call.
func freshToken(ctx context.Context, prof *profile.Profile) (core.IDToken, error) {
	if _, err := prof.Status(ctx); err != nil { // loads what is stored
		return core.IDToken{}, err
	}
	ended, end := context.WithCancel(ctx)
	end()
	return prof.IDToken(ended)
}
