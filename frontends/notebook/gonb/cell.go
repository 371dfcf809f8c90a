package gonb

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/notebook/engine"
)

// patience is how long the browser has to show the widget. GoNB itself gives up after
// three seconds.
const patience = 4 * time.Second

// What the notebook's file keeps of a cell.
const (
	textBefore     = "tokentoss: run this cell to sign in."
	textLink       = "tokentoss: a link to sign in with should be here. If there is none, run tokentoss login in a terminal."
	textSignedIn   = "tokentoss: signed in."
	textNot        = "tokentoss: not signed in. Run this cell to sign in."
	textConfigured = "tokentoss: the OAuth client is saved."
	textUnchanged  = "tokentoss: the OAuth client was not changed."
)

// A cell is what a sign-in has of the notebook whose cell this program is.
type cell struct {
	unattended error         // why there is nobody to ask, if so
	widget     bool          // GoNB's channel may reach the browser
	remote     bool          // the browser is likely not to reach this machine
	patience   time.Duration // with the widget
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
	err = c.serve(ctx, app, engine.Options{Once: true, RemoteHint: c.remote})
	if errors.Is(err, ErrNoPerson) || errors.Is(err, errKernelGone) {
		return err
	}
	if err != nil {
		c.show(textNot)
		return err
	}
	c.show(textSignedIn)
	return nil
}

// configure returns when an OAuth client is saved.
func (c *cell) configure(ctx context.Context, app core.App) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	err := c.serve(ctx, &configuring{App: app, saved: func() { end(errSaved) }}, engine.Options{RemoteHint: c.remote})
	switch {
	case errors.Is(err, ErrNoPerson) || errors.Is(err, errKernelGone):
		return err
	case errors.Is(err, errSaved):
		c.show(textConfigured)
		return nil
	}
	c.show(textUnchanged)
	return err
}

// serve shows the views of app until the engine ends.
func (c *cell) serve(ctx context.Context, app core.App, o engine.Options) error {
	if c.unattended != nil {
		return c.unattended
	}
	notified, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	running, end := context.WithCancelCause(notified)
	var work sync.WaitGroup
	work.Go(func() {
		if c.kernelEnds(running) {
			end(errKernelGone)
		}
	})
	c.show(textBefore)
	e := engine.Start(running, app, o)
	work.Go(func() { c.views(running, e) })
	err := e.Wait()
	why := context.Cause(running)
	if why != nil && ctx.Err() == nil && !errors.Is(why, errKernelGone) {
		why = errInterrupted
	}
	end(nil)
	work.Wait()
	return ended(err, why)
}

// ended says of an engine's err why it ended, if not by itself.
func ended(err, why error) error {
	switch {
	case why == nil || err != nil && !errors.Is(err, context.Canceled):
		return err
	case err == nil:
		return why
	}
	return early(why, err)
}

// views shows the widget where it works. Where the browser does not answer, there is a
// link and a prompt; the widget may still come later.
func (c *cell) views(ctx context.Context, e *engine.Engine) {
	var views sync.WaitGroup
	defer views.Wait()
	heard := make(chan struct{})
	wait := time.Duration(0)
	if c.widget {
		wait = c.patience
		views.Go(func() { c.showWidget(ctx, e, heard) })
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case <-heard:
	case <-ctx.Done():
	case <-late.C:
		c.fallBack(ctx, e)
	}
}

// showWidget carries the messages of the widget. It closes heard with the first.
func (c *cell) showWidget(ctx context.Context, e *engine.Engine, heard chan<- struct{}) {
	first := make(chan struct{})
	var once sync.Once
	c.listen(func(message string) {
		once.Do(func() { close(first) })
		m, err := engine.ParseUp([]byte(message))
		if err == nil {
			err = e.Handle(m)
		}
		if err != nil {
			c.tell(engine.NewFatal(err))
		}
	})
	c.run(widgetScript(c.id, c.address))
	select {
	case <-first:
	case <-ctx.Done():
		return
	}
	close(heard)
	for v := e.Subscribe(); ; {
		list, err := v.Next(context.WithoutCancel(ctx)) // ends with the engine
		if errors.Is(err, io.EOF) {
			return
		}
		for _, m := range list {
			c.tell(m)
		}
	}
}

func (c *cell) tell(m engine.Message) {
	data, err := json.Marshal(m)
	if err != nil {
		panic(err) // messages can be encoded
	}
	c.send(string(data))
}
