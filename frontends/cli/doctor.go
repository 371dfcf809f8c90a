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
		Action:      c.heavy(0, 1, examine),
		Subcommands: []*cli.Command{c.doctorTunnel()},
	}
}

func (c *commands) doctorTunnel() *cli.Command {
	return &cli.Command{
		Name: "tunnel", Usage: "say why a TCP port is not reached through IAP", ArgsUsage: "INSTANCE PORT",
		Flags: append(tunnelFlags(),
			&cli.BoolFlag{Name: "json", Usage: "as JSON"},
			&cli.DurationFlag{Name: "timeout", Usage: "wait for an answer for this `TIME`", Value: 15 * time.Second},
		),
		Action: c.heavy(1, 2, examineTunnel),
	}
}

// DoctorOptions say what to look at.
type DoctorOptions struct {
	URL     *url.URL       // of a service; nil is none
	Tunnel  *TunnelOptions // to a port; nil is none
	Timeout time.Duration  // for each answer
	JSON    bool
}

func examineTunnel(ctx context.Context, in *Invocation) error {
	o, err := tunnelTarget(in, "doctor tunnel")
	if err != nil {
		return err
	}
	return in.full.Doctor(ctx, in, DoctorOptions{Timeout: in.Duration("timeout"), JSON: in.Bool("json"), Tunnel: &o})
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
