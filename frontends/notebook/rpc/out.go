package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// maxQueue is how many messages to the client may wait to be written. Who has
	// another waits: a client that does not read costs no memory.
	maxQueue = 16

	// grace is how long the client may take for a message at the end.
	grace = 2 * time.Second
)

// An out writes messages to the client, one a line.
type out struct {
	w     io.Writer
	ctx   context.Context // when it ends, there will not be much more
	fail  func(error)     // is told why nothing can be written
	lines chan []byte

	written chan struct{} // closed when all is written, or nothing can be
	err     error         // after written
	dead    chan struct{} // closed when the client is not waited for any more
	once    sync.Once     // of dead
}

func newOut(ctx context.Context, w io.Writer, fail func(error)) *out {
	o := &out{
		w: w, ctx: ctx, fail: fail, lines: make(chan []byte, maxQueue),
		dead: make(chan struct{}), written: make(chan struct{}),
	}
	go o.run()
	return o
}

// run writes until there is no more, or writing fails.
func (o *out) run() {
	defer close(o.written)
	for data := range o.lines {
		if _, err := o.w.Write(data); err != nil {
			o.err = fmt.Errorf("the answers cannot be written: %w", err)
			o.fail(o.err)
			return
		}
	}
}

// send sends a message. It waits while the client does not read, but at the end not
// for long.
func (o *out) send(m any) {
	data, err := json.Marshal(m)
	if err != nil {
		o.fail(fmt.Errorf("an answer cannot be encoded: %w", err))
		return
	}
	data = append(data, '\n')
	select {
	case o.lines <- data:
		return
	case <-o.written:
		return
	case <-o.ctx.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case o.lines <- data:
	case <-o.written:
	case <-o.dead:
	case <-timer.C:
		o.abandon()
	}
}

// abandon gives up.
func (o *out) abandon() { o.once.Do(func() { close(o.dead) }) }

// close writes what is left. Nothing may be sent any more.
func (o *out) close() error {
	close(o.lines)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-o.written:
		return o.err
	case <-o.dead:
	case <-timer.C:
	}
	return errors.New("the client does not read its answers")
}
