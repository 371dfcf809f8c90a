package full

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/frontends/http/hub"
	"github.com/tokentoss/tokentoss/frontends/http/metrics"
	"github.com/tokentoss/tokentoss/frontends/http/requestlog"
)

// runHub runs the service of a JupyterHub until it is ended.
func runHub(ctx context.Context, in *cli.Invocation, settings map[string]any) error {
	setting := func(name string) string {
		text, _ := settings[name].(string)
		return text
	}
	sockets, err := takeSockets()
	if err != nil {
		return err
	}
	if err := sockets.listen(settings); err != nil {
		return err
	}
	p, err := in.Open(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	client, err := p.OAuthClient()
	if err != nil {
		return err
	}
	config, err := hub.FromEnvironment(os.Getenv, setting("public_url"))
	if err != nil {
		return err
	}
	config.Listen = cmp.Or(setting("listen"), config.Listen)
	monitor, err := metrics.New(setting("metrics_listen"), setting("metrics_bearer_file"), in.Logger())
	if err != nil {
		return err
	}
	json, _ := settings["json"].(bool)
	requests, err := requestlog.Open(requestlog.Config{Log: setting("log"), LogFile: setting("log_file"), JSON: json}, func(line string) { fmt.Fprintln(in.Stderr, line) })
	if err != nil {
		return err
	}
	defer requests.Close()
	s, err := hub.New(hub.Options{Config: config, Client: client, Monitor: monitor, Log: in.Logger(), Requests: requests})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}
