package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/profile"
)

// config reads config.toml.
func (in *Invocation) config() (*profile.Config, string, error) {
	dir, err := in.Dir()
	if err != nil {
		return nil, "", err
	}
	c, err := profile.ReadConfig(dir)
	return c, dir, err
}

func (c *commands) profiles() *cli.Command {
	return group("profile", "several accounts, clients and providers side by side", "account",
		&cli.Command{Name: "list", Usage: "list the profiles; * is the one in use", Action: c.run(0, 0, profileList)},
		&cli.Command{Name: "use", Usage: "use a profile from now on", ArgsUsage: "PROFILE", Action: c.run(1, 1, profileUse)},
		&cli.Command{Name: "add", Usage: "make a profile", ArgsUsage: "NAME", Action: c.run(1, 1, profileAdd), Flags: []cli.Flag{
			&cli.StringFlag{Name: "flow", Usage: "sign in by `FLOW`, or be a machine", DefaultText: "browser"},
			&cli.StringFlag{Name: "issuer", Usage: "the OpenID provider's `URL`, if it is not Google"},
			&cli.StringFlag{Name: "hosted-domain", Usage: "accounts of Workspace `DOMAIN` only"},
			&cli.StringFlag{Name: "login-hint", Usage: "the account `EMAIL` to suggest"},
			&cli.StringFlag{Name: "session-lifetime", Usage: "sign in anew after `TIME`; 0 is never"},
			&cli.StringFlag{Name: "browser", Usage: "open addresses with `CMD`"},
			&cli.StringFlag{Name: "audience", Usage: "a machine's tokens are for `AUDIENCE`"},
			&cli.StringFlag{Name: "key-file", Usage: "a machine's key is `FILE`"},
			&cli.StringFlag{Name: "service-account", Usage: "become service account `EMAIL`"},
		}},
		&cli.Command{Name: "remove", Usage: "sign out of a profile and remove it", ArgsUsage: "PROFILE", Action: c.run(1, 1, profileRemove)})
}

// profileList lists the profiles, and what each is able to do.
func profileList(ctx context.Context, in *Invocation) error {
	c, _, err := in.config()
	if err != nil {
		return err
	}
	current := cmp.Or(in.String("profile"), c.Active, core.DefaultKey)
	var out bytes.Buffer
	for _, name := range c.Names() {
		mark := " "
		if name == current {
			mark = "*"
		}
		fmt.Fprintf(&out, "%s %-20s %s\n", mark, name, in.describe(ctx, name))
	}
	_, err = out.WriteTo(in.Stdout)
	return err
}

// describe says in a few words what a profile is able to do.
func (in *Invocation) describe(ctx context.Context, name string) string {
	p, err := in.open(ctx, noToken, func(o *profile.Options) { o.Name = name })
	if err != nil {
		return oneLine(err.Error())
	}
	defer p.Close()
	st, err := p.Status(ctx)
	switch {
	case err != nil:
		return oneLine(err.Error())
	case st.State == core.SignedIn:
		return cmp.Or(st.Account(), st.Machine)
	case st.State == core.NeedsSignIn:
		return st.Account() + ", needs a new sign-in"
	case st.State == core.NotConfigured:
		return "not configured"
	}
	return "signed out"
}

func profileUse(_ context.Context, in *Invocation) error {
	c, _, err := in.config()
	if err != nil {
		return err
	}
	name := in.Args().First()
	if err := c.Use(name); err != nil {
		return err
	}
	in.say.say("profile %s is used from now on", name)
	return nil
}

func profileAdd(_ context.Context, in *Invocation) error {
	c, _, err := in.config()
	if err != nil {
		return err
	}
	name, flow := in.Args().First(), in.String("flow")
	if flows := profile.Flows(); flow != "" && !slices.Contains(flows, flow) {
		return usagef("one of "+strings.Join(flows, ", "), "there is no flow %q", flow)
	}
	keyFile, err := in.path("key-file")
	if err != nil {
		return err
	}
	err = c.Add(name, profile.Settings{
		Store: in.String("store"), Flow: flow, Issuer: in.String("issuer"), HostedDomain: in.String("hosted-domain"),
		LoginHint: in.String("login-hint"), SessionLifetime: in.String("session-lifetime"), Browser: in.String("browser"),
		Audience: in.String("audience"), KeyFile: keyFile, ServiceAccount: in.String("service-account"),
	})
	if err != nil {
		return err
	}
	in.say.say("added profile %s", name)
	if flow == profile.DeviceFlow {
		in.say.hint("tokentoss --profile %s configure --from FILE, with a client of the type \"TVs and Limited Input devices\"", name)
		return nil
	}
	in.say.hint("tokentoss --profile %s login, or tokentoss profile use %s", name, name)
	return nil
}

// profileRemove signs out of a profile and removes what was made for it.
func profileRemove(ctx context.Context, in *Invocation) error {
	c, dir, err := in.config()
	if err != nil {
		return err
	}
	name := in.Args().First()
	if name == core.DefaultKey {
		return usagef("tokentoss logout", "the default profile cannot be removed")
	}
	if os.Getenv(profile.EnvTokenFile) != "" {
		return usagef("unset "+profile.EnvTokenFile, "%s names one session file for all profiles: it would be removed", profile.EnvTokenFile)
	}
	p, err := in.open(ctx, noToken, func(o *profile.Options) { o.Name = name; o.Store = "" })
	if err != nil {
		return err
	}
	defer p.Close()
	if err := p.SignOut(ctx); err != nil {
		if !errors.Is(err, core.ErrNotRevoked) {
			return err
		}
		in.say.warn("%v", err)
	}
	if err := c.Remove(name); err != nil {
		return err
	}
	_ = os.Remove(filepath.Join(dir, ".login-"+name+".lock"))
	own := filepath.Join(dir, "profiles", name)
	// Only what tokentoss makes is removed; a directory with more in it stays.
	for _, f := range []string{"client_secrets.json", ".tokens.json.lock", ".tokens.json.write", ".client_secrets.json.lock", ".client_secrets.json.write"} {
		_ = os.Remove(filepath.Join(own, f))
	}
	if err := os.Remove(own); err != nil && !errors.Is(err, os.ErrNotExist) {
		in.say.warn("files of the profile are left in %s", own)
	}
	in.say.say("removed profile %s", name)
	return nil
}
