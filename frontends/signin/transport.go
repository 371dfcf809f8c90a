package signin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"sync/atomic"
)

// A Carrier takes messages of tokentoss.widget/1 between views and a Controller, each
// as one JSON object without line breaks. What goes down goes to all views.
// Receive and Send are called by one goroutine each.
type Carrier interface {
	// Receive returns the next message of a view, and [io.EOF] when there are no
	// views any more.
	Receive(ctx context.Context) ([]byte, error)

	// Send sends a message to the views. It may wait: states that could not be sent
	// meanwhile are left out.
	Send(ctx context.Context, message []byte) error
}

// Carry exchanges messages with the views behind a carrier until the controller has
// ended, and they have its last message. The controller ends when the carrier fails or
// has no views any more, which is not an error. Carry also returns when ctx ends: give
// it one that outlives the controller's a little. A message that cannot be used is
// answered by a [Fatal].
//
// With a hello, which a view says when it is new and has nothing, all views get
// everything anew.
func (c *Controller) Carry(ctx context.Context, carrier Carrier) error {
	ctx, cancel := context.WithCancel(ctx)
	r := &receiver{controller: c, carrier: carrier, refused: make(chan error, 1)}
	var receiving sync.WaitGroup
	var received error
	receiving.Go(func() {
		received = r.run(ctx)
		c.stop()
	})
	err := r.send(ctx)
	c.stop()
	over := ctx.Err() != nil || errors.Is(err, io.EOF)
	cancel()
	receiving.Wait()
	switch {
	case !over:
		return err
	case errors.Is(received, io.EOF), errors.Is(received, context.Canceled):
		return nil
	}
	return received
}

// A receiver takes the messages of one carrier.
type receiver struct {
	controller *Controller
	carrier    Carrier
	fresh      atomic.Bool // a view has nothing yet
	refused    chan error  // a message that could not be used
}

// run receives until there is no more.
func (r *receiver) run(ctx context.Context) error {
	for {
		data, err := r.carrier.Receive(ctx)
		if err != nil {
			return err
		}
		m, err := ParseClientMessage(data)
		if err == nil {
			if m.Type == upHello {
				r.fresh.Store(true) // before Handle, which wakes send
			}
			err = r.controller.Handle(m)
		}
		if err != nil {
			select {
			case r.refused <- err:
			default: // one is enough
			}
			r.controller.update(func() {}) // wakes send
		}
	}
}

// send sends what is new until the controller has ended.
func (r *receiver) send(ctx context.Context) error {
	view := r.controller.Subscribe()
	for {
		list, err := view.Next(ctx)
		if err != nil {
			return err
		}
		if r.fresh.Swap(false) {
			view = r.controller.Subscribe()
			continue
		}
		for _, m := range list {
			if err := r.message(ctx, m); err != nil {
				return err
			}
		}
		select {
		case refused := <-r.refused:
			if err := r.message(ctx, NewFatal(refused)); err != nil {
				return err
			}
		default:
		}
	}
}

func (r *receiver) message(ctx context.Context, m Message) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return r.carrier.Send(ctx, data)
}
