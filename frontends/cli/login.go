package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/device"
	"github.com/tokentoss/tokentoss/profile"
)

// terminalName is the name of the frontend that is built in.
const terminalName = "cli"

func (c *commands) login() *cli.Command {
	return &cli.Command{
		Name: "login", Usage: "sign in, in your own browser", Category: "account",
		Description: "The browser may be on another machine: paste the address it ends on into the terminal.\n" +
			"Where that cannot be done, --device shows a code to type in at the provider. Google wants\n" +
			"an OAuth client of the type \"TVs and Limited Input devices\" for it, in a profile of its own.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "device", Usage: "sign in on another device, by a code"},
			&cli.BoolFlag{Name: "no-browser", Usage: "only show the address to open"},
			&cli.StringFlag{Name: "browser", Usage: "open the address with `CMD`; none is --no-browser"},
			&cli.IntFlag{Name: "redirect-port", Usage: "listen on port `N` here", DefaultText: "a free one"},
			&cli.DurationFlag{Name: "timeout", Usage: "wait for this `TIME`", Value: 5 * time.Minute},
			&cli.BoolFlag{Name: "qr", Usage: "show the address as a QR code, too"},
			&cli.StringFlag{Name: "login-hint", Usage: "suggest the account `EMAIL`"},
			&cli.StringSliceFlag{Name: "scope", Usage: "ask for scope `S` too; may be repeated"},
		},
		Action: c.run(0, 0, login),
	}
}

// login signs a person in.
func login(ctx context.Context, in *Invocation) error {
	if port := in.Int("redirect-port"); port < 0 || port > 65535 {
		return usagef("tokentoss login --help", "login: %d is not a port", port)
	}
	p, err := in.open(ctx, anyTokens, func(o *profile.Options) {
		o.Auth = in.authOptions
		if in.Bool("device") {
			o.Override = func(s *profile.Settings) { s.Flow = profile.DeviceFlow }
		}
	})
	if err != nil {
		return err
	}
	defer p.Close()
	if p.Settings.IsMachine() {
		return machineLogin(ctx, in, p)
	}
	if !in.interactive() {
		return &exitError{exitSignIn, &hintedError{errors.New("login needs a person, and --non-interactive is set"),
			"run tokentoss login without it, in a terminal"}}
	}
	if p.Client() == nil {
		return core.ErrNotConfigured
	}
	name := cmp.Or(in.String("frontend"), p.Settings.Frontend, terminalName)
	if name != terminalName && in.full == nil {
		return delegated(ctx, in)
	}
	ctx, stop := withParent(ctx)
	defer stop()
	// For all of it, also for a provider that hangs. A device code has an end of its own.
	if d := in.Duration("timeout"); d > 0 && (in.IsSet("timeout") || p.Settings.Flow != profile.DeviceFlow) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d+timeoutMargin)
		defer cancel()
	}
	t, err := takeLoginLock(ctx, in, p)
	if err != nil || t == nil {
		return err
	}
	defer t.release()
	var frontend core.Frontend = &terminal{in: in, browser: in.browser(p), loginLock: t}
	if name != terminalName {
		if frontend, err = in.full.OpenFrontend(ctx, in, name, p.FrontendSettings(name)); err != nil {
			return err
		}
	}
	err = frontend.Run(ctx, p.Session)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && !errors.Is(err, core.ErrSignInTimeout) {
		err = fmt.Errorf("%w (%s): %w", core.ErrSignInTimeout, in.Duration("timeout"), err)
	}
	var client *device.ClientError
	if name := in.deviceProfile(p); name != "" && errors.As(err, &client) {
		return &hintedError{err, "tokentoss --profile " + name + " login"}
	}
	if errors.Is(err, core.ErrNotSaved) {
		return &hintedError{err, "make room, or make the directory writable, and run tokentoss login again"}
	}
	return err
}

// timeoutMargin lets a flow or a frontend that waited for the person end by itself
// first: it knows why nobody came.
const timeoutMargin = 300 * time.Millisecond

// authOptions are the options of this login.
func (in *Invocation) authOptions(o *authcode.Options) {
	if in.IsSet("timeout") {
		o.Timeout = in.Duration("timeout")
	}
	if in.IsSet("redirect-port") {
		o.Port = in.Int("redirect-port")
	}
	if hint := in.String("login-hint"); hint != "" {
		o.LoginHint = hint
	}
	o.Scopes = append(o.Scopes, in.StringSlice("scope")...)
}

// deviceProfile returns the other profile that is there for signing in by device
// code, or "".
func (in *Invocation) deviceProfile(p *profile.Profile) string {
	c, _, err := in.config()
	if err != nil {
		return ""
	}
	for _, name := range c.Names() {
		if s, err := c.SettingsOf(name); err == nil && name != p.Name && s.Flow == profile.DeviceFlow {
			return name
		}
	}
	return ""
}

// browser returns the command that opens an address: "" is the system's.
func (in *Invocation) browser(p *profile.Profile) string {
	switch {
	case in.Bool("no-browser"):
		return noBrowser
	case in.String("browser") != "":
		return in.String("browser")
	}
	return p.Settings.Browser
}

// machineLogin is login for a profile that nobody signs in: it tries.
func machineLogin(ctx context.Context, in *Invocation, p *profile.Profile) error {
	st, err := p.SignIn(ctx, nil)
	if err != nil {
		return err
	}
	in.say.say("there is nothing to do: profile %s is a machine's, and gets its tokens as %s", p.Name, st.Email)
	return nil
}
