package full

import (
	"context"
	"errors"
	"time"

	"github.com/tokentoss/tokentoss/frontends/cli"
	"github.com/tokentoss/tokentoss/frontends/mcp"
)

// mcpEnd is how long mcp may take to end: its client waits for a few seconds.
const mcpEnd = 10 * time.Second

// mcpBridge is [cli.MCP].
type mcpBridge struct{}

func (mcpBridge) Serve(ctx context.Context, in *cli.Invocation, o cli.MCPOptions) error {
	p, err := in.Open(ctx)
	if err != nil {
		return err
	}
	defer p.Close()
	client, err := cli.ClientFor(p, o.URL)
	if err != nil {
		return err
	}
	ctx, stop := whileAsked(ctx, mcpEnd)
	defer stop()
	if o.Header.Get("User-Agent") == "" {
		o.Header.Set("User-Agent", "tokentoss/"+in.App.Version)
	}
	options := mcp.Options{
		URL: o.URL, Client: client, Header: o.Header, Logger: in.Logger(),
		Explain: func(err error) (text, hint string) {
			var none *mcp.NoAnswerError
			if errors.As(err, &none) {
				err = cli.NoAnswer(none.Host, none.Err)
			}
			text, hint = cli.Explain(err)
			return text, in.ForProfile(hint)
		},
	}
	if o.Ask && in.CanSignIn(p) {
		options.SignIn = func(ctx context.Context) error { return in.SignIn(ctx, p) }
	}
	return mcp.Serve(ctx, in.Stdin, in.Stdout, options)
}
