package gonb

import (
	"context"
	"sync/atomic"
	"time"
)

// The channel is kept alive by a ping, which is not a message of the widget, and which
// the browser answers. Without pings the browser knows that the cell has ended, however
// it did. Without answers there are no more pings: GoNB would look for the browser each
// time, and leave a script in the notebook.
const (
	ping      = "ping"
	pong      = "pong"
	pingEvery = 3 * time.Second
	lostAfter = 4 * pingEvery
)

// A channel is GoNB's way to the browser and back, as an [signin.Carrier].
type channel struct {
	down     func(message string)
	up       chan string
	first    chan struct{} // closed when the browser answers
	over     chan struct{} // closed when nobody receives any more
	answered atomic.Bool   // since the last ping
	begun    atomic.Bool
}

func newChannel(send func(string)) *channel {
	return &channel{down: send, up: make(chan string), first: make(chan struct{}), over: make(chan struct{})}
}

// take takes what comes from the browser, until the channel is over.
func (ch *channel) take(message string) {
	ch.answered.Store(true)
	if ch.begun.CompareAndSwap(false, true) {
		close(ch.first)
	}
	if message == pong {
		return
	}
	select {
	case ch.up <- message:
	case <-ch.over:
	}
}

// Receive implements [signin.Carrier].
func (ch *channel) Receive(ctx context.Context) ([]byte, error) {
	select {
	case m := <-ch.up:
		return []byte(m), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Send implements [signin.Carrier].
func (ch *channel) Send(_ context.Context, message []byte) error {
	ch.down(string(message))
	return nil
}

// keepAlive pings until the channel is over, or nobody answers.
func (ch *channel) keepAlive(every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ch.over:
			return
		case <-tick.C:
		}
		if !ch.answered.Swap(false) {
			return
		}
		ch.down(ping)
	}
}
