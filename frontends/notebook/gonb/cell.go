package gonb

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/signin"
)

const (
	// patience is how long the browser has to show the widget. GoNB itself gives up
	// after three seconds.
	patience = 4 * time.Second

	// closing is how long the browser has to close a prompt.
	closing = time.Second
)

// What the notebook's file keeps of a cell.
const (
	textBefore     = "tokentoss: run this cell to sign in. If nothing else comes here while it runs, run tokentoss login in a terminal."
	textSignedIn   = "tokentoss: signed in."
	textNot        = "tokentoss: not signed in. Run this cell to sign in."
	textConfigured = "tokentoss: the OAuth client is saved."
	textUnchanged  = "tokentoss: the OAuth client was not changed."
)

// A cell is what a sign-in has of the notebook whose cell this program is.
type cell struct {
	unattended string        // why there is nobody to ask, if so
	widget     bool          // GoNB's channel may reach the browser
	remote     bool          // the browser is likely not to reach this machine
	patience   time.Duration // with the widget
	closing    time.Duration // how long a prompt may stay that is not wanted any more
	id         string        // of the element that show makes
	address    string        // of the widget's messages in GoNB's channel

	// show sets what the cell's output says, which is saved with the notebook.
	show func(text string)

	// run has the browser run a script. The notebook has it for the moment that it takes
	// to run.
	run func(script string)

	// listen passes on what comes by GoNB's channel, by any number of goroutines.
	listen func(f func(message string))
	send   func(message string)

	// ask asks the person for a line, which is not shown while it is typed.
	ask func(ctx context.Context, prompt string) (string, error)

	// kernelEnds waits until the kernel has ended, or returns false when ctx has.
	kernelEnds func(ctx context.Context) bool
}

// signIn returns when somebody is signed in.
func (c *cell) signIn(ctx context.Context, app core.App) error {
	st, err := app.Status(ctx)
	if err != nil {
		return err
	}
	if st.State == core.SignedIn {
		c.show(textSignedIn)
		return nil
	}
	if c.unattended != "" && st.State == core.NotConfigured {
		return noClient(c.unattended)
	}
	if c.unattended != "" {
		return noSignIn(c.unattended)
	}
	err = c.serve(ctx, app, signin.Options{Once: true, RemoteHint: c.remote})
	switch {
	case errors.Is(err, errKernelGone): // nothing can be shown
	case err == nil, errors.Is(err, core.ErrNotSaved):
		c.show(textSignedIn)
	default:
		c.show(textNot)
	}
	return err
}

// configure returns when an OAuth client is saved.
func (c *cell) configure(ctx context.Context, app core.App) error {
	if c.unattended != "" {
		return noClient(c.unattended)
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	err := c.serve(ctx, &configuring{App: app, saved: func() { end(errSaved) }}, signin.Options{RemoteHint: c.remote})
	switch {
	case errors.Is(err, errKernelGone): // nothing can be shown
	case errors.Is(err, errSaved):
		c.show(textConfigured)
		return nil
	default:
		c.show(textUnchanged)
	}
	return err
}

// serve shows the views of app until the controller ends.
func (c *cell) serve(ctx context.Context, app core.App, o signin.Options) error {
	running, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	running, end := context.WithCancelCause(running)
	var work sync.WaitGroup
	work.Go(func() {
		if c.kernelEnds(running) {
			end(errKernelGone)
		}
	})
	c.show(textBefore)
	e := signin.Start(running, app, o)
	work.Go(func() { c.views(running, e) })
	err := e.Wait()
	why := context.Cause(running) // nil where the sign-in ended by itself
	if why != nil && ctx.Err() == nil && !errors.Is(why, errKernelGone) {
		why = errInterrupted
	}
	end(nil)
	work.Wait()
	if why == nil || o.Once && err == nil || err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return because(why, err)
}

// views shows the widget where it works. Where the browser does not answer, there is a
// link and a prompt; the widget may still come later.
func (c *cell) views(ctx context.Context, e *signin.Controller) {
	if !c.widget {
		c.fallBack(ctx, e)
		return
	}
	ch := newChannel(c.send)
	var work sync.WaitGroup
	defer work.Wait()
	work.Go(func() { c.showWidget(ctx, e, ch) })
	late := time.NewTimer(c.patience)
	defer late.Stop()
	select {
	case <-ch.first:
	case <-ctx.Done():
	case <-late.C:
		c.fallBack(ctx, e)
	}
}

// showWidget shows the widget and carries its messages until the controller ends.
func (c *cell) showWidget(ctx context.Context, e *signin.Controller, ch *channel) {
	var work sync.WaitGroup
	defer work.Wait()
	defer close(ch.over)
	c.listen(ch.take)
	c.run(widgetScript(c.id, c.address))
	select {
	case <-ch.first:
	case <-ctx.Done():
		return
	}
	work.Go(func() { ch.keepAlive(pingEvery) })
	_ = e.Carry(context.WithoutCancel(ctx), ch) // until the widget has the last message
}
