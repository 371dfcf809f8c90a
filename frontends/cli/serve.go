package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/profile"
)

func (c *commands) serve() *cli.Command {
	return &cli.Command{
		Name: "serve", Usage: "serve a page to sign in on, and tokens for local programs", Category: "requests",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Usage: "listen on `ADDR`, host:port of this machine", DefaultText: "a free port"},
			&cli.DurationFlag{Name: "for", Usage: "end after `TIME`", DefaultText: "never"},
			metricsListenFlag, metricsBearerFlag, logFlag, logFileFlag, logJSONFlag,
			&cli.BoolFlag{Name: "no-browser", Usage: "only show the address to open"},
			&cli.StringFlag{Name: "browser", Usage: "open the page with `CMD`; none is --no-browser"},
		},
		Action: c.heavy(0, 0, serve),
	}
}

// serve serves the page until it is interrupted.
func serve(ctx context.Context, in *Invocation) error {
	return in.full.RunFrontend(ctx, in, "http", func(settings map[string]any, _ *profile.Profile) error {
		return in.setFlags(settings, "listen", "metrics-listen", "metrics-bearer-file", "log", "log-file")
	})
}
