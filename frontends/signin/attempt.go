package signin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/tokentoss/tokentoss/core"
)

// errUnknownType: a view of a later version, or no view.
var errUnknownType = fmt.Errorf("%w: its type is not known", ErrBadMessage)

// An attempt is one call of [core.App.SignIn]. The controller's mutex protects it.
type attempt struct {
	id      uint64
	cancel  context.CancelFunc
	answers chan core.Secret // what the person pasted
	ended   chan struct{}    // closed when SignIn has returned

	armed      *Armed
	opened     bool // the person is at the provider
	exchanging bool // the answer is here
	over       bool // nobody wants it any more
}

// giveUp ends the attempt soon. There is no other until it has ended: both would
// want the same port.
func (a *attempt) giveUp() {
	a.over = true
	a.cancel()
}

// arm starts a sign-in, if there is none and one is wanted. The caller has c.mu.
func (c *Controller) arm() {
	c.asked = c.asked || !c.known // it is done when there is a status
	wanted := c.known && c.status.State != core.NotConfigured && (c.opts.Once || c.status.State != core.SignedIn)
	if !wanted || c.attempt != nil || c.busy != "" || c.over {
		return
	}
	ctx, cancel := context.WithCancel(c.ctx)
	c.last++
	c.stuck = false
	a := &attempt{id: c.last, cancel: cancel, answers: make(chan core.Secret, 1), ended: make(chan struct{})}
	c.attempt = a
	c.begin(func() { c.signIn(ctx, a) })
}

func (c *Controller) signIn(ctx context.Context, a *attempt) {
	defer close(a.ended)
	defer a.cancel()
	st, err := c.app.SignIn(ctx, prompter{c, a})
	c.update(func() {
		c.attempt, c.settled = nil, c.seq+1
		if st.State == core.SignedIn {
			c.known, c.status = true, st
		}
		c.settle(a, err)
	})
	c.lookAnew()
}

// settle says how an attempt ended. The caller has c.mu.
func (c *Controller) settle(a *attempt, err error) {
	given := a.over || c.ctx.Err() != nil
	switch {
	case err == nil:
		c.problem = nil
	case errors.Is(err, core.ErrNotSaved):
		c.problem = problemOf(err)
	case given: // nobody is to be told
	case errors.Is(err, core.ErrSignInTimeout) && !a.opened && !c.opts.Once:
		// Nobody tried: a view that is still there wants another.
	default:
		c.problem, c.stuck = problemOf(err), !a.opened
	}
	if c.opts.Once && !a.over {
		c.over = true
		c.outcome <- err // has room for it: there is no attempt after this one
	}
}

// A prompter shows the prompts of an attempt on the views.
type prompter struct {
	c *Controller
	a *attempt
}

// Prompt implements [core.Prompter].
func (p prompter) Prompt(ctx context.Context, prompt core.Prompt) (string, error) {
	if err := checkAddress(prompt.URL); err != nil {
		return "", err
	}
	c, a := p.c, p.a
	c.update(func() {
		a.exchanging = false
		a.armed = &Armed{
			V: Version, Type: "armed", Attempt: a.id, AuthURL: prompt.URL, Code: prompt.Code, ExpiresIn: secondsUntil(prompt.Deadline),
		}
		if prompt.Problem != "" {
			c.problem = badAnswer(prompt.Problem)
		}
	})
	select {
	case <-ctx.Done():
		// The redirect arrived, if it was not we who gave up.
		c.update(func() { a.exchanging = !a.over })
		return "", ctx.Err()
	case answer := <-a.answers:
		c.update(func() { a.exchanging, c.problem = true, nil })
		return answer.Reveal(), nil
	}
}

// checkAddress lets a view open nothing but a page: over TLS, or on this machine.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("the address to sign in at is not a URL")
	}
	ip := net.ParseIP(u.Hostname())
	local := strings.EqualFold(u.Hostname(), "localhost") || ip != nil && ip.IsLoopback()
	if u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && local) {
		return errors.New("the address to sign in at does not begin with https://")
	}
	return nil
}
