// Package controller is what stands behind the views of a sign-in: the page on this
// machine, a cell of a notebook. It does with a [core.App] what the person wants,
// and tells every view what to show. The views hold nothing: they are remote
// controls.
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
// and never by itself, so that nothing listens on a port while nobody looks. An attempt that was cancelled, has
// expired or failed is over: messages about it are dropped.
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
	anew    chan struct{} // has one when that shall begin anew
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
	e := &Controller{
		app: app, opts: o, look: make(chan struct{}, 1), anew: make(chan struct{}, 1), outcome: make(chan error, 1),
		changed: make(chan struct{}), seq: 1,
	}
	e.ctx, e.stop = context.WithCancel(ctx)
	e.work.Go(e.watch)
	return e
}

// Wait returns nil when the Controller's ctx has ended. With [Options.Once] it returns
// after the sign-in, with its outcome: that of the App, also when ctx ends it. Nothing
// of the Controller goes on then, and the views have a last message.
func (e *Controller) Wait() error {
	var err error
	select {
	case err = <-e.outcome:
		e.finish()
		return err
	case <-e.ctx.Done():
	}
	e.finish()
	if !e.opts.Once {
		return nil
	}
	select {
	case err = <-e.outcome: // more than that ctx has ended
		return err
	default:
		return e.ctx.Err()
	}
}

// finish gives the views their last message and ends what goes on.
func (e *Controller) finish() {
	e.update(func() { e.over = true })
	e.stop()
	e.work.Wait()
}

// update changes the state by f, and lets the views look.
func (e *Controller) update(f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f()
	e.seq++
	close(e.changed)
	e.changed = make(chan struct{})
}

// begin does f in a goroutine, unless the controller has ended. The caller has e.mu.
func (e *Controller) begin(f func()) {
	if !e.over {
		e.work.Go(f)
	}
}

// watch follows the session, whoever changes it. When it cannot, it says so and
// tries again when a person does something.
func (e *Controller) watch() {
	for {
		if err := e.follow(); err != nil && e.ctx.Err() == nil {
			e.update(func() {
				e.known, e.status, e.problem, e.stuck = true, core.Status{State: core.SignedOut}, problemOf(err), true
				if e.opts.Once {
					e.arm()
				}
			})
		}
		select {
		case <-e.ctx.Done():
			return
		case <-e.look:
		}
	}
}

// follow sees what the App sends until that is no more, or shall begin anew.
func (e *Controller) follow() error {
	ctx, cancel := context.WithCancel(e.ctx)
	defer cancel()
	states, err := e.app.Watch(ctx)
	if err != nil {
		return err
	}
	for {
		select {
		case st, ok := <-states:
			if !ok {
				return nil
			}
			e.see(st)
		case <-e.anew:
			cancel()
			for range states { // are older than what is known
			}
			return nil
		}
	}
}

// lookAgain has the App watched again, if it is not.
func (e *Controller) lookAgain() { put(e.look) }

// lookAnew has the App say what there is now. Where the controller has learnt a status
// from a call, the App may have sent none, and sends none when all is as it was
// before.
func (e *Controller) lookAnew() {
	put(e.anew)
	put(e.look)
}

// put puts the one token into c, if it is not there.
func put(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// see takes a status of the App.
func (e *Controller) see(st core.Status) {
	e.update(func() {
		first := !e.known
		e.known, e.status = true, st
		if st.State == core.SignedIn && !first && !e.opts.Once {
			// Somebody signed in elsewhere. What a person has open goes on.
			if e.attempt != nil && !e.attempt.opened {
				e.attempt.giveUp()
			}
		}
		if first && (e.asked || e.opts.Once) {
			e.arm()
		}
	})
}

// Handle does what a view asks for. It does not wait until that is done. Messages
// about an attempt that is over are dropped, as are those that come too late.
func (e *Controller) Handle(m ClientMessage) error {
	if !slices.Contains([]string{upHello, upArm, upOpened, upRedirect, upCancel, upSignOut, upConfigure}, m.Type) {
		return errUnknownType
	}
	if m.Type == upHello || m.Type == upArm {
		e.lookAgain()
	}
	e.update(func() { e.handle(m) })
	return nil
}

// handle is Handle; the caller has e.mu.
func (e *Controller) handle(m ClientMessage) {
	a := e.attempt
	current := a != nil && !a.over && a.id == m.Attempt
	switch {
	case e.over:
	case m.Type == upHello && !e.stuck, m.Type == upArm && (m.Seq == 0 || m.Seq >= e.settled):
		e.arm()
	case m.Type == upOpened && current:
		a.opened, e.problem = true, nil
	case m.Type == upRedirect && current && m.URL != "":
		a.opened = true // in another browser
		select {
		case a.answers <- m.URL:
		default: // one is being looked at
		}
	case m.Type == upCancel && current:
		e.problem = nil
		a.giveUp()
	case m.Type == upSignOut && e.busy == "" && e.allows(upSignOut):
		e.alone(upSignOut, e.signOut)
	case m.Type == upConfigure && e.busy == "":
		client := core.ClientSecrets{ClientID: m.ClientID, ClientSecret: m.ClientSecret, ProjectID: m.ProjectID}
		e.alone(upConfigure, func() { e.configure(client) })
	}
}

// allows tells whether a view may ask for this beside signing in.
func (e *Controller) allows(what string) bool { return slices.Contains(e.caps(), what) }

func (e *Controller) caps() []string {
	if e.opts.Once {
		return []string{upConfigure}
	}
	return []string{upConfigure, upSignOut}
}

// alone does f when the sign-in that is under way has ended. The caller has e.mu.
func (e *Controller) alone(what string, f func()) {
	e.busy, e.problem = what, nil
	var ended <-chan struct{}
	if e.attempt != nil {
		e.attempt.giveUp()
		ended = e.attempt.ended
	}
	e.begin(func() {
		if ended != nil {
			<-ended
		}
		f()
	})
}

// signOut asks the App to. A session that the provider could not be told of is
// forgotten all the same.
func (e *Controller) signOut() {
	err := e.app.SignOut(e.ctx)
	e.update(func() {
		e.busy = ""
		if err != nil {
			e.problem = problemOf(err)
		}
		if err == nil || e.problem.Code == "not_revoked" {
			e.status = core.Status{State: core.SignedOut, ClientID: e.status.ClientID}
		}
	})
	e.lookAnew()
}

func (e *Controller) configure(c core.ClientSecrets) {
	err := e.app.Configure(e.ctx, c)
	e.update(func() {
		e.busy = ""
		if err != nil {
			e.problem = clientRefused(err)
			return
		}
		e.known, e.status = true, core.Status{State: core.SignedOut, ClientID: c.ClientID}
	})
	e.lookAnew()
}
