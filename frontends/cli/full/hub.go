package full

import (
	"context"
	"os"

	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/frontends/http/hub"
)

// runHub runs the service of a JupyterHub until it is ended.
func runHub(ctx context.Context, in *cli.Invocation, publicURL string) error {
	p, err := in.Open(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	client, err := p.OAuthClient()
	if err != nil {
		return err
	}
	config, err := hub.FromEnvironment(os.Getenv, publicURL)
	if err != nil {
		return err
	}
	s, err := hub.New(hub.Options{Config: config, Client: client, Log: in.Logger()})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}
