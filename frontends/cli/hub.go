package cli

import (
	"context"

	"github.com/urfave/cli/v2"
)

func (c *commands) hub() *cli.Command {
	return &cli.Command{
		Name: "hub", Usage: "be the service of a JupyterHub by which its users sign in without pasting", Category: "account",
		Description: "JupyterHub starts it, as jupyterhub_config.py says. Its OAuth client is the profile's, of the type web.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "public-url", Usage: "browsers reach it at `URL`", DefaultText: "what the hub says"},
			metricsListenFlag, metricsBearerFlag, logFlag, logFileFlag, logJSONFlag,
		},
		Action: c.heavy(0, 0, func(ctx context.Context, in *Invocation) error {
			settings := map[string]any{}
			if err := in.setFlags(settings, "public-url", "metrics-listen", "metrics-bearer-file", "log", "log-file"); err != nil {
				return err
			}
			return in.full.Hub(ctx, in, settings)
		}),
	}
}
