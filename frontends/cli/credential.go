package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core"
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
		&cli.Command{Name: "go", Usage: "be a command of GOAUTH, for the profile's targets", ArgsUsage: "[URL]",
			Description: "go env -w 'GOAUTH=tokentoss credential go;netrc'",
			Action:      c.run(0, 1, helper(credentialGo))},
		&cli.Command{Name: "bazel", Usage: "be a credential helper of Bazel, for the profile's targets", ArgsUsage: "get",
			Description: "tokentoss credential install bazel",
			Action:      c.run(1, 1, helper(credentialBazel))},
		&cli.Command{Name: "pnpm", Usage: "be a token helper of pnpm",
			Description: "tokentoss credential install pnpm",
			Action:      c.run(0, 0, helper(credentialPnpm))},
		&cli.Command{Name: "terraform", Usage: "be a credentials helper of OpenTofu and Terraform", ArgsUsage: "get|store|forget HOST",
			Description: "tokentoss credential install terraform",
			Action:      c.run(2, 2, helper(credentialTerraform))},
		&cli.Command{Name: "docker", Usage: "be a credential helper of Docker, for a running proxy", ArgsUsage: "get|list|store|erase",
			Description: "tokentoss credential install docker",
			Action: c.heavy(1, 1, func(ctx context.Context, in *Invocation) error {
				return in.full.Helpers.Docker(ctx, in, in.Args().First())
			})},
		&cli.Command{Name: "keyring", Usage: "be a keyring of pip and uv, for a running proxy", ArgsUsage: "-- get URL [USER]",
			Description: "tokentoss credential install keyring",
			Action: c.heavy(0, -1, func(ctx context.Context, in *Invocation) error {
				return in.full.Helpers.Keyring(ctx, in, wrapped(in))
			})},
		&cli.Command{Name: "install", Usage: "have a tool ask tokentoss", ArgsUsage: "TOOL",
			Description: "TOOL is bazel, docker, git, go, keyring, pnpm or terraform. Where one wants a program of a\n" +
				"certain name, a link is made. What to set in the tool is printed, and how to undo it.",
			Flags: []cli.Flag{&cli.StringFlag{Name: "dir", Usage: "make the link in `DIR`"}},
			Action: c.heavy(1, 1, func(ctx context.Context, in *Invocation) error {
				return in.full.Helpers.Install(ctx, in, in.Args().First(), in.String("dir"))
			})},
		&cli.Command{Name: "kubectl", Usage: "be a credential plugin of kubectl",
			Description: "As command and args of users[].user.exec in a kubeconfig.",
			Action:      c.run(0, 0, helper(credentialKubectl))},
		&cli.Command{Name: "executable", Usage: "be an executable source of Google's client libraries",
			Description: "As credential_source.executable.command in a credential configuration.",
			Action:      c.run(0, 0, helper(credentialExecutable))},
		&cli.Command{Name: "mcp", Usage: "be a headersHelper of Claude Code, for an MCP server",
			Description: "As headersHelper of a server of type http or sse.",
			Action:      c.run(0, 0, helper(credentialMCP))})
}

// Helpers are the helpers that only the complete executable has.
type Helpers interface {
	// Docker gives the secret of a proxy that runs, by Docker's protocol.
	Docker(ctx context.Context, in *Invocation, verb string) error
	// Keyring does the same by the arguments of the program keyring.
	Keyring(ctx context.Context, in *Invocation, args []string) error
	// Install has a tool ask tokentoss. An empty dir is the tool's own.
	Install(ctx context.Context, in *Invocation, tool, dir string) error
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

// oneShot is how long a token must last at least for a program that asks once and then
// keeps it for as long as it runs. Half of an hour is what can be had of Google's tokens
// without a renewal for each start.
const oneShot = 30 * time.Minute

// A tool is a program that is given tokens for the profile's targets, and may ask about
// other services too: that the profile cannot be opened is a fault only where it asks
// about a target.
type tool struct {
	settings profile.Settings
	profile  *profile.Profile
	failed   error // that it could not be opened
}

// openTool opens the profile for a tool. Close it when done.
func (in *Invocation) openTool(ctx context.Context) (*tool, error) {
	p, err := in.OpenOnce(ctx)
	switch {
	case err == nil:
		return &tool{settings: p.Settings, profile: p}, nil
	case isDelegated(err):
		return nil, err
	}
	s, serr := in.settings()
	return &tool{settings: s, failed: err}, serr
}

func (t *tool) close() {
	if t.profile != nil {
		_ = t.profile.Close()
	}
}

// token returns a token that lasts for a time, and its text.
func (t *tool) token(ctx context.Context, least time.Duration) (core.IDToken, string, error) {
	if t.failed != nil {
		return core.IDToken{}, "", t.failed
	}
	id, err := t.profile.IDTokenFor(ctx, least)
	if err != nil {
		return core.IDToken{}, "", err
	}
	text, err := lineOf(id.Value)
	return id, text, err
}

// noTargets is that there is no service whose token tool could be given.
func noTargets(tool, example string) error {
	return &hintedError{errors.New(tool + " is given tokens for the profile's targets only, and there is none that it could use"),
		fmt.Sprintf("targets = [%q] in %s", example, profile.ConfigName)}
}

// isDelegated tells whether err only passes on how the host ended, which did all
// that there was to do.
func isDelegated(err error) bool {
	var exit *exitError
	return errors.As(err, &exit) && exit.err == nil
}
