// Package signin is what stands behind the views of a sign-in: the page on this
// machine, a cell of a notebook. Its [Controller] does with a [core.App] what the
// person wants, and tells every view what to show. The views hold nothing: they are
// remote controls.
//
// A view and the controller exchange the messages of tokentoss.widget/1, whatever
// carries them. The carrier gives each message of a view to [Controller.Handle], and
// sends on what the [View] from [Controller.Subscribe] has.
//
// The address to sign in at is there before the person clicks, since browsers
// refuse a popup that comes too long after the click: it is armed when a view says
// hello or arm. A view says arm whenever its snapshot wants a sign-in, has no
// attempt and is not stuck; where it is stuck, since a sign-in failed that nobody
// had opened, a person says when to try again. The controller arms once for all views,
// and never by itself, so that nothing listens on a port while nobody looks. An
// attempt that was cancelled, has expired or failed is over: messages about it are
// dropped.
package signin

import (
	"context"
	"slices"
	"sync"

	"github.com/tokentoss/tokentoss/core"
)

// Options change what a Controller does. The zero value stays until its ctx ends.
type Options struct {
	// Once ends the controller with the first sign-in, whether it succeeds or not. It
	// signs in anew where somebody is signed in, and arms without a view, so that
	// the sign-in has an end even if nobody looks.
	Once bool

	// RemoteHint tells the views that the browser is likely not to reach this
	// machine.
	RemoteHint bool

	// FixedClient offers no view to change the OAuth client.
	FixedClient bool
}

// A Controller is the one state of any number of views. Its methods may be called by
// many goroutines at once.
type Controller struct {
	app  core.App
	opts Options

	ctx     context.Context // of all calls of the App
	stop    context.CancelFunc
	work    sync.WaitGroup
	look    chan struct{} // has a token when the App is to be watched again
	anew    chan struct{} // has a token when watching is to start over
	outcome chan error    // of the first sign-in, if it is to be the only one

	mu      sync.Mutex
	changed chan struct{} // closed at the next change
	seq     uint64
	last    uint64 // attempt
	settled uint64 // the seq since which the last attempt is over
	attempt *attempt
	known   bool // there is a status
	asked   bool // a view wanted an address before
	status  core.Status
	busy    string
	problem *Problem
	stuck   bool // the last sign-in failed before a person opened its address
	over    bool
}

// Start returns a Controller for app, which works until ctx ends. The caller must
// call Wait.
func Start(ctx context.Context, app core.App, o Options) *Controller {
	c := &Controller{
		app: app, opts: o, look: make(chan struct{}, 1), anew: make(chan struct{}, 1), outcome: make(chan error, 1),
		changed: make(chan struct{}), seq: 1,
	}
	c.ctx, c.stop = context.WithCancel(ctx)
	c.work.Go(c.watch)
	return c
}

// Wait returns nil when the Controller's ctx has ended. With [Options.Once] it returns
// after the sign-in, with its outcome: that of the App, also when ctx ends it. Nothing
// of the Controller goes on then, and the views have a last message.
func (c *Controller) Wait() error {
	var err error
	select {
	case err = <-c.outcome:
		c.finish()
		return err
	case <-c.ctx.Done():
	}
	c.finish()
	if !c.opts.Once {
		return nil
	}
	select {
	case err = <-c.outcome: // more than that ctx has ended
		return err
	default:
		return c.ctx.Err()
	}
}

// finish gives the views their last message and ends what goes on.
func (c *Controller) finish() {
	c.update(func() { c.over = true })
	c.stop()
	c.work.Wait()
}

// update changes the state by f, and lets the views look.
func (c *Controller) update(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
	c.seq++
	close(c.changed)
	c.changed = make(chan struct{})
}

// begin does f in a goroutine, unless the controller has ended. The caller has c.mu.
func (c *Controller) begin(f func()) {
	if !c.over {
		c.work.Go(f)
	}
}

// watch follows the session, whoever changes it. When it cannot, it says so and
// tries again when a person does something.
func (c *Controller) watch() {
	for {
		if err := c.follow(); err != nil && c.ctx.Err() == nil {
			c.update(func() {
				c.known, c.status, c.problem, c.stuck = true, core.Status{State: core.SignedOut}, problemOf(err), true
				if c.opts.Once {
					c.arm()
				}
			})
		}
		select {
		case <-c.ctx.Done():
			return
		case <-c.look:
		}
	}
}

// follow takes what the App sends until there is no more, or watching is to start over.
func (c *Controller) follow() error {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	states, err := c.app.Watch(ctx)
	if err != nil {
		return err
	}
	for {
		select {
		case st, ok := <-states:
			if !ok {
				return nil
			}
			c.see(st)
		case <-c.anew:
			cancel()
			for range states { // are older than what is known
			}
			return nil
		}
	}
}

// lookAgain has the App watched again, if it is not.
func (c *Controller) lookAgain() { put(c.look) }

// lookAnew has the App say what there is now. Where the controller has learnt a status
// from a call, the App may have sent none, and sends none when all is as it was
// before.
func (c *Controller) lookAnew() {
	put(c.anew)
	put(c.look)
}

// put puts a token into ch, which has room for one, unless there is one.
func put(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// see takes a status of the App.
func (c *Controller) see(st core.Status) {
	c.update(func() {
		first := !c.known
		c.known, c.status = true, st
		if st.State == core.SignedIn && !first && !c.opts.Once {
			// Somebody signed in elsewhere. What a person has open goes on.
			if c.attempt != nil && !c.attempt.opened {
				c.attempt.giveUp()
			}
		}
		if first && (c.asked || c.opts.Once) {
			c.arm()
		}
	})
}

// Handle does what a view asks for. It does not wait until that is done. Messages
// about an attempt that is over are dropped, as are those that come too late.
func (c *Controller) Handle(m ClientMessage) error {
	if !slices.Contains([]string{upHello, upArm, upOpened, upRedirect, upCancel, upSignOut, upConfigure}, m.Type) {
		return errUnknownType
	}
	if m.Type == upHello || m.Type == upArm {
		c.lookAgain()
	}
	c.update(func() { c.handle(m) })
	return nil
}

// handle is Handle; the caller has c.mu.
func (c *Controller) handle(m ClientMessage) {
	a := c.attempt
	current := a != nil && !a.over && a.id == m.Attempt
	switch {
	case c.over:
	case m.Type == upHello && !c.stuck, m.Type == upArm && (m.Seq == 0 || m.Seq >= c.settled):
		c.arm()
	case m.Type == upOpened && current:
		a.opened, c.problem = true, nil
	case m.Type == upRedirect && current && m.URL != "":
		a.opened = true // in another browser
		select {
		case a.answers <- m.URL:
		default: // one is being looked at
		}
	case m.Type == upCancel && current:
		c.problem = nil
		a.giveUp()
	case m.Type == upSignOut && c.busy == "" && c.allows(upSignOut):
		c.alone(upSignOut, c.signOut)
	case m.Type == upConfigure && c.busy == "" && c.allows(upConfigure):
		client := core.ClientSecrets{ClientID: m.ClientID, ClientSecret: m.ClientSecret, ProjectID: m.ProjectID}
		c.alone(upConfigure, func() { c.configure(client) })
	}
}

// allows tells whether a view may ask for this beside signing in.
func (c *Controller) allows(what string) bool { return slices.Contains(c.caps(), what) }

func (c *Controller) caps() []string {
	caps := []string{}
	if !c.opts.FixedClient {
		caps = append(caps, upConfigure)
	}
	if !c.opts.Once {
		caps = append(caps, upSignOut)
	}
	return caps
}

// alone does f when the sign-in that is under way has ended. The caller has c.mu.
func (c *Controller) alone(what string, f func()) {
	c.busy, c.problem = what, nil
	var ended <-chan struct{}
	if c.attempt != nil {
		c.attempt.giveUp()
		ended = c.attempt.ended
	}
	c.begin(func() {
		if ended != nil {
			<-ended
		}
		f()
	})
}

// signOut asks the App to. A session that the provider could not be told of is
// forgotten all the same.
func (c *Controller) signOut() {
	err := c.app.SignOut(c.ctx)
	c.update(func() {
		c.busy = ""
		if err != nil {
			c.problem = problemOf(err)
		}
		if err == nil || c.problem.Code == "not_revoked" {
			c.status = core.Status{State: core.SignedOut, ClientID: c.status.ClientID}
		}
	})
	c.lookAnew()
}

func (c *Controller) configure(client core.ClientSecrets) {
	err := c.app.Configure(c.ctx, client)
	c.update(func() {
		c.busy = ""
		if err != nil {
			c.problem = clientRefused(err)
			return
		}
		c.known, c.status = true, core.Status{State: core.SignedOut, ClientID: client.ClientID}
	})
	c.lookAnew()
}
