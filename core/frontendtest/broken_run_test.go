package frontendtest_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/tokentoss/tokentoss/core"
)

func endDefects() []defect {
	deaf := func(ctx context.Context, p *panel, app core.App) error { return p.Run(context.WithoutCancel(ctx), app) }
	content := func(ctx context.Context, p *panel, app core.App) error {
		if err := p.Run(ctx, app); ctx.Err() == nil {
			return err
		}
		return nil
	}
	return []defect{
		runsWith("ignores ctx before it begins", "End/BeforeRun", "has not returned", false, deaf),
		runsWith("ignores ctx while it prompts", "End/Prompting", "has not returned", false, deaf),
		runsWith("ignores ctx while the App is busy", "End/Busy", "has not returned", false, deaf),
		runsWith("ignores deadlines", "End/Deadline", "has not returned", false, deaf),
		runsWith("ignores ctx while it waits for the person", "End/Idle", "has not returned", true, deaf),
		runsWith("takes an interrupt for a sign-in", "End/Prompting", "nil means", false, content),
		runsWith("forgets what ended ctx", "End/Deadline", "context.DeadlineExceeded", false, func(ctx context.Context, p *panel, app core.App) error {
			if err := p.Run(ctx, app); ctx.Err() == nil {
				return err
			}
			return context.Canceled
		}),
		runsWith("asks for the status without a ctx", "End/StatusBlocks", "has not returned", false, func(ctx context.Context, p *panel, app core.App) error {
			if _, err := app.Status(context.WithoutCancel(ctx)); err != nil {
				return err
			}
			return p.Run(ctx, app)
		}),
		runsWith("watches without a ctx", "End/WatchBlocks", "has not returned", true, func(ctx context.Context, p *panel, app core.App) error {
			if _, err := app.Watch(context.WithoutCancel(ctx)); err != nil {
				return err
			}
			return p.Run(ctx, app)
		}),
	}
}

func runDefects() []defect {
	return []defect{
		runsWith("does not end with the sign-in", "SignIn", "has not returned", false, func(ctx context.Context, p *panel, app core.App) error {
			err := p.Run(ctx, app)
			<-ctx.Done()
			return err
		}),
		runsWith("does not say who is signed in", "SignIn", "who is signed in", false, func(ctx context.Context, p *panel, app core.App) error {
			_, err := app.SignIn(ctx, p)
			return err
		}),
		runsWith("fails after the sign-in", "SignIn", "want nil", false, func(ctx context.Context, p *panel, app core.App) error {
			return errors.Join(p.Run(ctx, app), errors.New("no reason"))
		}),
		{"runs once", "Again/AfterSignIn", "second", false, func(p *panel) core.Frontend {
			var ran atomic.Bool
			return runs{p, func(ctx context.Context, p *panel, app core.App) error {
				if ran.Swap(true) {
					return errors.New("there is no second time")
				}
				return p.Run(ctx, app)
			}}
		}},
		{"is spoilt by an interrupt", "Again/AfterInterrupt", "broken", false, func(p *panel) core.Frontend {
			var broken atomic.Bool
			return runs{p, func(ctx context.Context, p *panel, app core.App) error {
				if broken.Load() {
					return errors.New("it is broken")
				}
				err := p.Run(ctx, app)
				broken.Store(err != nil)
				return err
			}}
		}},
		runsWith("shows the ID token", "Secrets", "the ID token", false, func(ctx context.Context, p *panel, app core.App) error {
			if err := p.Run(ctx, app); err != nil {
				return err
			}
			token, err := app.IDToken(ctx)
			p.show("your token is %s", token.Value.Reveal())
			return err
		}),
		runsWith("shows what is behind the App", "Secrets", "the refresh token", false, func(ctx context.Context, p *panel, app core.App) error {
			p.show("%+v", app)
			return p.Run(ctx, app)
		}),
		runsWith("leaves a goroutine", "Goroutines", "left over", false, func(ctx context.Context, p *panel, app core.App) error {
			go func() { select {} }()
			return p.Run(ctx, app)
		}),
	}
}

// faulty runs the panel with a fault in what it asks of the App.
func faulty(fault appFault) func(context.Context, *panel, core.App) error {
	return func(ctx context.Context, p *panel, app core.App) error {
		fault.App = app
		return p.Run(ctx, fault)
	}
}

func sessionDefects() []defect {
	return []defect{
		runsWith("ends with the sign-in", "SignIn", "goes on until", true, func(ctx context.Context, p *panel, app core.App) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			_ = p.Run(ctx, appFault{App: app, signIn: func(ctx context.Context, app core.App, pr core.Prompter) (core.Status, error) {
				st, err := app.SignIn(ctx, pr)
				p.show("signed in as %s", st.Email)
				cancel()
				return st, err
			}})
			return nil
		}),
		{"shows the client secret", "Configure/Passes", "the client secret, which is secret", true, func(p *panel) core.Frontend {
			return runs{p, faulty(appFault{configure: func(ctx context.Context, app core.App, c core.ClientSecrets) error {
				p.show("client %s with %s", c.ClientID, c.ClientSecret.Reveal())
				return app.Configure(ctx, c)
			}})}
		}},
		runsWith("loses the client secret", "Configure/Passes", "another client secret", true,
			faulty(appFault{configure: func(ctx context.Context, app core.App, c core.ClientSecrets) error {
				return app.Configure(ctx, core.ClientSecrets{ClientID: c.ClientID})
			}})),
		runsWith("keeps the client to itself", "Configure/Passes", "App.Configure has not been called", true,
			faulty(appFault{configure: func(context.Context, core.App, core.ClientSecrets) error { return nil }})),
		runsWith("does not tell that a client is refused", "Configure/Refused", "what is wrong with the client", true,
			faulty(appFault{configure: func(ctx context.Context, app core.App, c core.ClientSecrets) error {
				_ = app.Configure(ctx, c)
				return nil
			}})),
		runsWith("does not sign out", "SignOut/Passes", "App.SignOut has not been called", true,
			faulty(appFault{signOut: func(context.Context, core.App) error { return nil }})),
		runsWith("does not tell what is not revoked", "SignOut/NotRevoked", "not revoked", true,
			faulty(appFault{signOut: func(ctx context.Context, app core.App) error {
				_ = app.SignOut(ctx)
				return nil
			}})),
	}
}

func stayDefects() []defect {
	return []defect{
		runsWith("looks once", "Watch/Shows", "changed elsewhere", true,
			faulty(appFault{watch: func(ctx context.Context, app core.App) (<-chan core.Status, error) {
				st, err := app.Status(ctx)
				states := make(chan core.Status, 1)
				states <- st
				return states, err
			}})),
		runsWith("tires of changes", "Watch/Last", "the last of many", true, faulty(appFault{watch: watchTwo})),
		runsWith("sees nothing while the App is busy", "Watch/WhileBusy", "while the App is busy", true, runInTurn),
		runsWith("leaves a watch open", "Leave", "Watch", true,
			faulty(appFault{watch: func(ctx context.Context, app core.App) (<-chan core.Status, error) {
				return app.Watch(context.WithoutCancel(ctx))
			}})),
		runsWith("takes leaving for an error", "Leave", "want nil", true, func(ctx context.Context, p *panel, app core.App) error {
			return errors.Join(p.Run(ctx, app), errors.New("the person has left"))
		}),
	}
}

// watchTwo passes two states on.
func watchTwo(ctx context.Context, app core.App) (<-chan core.Status, error) {
	states, err := app.Watch(ctx)
	if err != nil {
		return nil, err
	}
	two := make(chan core.Status, 2)
	go func() {
		n := 0
		for st := range states {
			if n++; n <= 2 && st.Email != "person99@example.com" {
				two <- st
			}
		}
	}()
	return two, nil
}

// runInTurn does one thing at a time.
func runInTurn(ctx context.Context, p *panel, app core.App) error {
	states, err := app.Watch(ctx)
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("interrupted: %w", ctx.Err())
		case st, ok := <-states:
			if ok {
				p.status(st)
			}
		case b := <-p.buttons:
			p.press(ctx, app, b)
		}
	}
}
