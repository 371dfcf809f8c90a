package host

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/tokentoss/tokentoss/core/profile"
	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
)

// The names of the frontends of these commands.
const (
	serveFrontend = "http"
	proxyFrontend = "proxy"
)

// runServe serves the page until it is interrupted.
func runServe(ctx context.Context, in *cli.Invocation) error {
	return runFrontend(ctx, in, serveFrontend, func(settings map[string]any, _ *profile.Profile) error {
		setRemote(settings)
		return setFlags(settings, in, "listen")
	})
}

// runProxy serves the proxy until it is interrupted.
func runProxy(ctx context.Context, in *cli.Invocation) error {
	return runFrontend(ctx, in, proxyFrontend, func(settings map[string]any, p *profile.Profile) error {
		if in.Bool("json") {
			settings["json"] = true
		}
		if in.NArg() > 0 {
			settings["targets"] = in.Args().Slice()
		}
		if p.Settings.InsecureLoopback {
			settings["insecure_loopback"] = true
		}
		return setFlags(settings, in, "listen", "secret", "log", "log-file")
	})
}

// setFlags sets what the command line says. Paths are made absolute: a plugin has
// no working directory to rely on.
func setFlags(settings map[string]any, in *cli.Invocation, names ...string) error {
	for _, name := range names {
		value := in.String(name)
		if value == "" {
			continue
		}
		path, isSocket := strings.CutPrefix(value, "unix:")
		if isSocket || name == "log-file" {
			abs, err := filepath.Abs(path)
			if err != nil {
				return err
			}
			if value = abs; isSocket {
				value = "unix:" + abs
			}
		}
		settings[strings.ReplaceAll(name, "-", "_")] = value
	}
	if d := in.Duration("for"); d > 0 {
		settings["for"] = d.String()
	}
	return nil
}

// setRemote says that the browser is on another machine, where this one is reached
// by SSH and the person has not said so.
func setRemote(settings map[string]any) {
	if _, said := settings["remote"]; !said && os.Getenv("SSH_CONNECTION") != "" {
		settings["remote"] = true
	}
}

// runFrontend runs a frontend that stays, with the settings of config.toml and
// those that set adds.
func runFrontend(ctx context.Context, in *cli.Invocation, name string, set func(map[string]any, *profile.Profile) error) error {
	p, err := in.Open(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	settings := maps.Clone(p.FrontendSettings(name))
	if settings == nil {
		settings = make(map[string]any)
	}
	if err := set(settings, p); err != nil {
		return err
	}
	f, err := openFrontend(ctx, in, name, settings)
	if err != nil {
		return err
	}
	err = f.Run(ctx, p.Session)
	var bad *host.Error
	switch {
	case ctx.Err() != nil:
		return nil // interrupted, as a server is
	case errors.Is(err, plugins.ErrBadConfig) && errors.As(err, &bad) && bad.Cause != nil:
		// The settings are those of config.toml and of the command line.
		return cli.Usage("tokentoss "+in.Command.Name+" --help", "%v", bad.Cause)
	}
	return err
}
