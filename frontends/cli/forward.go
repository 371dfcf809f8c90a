package cli

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/core/privatefile"
)

func (c *commands) forward() *cli.Command {
	return &cli.Command{
		Name: "forward", Usage: "lend this session to another machine while ssh runs", Category: "requests", ArgsUsage: "HOST [-- SSH-OPTIONS]",
		Description: "HOST is what ssh takes. tokentoss there gets ID tokens for the targets, and nothing else.\n" +
			"Whoever is root there can use them while this runs, wherever your OAuth client is admitted.\n" +
			"With --requests none leaves this machine: tokentoss run, get, curl and proxy there have their\n" +
			"requests to the targets made here.",
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "for", Usage: "for the service at `URL`", DefaultText: "the profile's targets"},
			&cli.StringFlag{Name: "dir", Usage: "in place of HOST: to a container that mounts `DIR`"},
			&cli.DurationFlag{Name: "lifetime", Usage: "end after `TIME`", DefaultText: "when ssh ends"},
			&cli.BoolFlag{Name: "requests", Usage: "make its requests here, and give it no token"},
			&cli.BoolFlag{Name: "confirm", Usage: "ask here before each token, or each request"},
			&cli.BoolFlag{Name: "confirm-once", Usage: "ask here once for each program and service"},
		},
		Action: c.heavy(0, -1, forward),
	}
}

// ForwardOptions say what is lent, and to whom.
type ForwardOptions struct {
	Host     string   // "" where there is a Dir
	Dir      string   // an absolute path
	SSH      []string // options of ssh
	Targets  []string // origins; none are the profile's
	Lifetime time.Duration
	Requests bool // make requests here, and give no token
	Confirm  Confirm
}

// Confirm says before what the person is asked.
type Confirm int

// What a [Confirm] is.
const (
	ConfirmNothing Confirm = iota
	ConfirmEach            // each token or request
	ConfirmOnce            // the first of each program for each service
)

func forward(ctx context.Context, in *Invocation) error {
	o := ForwardOptions{Targets: in.StringSlice("for"), Lifetime: in.Duration("lifetime"), Requests: in.Bool("requests")}
	switch {
	case in.Bool("confirm"):
		o.Confirm = ConfirmEach
	case in.Bool("confirm-once"):
		o.Confirm = ConfirmOnce
	}
	args := in.Args().Slice()
	if len(args) > 0 {
		o.Host, o.SSH = args[0], args[1:]
	}
	if len(o.SSH) > 0 && o.SSH[0] == "--" {
		o.SSH = o.SSH[1:]
	}
	if dir := in.String("dir"); dir != "" {
		var err error
		if o.Dir, err = privatefile.Resolve(dir, ""); err != nil {
			return err
		}
	}
	switch {
	case o.Dir != "" && len(args) > 0:
		return usagef("leave one of them out", "forward: a host, and --dir for a container, are two things")
	case o.Dir == "" && o.Host == "":
		return usagef("tokentoss forward --help", "forward needs a HOST, or --dir DIR")
	case o.Dir == "" && o.Host[0] == '-':
		return usagef("tokentoss forward HOST -- SSH-OPTIONS", "forward: %q is not a host", o.Host)
	case o.Lifetime < 0:
		return usagef("tokentoss forward --help", "forward: --lifetime must not be negative")
	case in.Bool("confirm") && in.Bool("confirm-once"):
		return usagef("leave one of them out", "forward: --confirm and --confirm-once exclude each other")
	case o.Confirm != ConfirmNothing && !in.interactive():
		return usagef("leave one of them out", "forward: --confirm asks a person, and --non-interactive is set")
	}
	for i, raw := range o.Targets {
		target, err := in.target(raw)
		if err != nil {
			return err
		}
		o.Targets[i] = target
	}
	return in.full.Forward(ctx, in, o)
}

// Confirmations returns what asks the person yes or no, one question after another. It
// reads standard input from now to the end of the process: what is typed while no question
// stands is no answer to the next.
func (in *Invocation) Confirmations() func(ctx context.Context, question string) (bool, error) {
	var mu sync.Mutex
	var answer chan string // of the question that stands
	ended := make(chan struct{})
	go func() { // ends with the input, or with the process
		defer close(ended)
		for line := range readLines(in.Stdin) {
			mu.Lock()
			if answer != nil {
				answer <- line
				answer = nil
			}
			mu.Unlock()
		}
	}()
	return func(ctx context.Context, question string) (bool, error) {
		own := make(chan string, 1)
		mu.Lock()
		answer = own
		fmt.Fprintf(in.Stderr, "%s%s [y/N] ", prefix, oneLine(question))
		mu.Unlock()
		select {
		case <-ctx.Done():
			mu.Lock()
			answer = nil
			mu.Unlock()
			fmt.Fprintln(in.Stderr)
			in.Say("it was withdrawn")
			return false, ctx.Err()
		case line := <-own:
			line = strings.ToLower(strings.TrimSpace(line))
			return line == "y" || line == "yes", nil
		case <-ended:
			return false, nil
		}
	}
}
