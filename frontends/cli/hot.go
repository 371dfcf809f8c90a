package cli

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/tokentoss/tokentoss/core/profile"
)

// "tokentoss token" is what scripts run in front of every request. Half of its
// time would go into building a command tree that it does not need, so it is
// answered before. Everything else about it is as in the command token.

// profileEnv are the variables that package profile reads itself.
var profileEnv = []string{profile.EnvConfigDir, profile.EnvProfile, profile.EnvStore, profile.EnvTokenFile, profile.EnvInsecureLoopback}

// isHot tells whether a command line is "tokentoss token" and no option is set
// by the environment either.
func isHot(args, env []string) bool {
	if len(args) != 2 || args[1] != "token" {
		return false
	}
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		if !strings.HasPrefix(name, "TOKENTOSS_") || value == "" {
			continue
		}
		known := false
		for _, k := range profileEnv {
			known = known || name == k
		}
		if !known {
			return false
		}
	}
	return true
}

// hotToken prints the ID token.
func (p Program) hotToken(ctx context.Context) error {
	prof, err := profile.Open(profile.Options{OneShot: true, Logger: slog.New(&logHandler{say: messages{w: p.Stderr}, level: slog.LevelWarn})})
	if err != nil {
		return err
	}
	defer prof.Close()
	id, err := prof.IDToken(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.Stdout, id.Value.Reveal())
	return err
}
