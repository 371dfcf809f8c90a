package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/profile"
)

func (c *commands) proxy() *cli.Command {
	return &cli.Command{
		Name: "proxy", Usage: "give services behind IAP an address on this machine, for any tool", Category: "requests",
		ArgsUsage: "TARGET...",
		Description: "A TARGET is the service's URL, or, where there are several,\n" +
			"  NAME=URL   for http://NAME.localhost:PORT/\n" +
			"  /PATH=URL  for http://localhost:PORT/PATH\n" +
			"Without one, those of config.toml are served: targets in [frontends.proxy].",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Usage: "listen on `ADDR`: host:port, or unix:/PATH", DefaultText: "a free port"},
			&cli.DurationFlag{Name: "for", Usage: "end after `TIME`", DefaultText: "never"},
			metricsListenFlag, metricsBearerFlag,
			&cli.StringFlag{Name: "secret", Usage: "`KIND` of secret that tools show: new, keep or none", DefaultText: "new"},
			logFlag, logFileFlag, logJSONFlag,
		},
		Action: c.heavy(0, -1, proxy),
	}
}

// proxy serves the proxy until it is interrupted.
func proxy(ctx context.Context, in *Invocation) error {
	return in.full.RunFrontend(ctx, in, "proxy", func(settings map[string]any, p *profile.Profile) error {
		if in.NArg() > 0 {
			settings["targets"] = in.Args().Slice()
		}
		if p.Settings.InsecureLoopback {
			settings["insecure_loopback"] = true
		}
		if err := p.CheckLent(proxiedURLs(settings["targets"])...); err != nil {
			return err
		}
		if p.Requests() != nil {
			settings["forwarded"] = p.Lender().Socket()
		}
		return in.setFlags(settings, "listen", "metrics-listen", "metrics-bearer-file", "log", "log-file", "secret")
	})
}

// proxiedURLs returns the URLs of targets, which have the forms "URL", "/PATH=URL" and
// "NAME=URL".
func proxiedURLs(targets any) (urls []string) {
	list, _ := targets.([]string) // of the command line
	if set, ok := targets.([]any); ok {
		for _, target := range set {
			list = append(list, fmt.Sprint(target))
		}
	}
	for _, target := range list {
		if before, after, ok := strings.Cut(target, "="); ok && !strings.Contains(before, "://") {
			target = after
		}
		urls = append(urls, target)
	}
	return urls
}

// The options of what is watched while it stays.
var (
	metricsListenFlag = &cli.StringFlag{Name: "metrics-listen", Usage: "serve metrics on `ADDR`", DefaultText: "nowhere"}
	logFlag           = &cli.StringFlag{Name: "log", Usage: "log `WHICH`: errors, all or none", DefaultText: "errors"}
	logFileFlag       = &cli.StringFlag{Name: "log-file", Usage: "log to `FILE`", DefaultText: "the terminal"}
	logJSONFlag       = &cli.BoolFlag{Name: "json", Usage: "log as JSON"}
	metricsBearerFlag = &cli.StringFlag{Name: "metrics-bearer-file", Usage: "want the word in `FILE` for metrics"}
)

// setFlags puts the options names, and --for, into the settings of a frontend. Paths
// are made absolute: a plugin has no working directory to rely on.
func (in *Invocation) setFlags(settings map[string]any, names ...string) error {
	for _, name := range names {
		value := in.String(name)
		if value == "" {
			continue
		}
		path, isSocket := strings.CutPrefix(value, "unix:")
		if isSocket || name == "log-file" || name == "metrics-bearer-file" {
			abs, err := privatefile.Resolve(path, "")
			if err != nil {
				return fmt.Errorf("--%s: %w", name, err)
			}
			if value = abs; isSocket {
				value = "unix:" + abs
			}
		}
		settings[strings.ReplaceAll(name, "-", "_")] = value
	}
	if in.Bool("json") {
		settings["json"] = true
	}
	if d := in.Duration("for"); d > 0 {
		settings["for"] = d.String()
	}
	return nil
}
