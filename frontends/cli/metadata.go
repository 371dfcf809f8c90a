package cli

import (
	"context"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/profile"
)

func (c *commands) metadata() *cli.Command {
	return &cli.Command{
		Name: "metadata", Usage: "be the metadata server of a Google Cloud machine, for Google's libraries", Category: "requests",
		Description: "It answers with ID tokens. Programs find it by GCE_METADATA_HOST, which is printed.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Usage: "listen on `ADDR`, host:port", DefaultText: "a free port"},
			&cli.DurationFlag{Name: "for", Usage: "end after `TIME`", DefaultText: "never"},
			metricsListenFlag, metricsBearerFlag, logFlag, logFileFlag, logJSONFlag,
			&cli.BoolFlag{Name: "any-audience", Usage: "give the token for any audience"},
			&cli.StringFlag{Name: "guard", Usage: "guard by `WHAT`: owner, path, none", DefaultText: "owner"},
			&cli.StringFlag{Name: "project", Usage: "the `ID` of the project to be in", DefaultText: "none"},
		},
		Action: c.heavy(0, 0, serveMetadata),
	}
}

// serveMetadata serves as a metadata server until it is interrupted.
func serveMetadata(ctx context.Context, in *Invocation) error {
	return in.full.RunFrontend(ctx, in, "metadata", func(settings map[string]any, _ *profile.Profile) error {
		if in.Bool("any-audience") {
			settings["any_audience"] = true
		}
		return in.setFlags(settings, "listen", "metrics-listen", "metrics-bearer-file", "log", "log-file", "guard", "project")
	})
}
