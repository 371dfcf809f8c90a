package full

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"os"
	"slices"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/frontends/notebook/remote"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
	"github.com/tokentoss/tokentoss/profile"
)

// openLogin opens a frontend that is a plugin, to sign in with. One that could
// stay is asked to end with the sign-in, by the setting that is there for that.
func openLogin(_ context.Context, in *cli.Invocation, name string, settings map[string]any) (core.Frontend, error) {
	return openFrontend(in, name, settings, nil, func(has func(string) bool, settings map[string]any) error {
		if has("once") {
			settings["once"] = true
			if d := in.Duration("timeout"); d > 0 && has("for") {
				settings["for"] = d.String()
			}
		}
		if has("remote") {
			setRemote(settings)
		}
		return nil
	})
}

// openFrontend opens a frontend that is a plugin, with the settings of config.toml
// and those that set adds. has tells set which settings the plugin knows. Its process has
// files from descriptor 3 on.
func openFrontend(in *cli.Invocation, name string, settings map[string]any, files []*os.File, set func(has func(string) bool, settings map[string]any) error) (core.Frontend, error) {
	h, err := pluginHost(in)
	if err != nil {
		return nil, err
	}
	use, err := host.ParseUse(name, settings)
	if err != nil {
		return nil, err
	}
	d, err := h.Describe(use.Plugin)
	var unknown *host.UnknownError
	if errors.As(err, &unknown) {
		return nil, cli.Usage("tokentoss plugin list", "there is no frontend %q", name)
	}
	if err != nil {
		return nil, err
	}
	if settings = maps.Clone(settings); settings == nil {
		settings = make(map[string]any)
	}
	has := func(name string) bool {
		return slices.ContainsFunc(d.Settings, func(s plugins.Setting) bool { return s.Name == name })
	}
	if err := set(has, settings); err != nil {
		return nil, err
	}
	if use, err = host.ParseUse(name, settings); err != nil {
		return nil, err
	}
	terminal := cli.NewPluginTerminal(in)
	use.Ask, use.Terminal, use.Notify, use.Files = in.Ask, terminal, in.Say, files
	f, err := h.OpenFrontend(use)
	if err != nil {
		return nil, err
	}
	return &terminalFrontend{f, terminal}, nil
}

// runFrontend runs a frontend that stays, with the settings of config.toml and
// those that set adds.
func runFrontend(ctx context.Context, in *cli.Invocation, name string, set func(settings map[string]any, p *profile.Profile) error) error {
	sockets, err := takeSockets()
	if err != nil {
		return err
	}
	p, err := in.Open(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	f, err := openFrontend(in, name, p.FrontendSettings(name), sockets.files(), func(has func(string) bool, settings map[string]any) error {
		if has("remote") {
			setRemote(settings)
		}
		if err := set(settings, p); err != nil {
			return err
		}
		return sockets.listen(settings)
	})
	if err != nil {
		return err
	}
	err = f.Run(ctx, p.Session)
	var bad *fault.Error
	switch {
	case ctx.Err() != nil:
		return nil // interrupted, as a server is
	case errors.Is(err, plugins.ErrBadConfig) && errors.As(err, &bad) && bad.Err != nil:
		// The settings are those of config.toml and of the command line.
		return cli.Usage(cmp.Or(fault.RemedyOf(bad.Err).Text, "tokentoss "+in.Command.Name+" --help"), "%v", bad.Err)
	}
	return err
}

// setRemote says that the browser is on another machine, where that is likely and
// the person has not said so.
func setRemote(settings map[string]any) {
	if _, said := settings["remote"]; !said && remote.Likely(os.Getenv) {
		settings["remote"] = true
	}
}

// A terminalFrontend is one that has this program's terminal.
type terminalFrontend struct {
	core.Frontend
	terminal *cli.PluginTerminal
}

// Run implements [core.Frontend].
func (f *terminalFrontend) Run(ctx context.Context, app core.App) error {
	defer f.terminal.Close()
	return f.Frontend.Run(ctx, app)
}
