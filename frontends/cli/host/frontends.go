package host

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/frontends/notebook/remote"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
)

// openLogin opens a frontend that is a plugin, to sign in with. One that could
// stay is asked to end with the sign-in, by the setting that is there for that.
func openLogin(_ context.Context, in *cli.Invocation, name string, settings map[string]any) (core.Frontend, error) {
	return openFrontend(in, name, settings, func(has func(string) bool, settings map[string]any) error {
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
// and those that set adds. has tells set which settings the plugin knows.
func openFrontend(in *cli.Invocation, name string, settings map[string]any, set func(has func(string) bool, settings map[string]any) error) (core.Frontend, error) {
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
	relay := cli.NewRelay(in)
	use.Ask, use.Terminal = in.Ask, relay
	f, err := h.OpenFrontend(use)
	if err != nil {
		return nil, err
	}
	return &relayed{f, relay}, nil
}

// setRemote says that the browser is on another machine, where that is likely and
// the person has not said so.
func setRemote(settings map[string]any) {
	if _, said := settings["remote"]; !said && remote.Likely(os.Getenv) {
		settings["remote"] = true
	}
}

// A relayed frontend has this program's terminal.
type relayed struct {
	core.Frontend
	relay *cli.Relay
}

// Run implements [core.Frontend].
func (f *relayed) Run(ctx context.Context, app core.App) error {
	defer f.relay.Close()
	return f.Frontend.Run(ctx, app)
}
