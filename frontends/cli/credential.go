package cli

import (
	"context"
	"errors"
	"net/url"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/profile"
)

// Other programs ask for tokens by protocols of their own, in front of every
// request. What they read is standard output; nobody is there to be asked.

func (c *commands) credential() *cli.Command {
	return group("credential", "give tokens to programs that ask by a protocol of their own", "requests",
		&cli.Command{Name: "git", Usage: "be a credential helper of git, for the profile's targets", ArgsUsage: "get|store|erase",
			Description: "git config --global credential.https://HOST.helper '!tokentoss credential git'",
			Action:      c.run(1, 1, helper(credentialGit))},
		&cli.Command{Name: "kubectl", Usage: "be a credential plugin of kubectl",
			Description: "As command and args of users[].user.exec in a kubeconfig.",
			Action:      c.run(0, 0, helper(credentialKubectl))},
		&cli.Command{Name: "executable", Usage: "be an executable source of Google's client libraries",
			Description: "As credential_source.executable.command in a credential configuration.",
			Action:      c.run(0, 0, helper(credentialExecutable))},
		&cli.Command{Name: "mcp", Usage: "be a headersHelper of Claude Code, for an MCP server that it reaches by itself",
			Description: "As headersHelper of a server of type http or sse.",
			Action:      c.run(0, 0, helper(credentialMCP))})
}

// helper makes an action one that never asks, whatever the store wants.
func helper(f action) action {
	return func(ctx context.Context, in *Invocation) error {
		if err := in.Set("non-interactive", "true"); err != nil {
			return err
		}
		return f(ctx, in)
	}
}

// settings returns the settings of the profile that the flags name, without
// opening it.
func (in *Invocation) settings() (profile.Settings, error) {
	dir, err := in.Dir()
	if err != nil {
		return profile.Settings{}, err
	}
	config, err := profile.ReadConfig(dir)
	if err != nil {
		return profile.Settings{}, err
	}
	s, err := config.SettingsOf(config.NameOr(in.String("profile")))
	s.InsecureLoopback = s.InsecureLoopback || os.Getenv(profile.EnvInsecureLoopback) == "1"
	return s, err
}

// isTarget tells whether u is one of the profile's targets, to which alone another
// program may be given the token.
func isTarget(s profile.Settings, u *url.URL) (bool, error) {
	ok, err := iap.Options{Origins: s.Targets, InsecureLoopback: s.InsecureLoopback}.Allows(u)
	if err != nil {
		return false, &profile.SettingError{Key: "targets", Err: err}
	}
	return ok, nil
}

// isDelegated tells whether err only passes on how the host ended, which did all
// that there was to do.
func isDelegated(err error) bool {
	var exit *exitError
	return errors.As(err, &exit) && exit.err == nil
}
