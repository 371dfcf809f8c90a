package notebook

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/frontends/signin"
	"github.com/tokentoss/tokentoss/plugins"
)

// Name is the frontend's name.
const Name = "notebook"

// Protocol is what its terminal must speak: each line that it reads unseen is a
// message of a view, and each line that it prints is one to the views.
const Protocol = "tokentoss.widget/1"

// Config is how the program that carries the messages configures the frontend.
type Config struct {
	// Protocol keeps the frontend from a terminal at which a person sits.
	Protocol string `json:"protocol" about:"what the program that starts it speaks; a person has no use for it"`
	Remote   bool   `json:"remote" about:"the browser is on another machine: ask for the address that it ends on"`
	Fixed    bool   `json:"fixed_client" about:"the OAuth client is not for who signs in to change"`
}

// Plugin returns the frontend as a plugin.
func Plugin() plugins.Plugin {
	return plugins.Frontend(plugins.Info{
		Name: Name, Version: "v0.1.0", About: "what is behind a widget in a notebook; tokentoss rpc starts it",
	}, Open)
}

// A frontend hosts the controller.
type frontend struct{ plugins.Opening[Config] }

// Open returns the frontend.
func Open(_ context.Context, o plugins.Opening[Config]) (core.Frontend, error) {
	switch {
	case o.Config.Protocol == "":
		return nil, misuse("it shows nothing in a terminal: it is for notebooks")
	case o.Config.Protocol != Protocol:
		return nil, misuse(fmt.Sprintf("it speaks %s, and not %q", Protocol, o.Config.Protocol))
	case o.Terminal == nil:
		return nil, errors.New("frontend notebook: there is nothing that carries its messages")
	}
	return &frontend{o}, nil
}

// misuse is what a person is told who chose this frontend where it does not belong.
func misuse(problem string) error {
	return &fault.Error{
		Subject: "frontend notebook", Problem: problem, Kind: fault.Unsupported, Remedy: fault.Say("choose another frontend, such as http"),
	}
}

// Run implements [core.Frontend]. It ends with ctx, or when the terminal has no
// more lines.
func (f *frontend) Run(ctx context.Context, app core.App) error {
	c := signin.Start(ctx, app, signin.Options{RemoteHint: f.Config.Remote, FixedClient: f.Config.Fixed})
	var carrying sync.WaitGroup
	var err error
	// The views get the last message when ctx has ended.
	carrying.Go(func() { err = c.Carry(context.WithoutCancel(ctx), carrier{f.Terminal}) })
	_ = c.Wait() // nil, without Once
	carrying.Wait()
	return err
}

// A carrier is a terminal at which a program sits.
type carrier struct{ terminal plugins.Terminal }

// Receive implements [signin.Carrier].
func (c carrier) Receive(ctx context.Context) ([]byte, error) {
	line, err := c.terminal.ReadSecret(ctx, "") // a pasted address is one
	return []byte(line.Reveal()), err
}

// Send implements [signin.Carrier].
func (c carrier) Send(ctx context.Context, message []byte) error {
	return c.terminal.Print(ctx, string(message))
}
