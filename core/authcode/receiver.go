package authcode

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"
)

// A Receiver takes the provider's redirect somewhere else than on this machine, such as
// at a hub of notebooks whose address browsers reach.
type Receiver interface {
	// RedirectURI is where the provider sends the browser.
	RedirectURI() string

	// Expect announces a sign-in, before anybody is sent to the provider.
	Expect(ctx context.Context, state string) error

	// Response waits for the parameters of the redirect whose state this is. An error
	// ends the sign-in.
	Response(ctx context.Context, state string) (url.Values, error)
}

// A door is where the authorization response of an attempt comes in.
type door interface {
	// paste takes what a person pasted.
	paste(text string) error

	// drain waits until the outcome was shown, at most d.
	drain(d time.Duration)

	// close ends all that the door does.
	close()
}

// open opens the door for a, and has a know its redirect URI.
func (f *flow) open(ctx context.Context, a *attempt) (door, error) {
	if r := f.options.Receiver; r != nil {
		return receive(ctx, r, a)
	}
	l, err := listen(f.client, f.options.Port)
	if err != nil {
		return nil, err
	}
	a.redirectURI = l.redirectURI
	return serve(l, a), nil
}

// A receiving is a door at a Receiver.
type receiving struct {
	cancel context.CancelFunc
	work   sync.WaitGroup
}

func receive(ctx context.Context, r Receiver, a *attempt) (door, error) {
	a.redirectURI = r.RedirectURI()
	if err := r.Expect(ctx, a.state); err != nil {
		return nil, err
	}
	d := &receiving{}
	ctx, d.cancel = context.WithCancel(ctx)
	d.work.Go(func() {
		q, err := r.Response(ctx, a.state)
		if err == nil {
			err = a.accept(q, false)
		}
		if err != nil && ctx.Err() == nil {
			a.failed <- err
		}
	})
	return d, nil
}

var errReceived = errors.New("there is nothing to paste here: the browser comes back by itself")

func (*receiving) paste(string) error { return errReceived }

func (*receiving) drain(time.Duration) {}

func (d *receiving) close() {
	d.cancel()
	d.work.Wait()
}
