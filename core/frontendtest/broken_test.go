package frontendtest_test

import (
	"context"
	"errors"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core"
)

// A defect is a way to break the panel, and the check that must see it.
type defect struct {
	name   string
	check  string // the subtest that must fail
	says   string // what its message must say
	stays  bool
	broken func(*panel) core.Frontend
}

// asksWith is a defect of what the person is shown in a prompt.
func asksWith(name, check, says string, change func(core.Prompt) core.Prompt) defect {
	return defect{name, check, says, false, func(p *panel) core.Frontend { return shows{p, change} }}
}

// promptsWith is a defect of how a prompt is made.
func promptsWith(name, check, says string, prompt func(context.Context, *panel, core.Prompt) (string, error)) defect {
	return defect{name, check, says, false, func(p *panel) core.Frontend { return prompts{p, prompt} }}
}

// runsWith is a defect of Run.
func runsWith(name, check, says string, stays bool, run func(context.Context, *panel, core.App) error) defect {
	return defect{name, check, says, stays, func(p *panel) core.Frontend { return runs{p, run} }}
}

// failsWith is a defect of the error that Run returns.
func failsWith(name, check, says string, change func(error) error) defect {
	return runsWith(name, check, says, false, func(ctx context.Context, p *panel, app core.App) error {
		if err := p.Run(ctx, app); err != nil {
			return change(err)
		}
		return nil
	})
}

// An appFault changes what a frontend asks of the App.
type appFault struct {
	core.App
	watch     func(context.Context, core.App) (<-chan core.Status, error)
	signIn    func(context.Context, core.App, core.Prompter) (core.Status, error)
	signOut   func(context.Context, core.App) error
	configure func(context.Context, core.App, core.ClientSecrets) error
}

func (a appFault) Watch(ctx context.Context) (<-chan core.Status, error) {
	if a.watch == nil {
		return a.App.Watch(ctx)
	}
	return a.watch(ctx, a.App)
}

func (a appFault) SignIn(ctx context.Context, p core.Prompter) (core.Status, error) {
	if a.signIn == nil {
		return a.App.SignIn(ctx, p)
	}
	return a.signIn(ctx, a.App, p)
}

func (a appFault) SignOut(ctx context.Context) error {
	if a.signOut == nil {
		return a.App.SignOut(ctx)
	}
	return a.signOut(ctx, a.App)
}

func (a appFault) Configure(ctx context.Context, c core.ClientSecrets) error {
	if a.configure == nil {
		return a.App.Configure(ctx, c)
	}
	return a.configure(ctx, a.App, c)
}

// shows is a panel that changes what it shows of a prompt.
type shows struct {
	*panel
	change func(core.Prompt) core.Prompt
}

func (s shows) Run(ctx context.Context, app core.App) error {
	return prompts{s.panel, func(ctx context.Context, p *panel, prompt core.Prompt) (string, error) {
		return p.Prompt(ctx, s.change(prompt))
	}}.Run(ctx, app)
}

// prompts is a panel that prompts in another way.
type prompts struct {
	*panel
	prompt func(context.Context, *panel, core.Prompt) (string, error)
}

func (s prompts) Run(ctx context.Context, app core.App) error {
	return s.panel.Run(ctx, appFault{App: app, signIn: func(ctx context.Context, app core.App, _ core.Prompter) (core.Status, error) {
		return app.SignIn(ctx, core.PrompterFunc(func(ctx context.Context, p core.Prompt) (string, error) {
			return s.prompt(ctx, s.panel, p)
		}))
	}})
}

// runs is a panel that runs in another way.
type runs struct {
	*panel
	run func(context.Context, *panel, core.App) error
}

func (s runs) Run(ctx context.Context, app core.App) error { return s.run(ctx, s.panel, app) }

func defects() []defect {
	return slices.Concat(promptDefects(), answerDefects(), errorDefects(), endDefects(), runDefects(), sessionDefects(), stayDefects())
}

func promptDefects() []defect {
	return []defect{
		asksWith("escapes the address", "Address", "unchanged", func(p core.Prompt) core.Prompt {
			p.URL = html.EscapeString(p.URL)
			return p
		}),
		asksWith("cuts the address", "Address", "unchanged", func(p core.Prompt) core.Prompt {
			p.URL = p.URL[:min(len(p.URL), 1000)]
			return p
		}),
		asksWith("wraps the address", "Address", "unchanged", func(p core.Prompt) core.Prompt {
			p.URL = p.URL[:200] + "\n" + p.URL[200:]
			return p
		}),
		asksWith("hides the address", "SignIn", "shows no new address", func(p core.Prompt) core.Prompt {
			p.URL = ""
			return p
		}),
		asksWith("hides the code", "Code", "the code of the prompt", func(p core.Prompt) core.Prompt {
			p.Code = ""
			return p
		}),
		asksWith("hides the problem", "Paste/Problem", "the problem with the answer", func(p core.Prompt) core.Prompt {
			p.Problem = ""
			return p
		}),
	}
}

func answerDefects() []defect {
	return []defect{
		promptsWith("waits for no answer", "PromptWaits", "waits for its ctx", func(_ context.Context, p *panel, prompt core.Prompt) (string, error) {
			p.show("%s", prompt.URL)
			return "", nil
		}),
		promptsWith("ignores the redirect", "Redirect", "Prompt has not returned", func(ctx context.Context, p *panel, prompt core.Prompt) (string, error) {
			return p.Prompt(context.WithoutCancel(ctx), prompt)
		}),
		promptsWith("ignores a late redirect", "Paste/RedirectAfterProblem", "Prompt has not returned", func(ctx context.Context, p *panel, prompt core.Prompt) (string, error) {
			if prompt.Problem != "" {
				ctx = context.WithoutCancel(ctx)
			}
			return p.Prompt(ctx, prompt)
		}),
		promptsWith("decodes the answer", "Paste/Verbatim/address", "unchanged", func(ctx context.Context, p *panel, prompt core.Prompt) (string, error) {
			answer, err := p.Prompt(ctx, prompt)
			answer, _ = url.QueryUnescape(answer)
			return answer, err
		}),
		promptsWith("cuts the answer", "Paste/Verbatim/long", "unchanged", func(ctx context.Context, p *panel, prompt core.Prompt) (string, error) {
			answer, err := p.Prompt(ctx, prompt)
			return answer[:min(len(answer), 1024)], err
		}),
		promptsWith("takes only addresses", "Paste/Verbatim/no_address", "unchanged", func(ctx context.Context, p *panel, prompt core.Prompt) (string, error) {
			answer, err := p.Prompt(ctx, prompt)
			u, _ := url.Parse(strings.Fields(answer)[0])
			return u.String(), err
		}),
		promptsWith("asks once", "Paste/Problem", "no more", func(ctx context.Context, p *panel, prompt core.Prompt) (string, error) {
			if prompt.Problem != "" {
				p.show("%s", prompt.Problem)
				return "", errors.New("no more")
			}
			return p.Prompt(ctx, prompt)
		}),
	}
}

func errorDefects() []defect {
	forget := func(unwanted error) func(error) error {
		return func(err error) error {
			if errors.Is(err, unwanted) {
				return nil
			}
			return err
		}
	}
	return []defect{
		failsWith("swallows errors", "Errors/Denied", "returned nil", func(error) error { return nil }),
		failsWith("makes errors of its own", "Errors/Timeout", "wraps core's", func(err error) error { return errors.New(err.Error()) }),
		failsWith("keeps sentinels only", "Errors/SignInNeeded", "*core.SignInNeededError", func(error) error { return core.ErrSignInNeeded }),
		failsWith("keeps errors to itself", "Errors/Other", "says so", func(error) error { return errors.New("something went wrong") }),
		failsWith("is content with a session that is not saved", "Errors/NotSaved", "returned nil", forget(core.ErrNotSaved)),
		failsWith("does not mind that there is no client", "Errors/NotConfigured", "returned nil", forget(core.ErrNotConfigured)),
		failsWith("does not mind that the store is away", "Errors/Unavailable", "returned nil", forget(core.ErrUnavailable)),
		runsWith("ends with a denial", "Errors/Denied", "goes on until", true, func(ctx context.Context, p *panel, app core.App) error {
			ctx, cancel := context.WithCancelCause(ctx)
			err := p.Run(ctx, appFault{App: app, signIn: func(ctx context.Context, app core.App, pr core.Prompter) (core.Status, error) {
				st, err := app.SignIn(ctx, pr)
				if err != nil {
					p.show("%v", err)
					cancel(err)
				}
				return st, err
			}})
			return errors.Join(err, context.Cause(ctx))
		}),
		runsWith("tells no errors", "Errors/Timeout", "why the sign-in failed", true, func(ctx context.Context, p *panel, app core.App) error {
			return p.Run(ctx, appFault{App: app, signIn: func(ctx context.Context, app core.App, pr core.Prompter) (core.Status, error) {
				st, _ := app.SignIn(ctx, pr)
				return st, nil
			}})
		}),
		runsWith("tells the address in errors", "Errors/Denied", "address of the sign-in", false, func(ctx context.Context, p *panel, app core.App) error {
			return fmt.Errorf("%w, having shown %s", p.Run(ctx, app), p.Shown())
		}),
	}
}
