package frontendtest_test

import (
	"context"
	"fmt"
	"sync"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/frontendtest"
)

// A panel is a correct frontend with everything that the kit knows of: buttons,
// fields, and a screen.
type panel struct {
	frontendtest.Screen
	stays   bool
	buttons chan button
	answers chan string
}

// A button is what a person presses.
type button struct {
	name   string
	client core.ClientSecrets
}

func newPanel(stays bool) *panel {
	return &panel{stays: stays, buttons: make(chan button), answers: make(chan string)}
}

func (p *panel) show(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// Run implements [core.Frontend].
func (p *panel) Run(ctx context.Context, app core.App) error {
	if !p.stays {
		st, err := app.SignIn(ctx, p)
		if err != nil {
			return err
		}
		p.show("signed in as %s", st.Email)
		return nil
	}
	var work sync.WaitGroup
	defer work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	states, err := app.Watch(ctx)
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case st, ok := <-states:
			if ok {
				p.status(st)
			}
		case b := <-p.buttons:
			if b.name == "leave" {
				return nil
			}
			work.Go(func() { p.press(ctx, app, b) })
		}
	}
}

func (p *panel) status(st core.Status) {
	switch st.State {
	case core.NotConfigured:
		p.show("%v", core.ErrNotConfigured)
	case core.SignedIn:
		p.show("signed in as %s", st.Email)
	default:
		p.show("signed out. %s", st.Reason)
	}
}

func (p *panel) press(ctx context.Context, app core.App, b button) {
	var err error
	switch b.name {
	case "sign in":
		_, err = app.SignIn(ctx, p)
	case "sign out":
		err = app.SignOut(ctx)
	case "configure":
		err = app.Configure(ctx, b.client)
	}
	if err != nil {
		p.show("%s: %v", b.name, err)
	}
}

// Prompt implements [core.Prompter].
func (p *panel) Prompt(ctx context.Context, prompt core.Prompt) (string, error) {
	p.show("%s\n%s\n%s", prompt.URL, prompt.Code, prompt.Problem)
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case answer := <-p.answers:
		return answer, nil
	}
}

// A panelPerson is the person in front of a panel.
type panelPerson struct{ *panel }

func (p panelPerson) press(ctx context.Context, b button) error {
	select {
	case p.buttons <- b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p panelPerson) SignIn(ctx context.Context) error {
	if !p.stays {
		return nil
	}
	return p.press(ctx, button{name: "sign in"})
}

func (p panelPerson) Paste(ctx context.Context, text string) error {
	select {
	case p.answers <- text:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p panelPerson) SignOut(ctx context.Context) error {
	return p.press(ctx, button{name: "sign out"})
}
func (p panelPerson) Leave(ctx context.Context) error { return p.press(ctx, button{name: "leave"}) }
func (p panelPerson) Configure(ctx context.Context, c core.ClientSecrets) error {
	return p.press(ctx, button{name: "configure", client: c})
}
