package cli

import (
	"cmp"
	"context"
	"errors"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/device"
	"github.com/tokentoss/tokentoss/profile"
)

// noBrowser is the browser command that stands for none.
const noBrowser = "none"

// terminalName is the name of the frontend that is built in.
const terminalName = "cli"

// login signs a person in.
func login(ctx context.Context, in *Invocation) error {
	if port := in.Int("redirect-port"); port < 0 || port > 65535 {
		return usagef("tokentoss login --help", "login: %d is not a port", port)
	}
	p, err := in.open(ctx, func(o *profile.Options) {
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
	if name != terminalName && in.host == nil {
		return delegated(ctx, in)
	}
	ctx, stop := withParent(ctx)
	defer stop()
	t, err := takeTurn(ctx, in, p)
	if err != nil || t == nil {
		return err
	}
	defer t.release()
	var frontend core.Frontend = &terminal{in: in, browser: in.browser(p), turn: t}
	if name != terminalName {
		if frontend, err = in.host.OpenFrontend(ctx, in, name, p.FrontendSettings(name)); err != nil {
			return err
		}
	}
	err = frontend.Run(ctx, p.Session)
	var client *device.ClientError
	if name := in.deviceProfile(p); name != "" && errors.As(err, &client) {
		return &hintedError{err, "tokentoss --profile " + name + " login"}
	}
	if errors.Is(err, core.ErrNotSaved) {
		return &hintedError{err, "make room, or make the directory writable, and run tokentoss login again"}
	}
	return err
}

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
