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

// arm starts a sign-in, if there is none and one is wanted. The caller has e.mu.
func (e *Controller) arm() {
	e.asked = e.asked || !e.known // it is done when there is a status
	wanted := e.known && e.status.State != core.NotConfigured && (e.opts.Once || e.status.State != core.SignedIn)
	if !wanted || e.attempt != nil || e.busy != "" || e.over {
		return
	}
	ctx, cancel := context.WithCancel(e.ctx)
	e.last++
	e.stuck = false
	a := &attempt{id: e.last, cancel: cancel, answers: make(chan core.Secret, 1), ended: make(chan struct{})}
	e.attempt = a
	e.begin(func() { e.signIn(ctx, a) })
}

func (e *Controller) signIn(ctx context.Context, a *attempt) {
	defer close(a.ended)
	defer a.cancel()
	st, err := e.app.SignIn(ctx, prompter{e, a})
	e.update(func() {
		e.attempt, e.settled = nil, e.seq+1
		if st.State == core.SignedIn {
			e.known, e.status = true, st
		}
		e.settle(a, err)
	})
	e.lookAnew()
}

// settle says how an attempt ended. The caller has e.mu.
func (e *Controller) settle(a *attempt, err error) {
	given := a.over || e.ctx.Err() != nil
	switch {
	case err == nil:
		e.problem = nil
	case errors.Is(err, core.ErrNotSaved):
		e.problem = problemOf(err)
	case given: // nobody is to be told
	case errors.Is(err, core.ErrSignInTimeout) && !a.opened && !e.opts.Once:
		// Nobody tried: a view that is still there wants another.
	default:
		e.problem, e.stuck = problemOf(err), !a.opened
	}
	if e.opts.Once && !a.over {
		e.over = true
		e.outcome <- err // has room for it: there is no attempt after this one
	}
}

// A prompter shows the prompts of an attempt on the views.
type prompter struct {
	e *Controller
	a *attempt
}

// Prompt implements [core.Prompter].
func (p prompter) Prompt(ctx context.Context, prompt core.Prompt) (string, error) {
	if err := checkAddress(prompt.URL); err != nil {
		return "", err
	}
	e, a := p.e, p.a
	e.update(func() {
		a.exchanging = false
		a.armed = &Armed{
			V: Version, Type: "armed", Attempt: a.id, AuthURL: prompt.URL, Code: prompt.Code, ExpiresIn: secondsUntil(prompt.Deadline),
		}
		if prompt.Problem != "" {
			e.problem = badAnswer(prompt.Problem)
		}
	})
	select {
	case <-ctx.Done():
		// The redirect arrived, if it was not we who gave up.
		e.update(func() { a.exchanging = !a.over })
		return "", ctx.Err()
	case answer := <-a.answers:
		e.update(func() { a.exchanging, e.problem = true, nil })
		return answer.Reveal(), nil
	}
}

// checkAddress lets a view open nothing but a page: over TLS, or on this machine.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("the address to sign in at is no URL")
	}
	ip := net.ParseIP(u.Hostname())
	local := strings.EqualFold(u.Hostname(), "localhost") || ip != nil && ip.IsLoopback()
	if u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && local) {
		return errors.New("the address to sign in at does not begin with https://")
	}
	return nil
}
