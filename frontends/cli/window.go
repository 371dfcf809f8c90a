package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/profile"
)

// windowTimeout is how long a person has who is asked while a program runs.
const windowTimeout = 5 * time.Minute

// CanSignIn tells whether a person can be asked to sign in to p, by a browser that opens.
func (in *Invocation) CanSignIn(p *profile.Profile) bool {
	command := p.Settings.Browser
	return !p.Settings.IsMachine() && p.Settings.Flow != profile.DeviceFlow && p.Forwarded == nil && p.Client() != nil &&
		command != noBrowser && (command != "" || wantsBrowser() && (len(browserCommands(os.Getenv("BROWSER"))) > 0 || hasDisplay()))
}

// SignIn opens the browser for a person to sign in to p, who has no terminal: standard
// input is a program's. While another login of the profile waits, it waits for that.
func (in *Invocation) SignIn(ctx context.Context, p *profile.Profile) error {
	ctx, cancel := context.WithTimeout(ctx, windowTimeout)
	defer cancel()
	lock, err := takeLoginLock(ctx, in, p)
	if err != nil || lock == nil {
		return err
	}
	defer lock.release()
	w := &window{in: in, browser: p.Settings.Browser, loginLock: lock}
	defer w.close()
	if w.before, err = p.Status(ctx); err != nil {
		return err
	}
	st, err := p.SignIn(ctx, w)
	if err != nil {
		return err
	}
	in.say.say("signed in as %s", st.Account())
	return nil
}

// A window is a browser's, and all that there is to sign in with.
type window struct {
	in        *Invocation
	browser   string
	loginLock *loginLock
	before    core.Status
	links     []*browserLink
}

var _ core.Confirmer = (*window)(nil)

// Prompt implements [core.Prompter].
func (w *window) Prompt(ctx context.Context, p core.Prompt) (string, error) {
	if p.Problem == "" {
		link, err := newBrowserLink(p.URL)
		if err != nil {
			return "", err
		}
		w.links = append(w.links, link)
		if err := openBrowser(ctx, w.browser, link.url); err != nil {
			return "", fmt.Errorf("no browser can be opened here: %w", err)
		}
		w.loginLock.show(p)
		w.in.say.say("your browser is opening, for you to sign in")
	}
	<-ctx.Done()
	return "", ctx.Err()
}

// Confirm implements [core.Confirmer]: nobody is there to be asked whether another
// account is meant.
func (w *window) Confirm(_ context.Context, st core.Status) error {
	if before := w.before.Account(); before != "" && before != st.Account() {
		return &hintedError{errors.New("the browser is signed in as " + st.Account() + ", and the session is that of " + before), "tokentoss login"}
	}
	return nil
}

func (w *window) close() {
	for _, l := range w.links {
		l.remove()
	}
}
