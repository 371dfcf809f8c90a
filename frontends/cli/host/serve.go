package host

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
	"github.com/tokentoss/tokentoss/profile"
)

// The names of the frontends of these commands.
const (
	serveFrontend    = "http"
	proxyFrontend    = "proxy"
	metadataFrontend = "metadata"
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

// runMetadata serves as a metadata server until it is interrupted.
func runMetadata(ctx context.Context, in *cli.Invocation) error {
	return runFrontend(ctx, in, metadataFrontend, func(settings map[string]any, _ *profile.Profile) error {
		if in.Bool("any-audience") {
			settings["any_audience"] = true
		}
		return setFlags(settings, in, "listen", "guard", "project")
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

// runFrontend runs a frontend that stays, with the settings of config.toml and
// those that set adds.
func runFrontend(ctx context.Context, in *cli.Invocation, name string, set func(map[string]any, *profile.Profile) error) error {
	p, err := in.Open(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	f, err := openFrontend(in, name, p.FrontendSettings(name), func(_ func(string) bool, settings map[string]any) error {
		return set(settings, p)
	})
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
