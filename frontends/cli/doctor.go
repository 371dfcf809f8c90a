package cli

import (
	"context"
	"net/url"
	"time"

	"github.com/urfave/cli/v2"
)

func (c *commands) doctor() *cli.Command {
	return &cli.Command{
		Name: "doctor", Usage: "say why IAP refuses, and what to do", Category: "setup", ArgsUsage: "[URL]",
		Description: "Without a URL it checks configuration, store, provider, clock and session; with one,\n" +
			"also the way there, what IAP says, and what the service does. It never signs in.",
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json", Usage: "as JSON"},
			&cli.DurationFlag{Name: "timeout", Usage: "wait for an answer for this `TIME`", Value: 15 * time.Second},
		},
		Action: c.heavy(0, 1, examine),
	}
}

// DoctorOptions say what to look at.
type DoctorOptions struct {
	URL     *url.URL      // of a service; nil is none
	Timeout time.Duration // for each answer
	JSON    bool
}

func examine(ctx context.Context, in *Invocation) error {
	o := DoctorOptions{Timeout: in.Duration("timeout"), JSON: in.Bool("json")}
	if in.NArg() > 0 {
		u, err := parseTarget(in.Args().First())
		if err != nil {
			return err
		}
		o.URL = u
	}
	return in.full.Doctor(ctx, in, o)
}
