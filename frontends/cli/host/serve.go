package host

import (
	"context"
	"maps"

	"github.com/tokentoss/tokentoss/core/profile"
	"github.com/tokentoss/tokentoss/frontends/cli"
)

// The names of the frontends of these commands.
const (
	serveFrontend = "http"
	proxyFrontend = "proxy"
)

// runServe serves the page until it is interrupted.
func runServe(ctx context.Context, in *cli.Invocation) error {
	return runFrontend(ctx, in, serveFrontend, func(settings map[string]any, _ *profile.Profile) {
		setFlags(settings, in, "listen")
	})
}

// runProxy serves the proxy until it is interrupted.
func runProxy(ctx context.Context, in *cli.Invocation) error {
	return runFrontend(ctx, in, proxyFrontend, func(settings map[string]any, p *profile.Profile) {
		setFlags(settings, in, "listen", "secret", "log")
		if in.Bool("json") {
			settings["json"] = true
		}
		if in.NArg() > 0 {
			settings["targets"] = in.Args().Slice()
		}
		if p.Settings.InsecureLoopback {
			settings["insecure_loopback"] = true
		}
	})
}

// setFlags sets what the command line says.
func setFlags(settings map[string]any, in *cli.Invocation, names ...string) {
	for _, name := range names {
		if value := in.String(name); value != "" {
			settings[name] = value
		}
	}
	if d := in.Duration("for"); d > 0 {
		settings["for"] = d.String()
	}
}

// runFrontend runs a frontend that stays, with the settings of config.toml and
// those that set adds.
func runFrontend(ctx context.Context, in *cli.Invocation, name string, set func(map[string]any, *profile.Profile)) error {
	p, err := in.Open(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	settings := maps.Clone(p.FrontendSettings(name))
	if settings == nil {
		settings = make(map[string]any)
	}
	set(settings, p)
	f, err := openFrontend(ctx, in, name, settings)
	if err != nil {
		return err
	}
	err = f.Run(ctx, p.Session)
	if ctx.Err() != nil {
		return nil // interrupted, as a server is
	}
	return err
}
