package tunnel

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// run carries the connection over one link after another until it is over. It is the
// goroutine that owns the connection.
func (c *Conn) run(l *link) {
	defer close(c.over)
	defer c.cancel()
	for {
		err := c.carry(l)
		if err == nil || c.ctx.Err() != nil || !resumable(c.target.linkError(err)) || c.target.dialer.ReconnectTimeout < 0 {
			c.end(err)
			return
		}
		if l, err = c.resume(); err != nil {
			c.end(err)
			return
		}
	}
}

// end publishes why there is nothing more. A link that broke is not the end of what
// the other side sends, even where its error is io.EOF.
func (c *Conn) end(err error) {
	if err != nil {
		err = c.target.linkError(err)
	}
	if ce := (*CloseError)(nil); err == nil || errors.As(err, &ce) && ce.isEnd() {
		err = io.EOF
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = err
	c.notify()
}

// carry moves frames over l until it breaks, or, with no error, until Close was called
// and all is sent.
func (c *Conn) carry(l *link) error {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	var reading sync.WaitGroup
	var readErr error
	reading.Go(func() {
		readErr = c.receive(ctx, l)
		cancel()
		c.mu.Lock()
		c.notify()
		c.mu.Unlock()
	})
	err := c.send(ctx, l)
	if err == nil {
		_ = l.ws.Close(websocket.StatusNormalClosure, "") // the answer to it is read meanwhile
	}
	cancel()
	reading.Wait()
	_ = l.ws.CloseNow()
	if err == nil {
		return nil
	}
	// What ended the reading is why the writing failed, unless it is the other way round.
	if readErr != nil && !errors.Is(readErr, context.Canceled) {
		return readErr
	}
	return err
}

// receive takes frames from l.
func (c *Conn) receive(ctx context.Context, l *link) error {
	for {
		f, err := l.read(ctx)
		if err != nil {
			return err
		}
		switch f.tag {
		case tagData:
			err = c.take(ctx, f.data)
		case tagAck:
			err = c.confirm(f.ack)
		case tagConnected, tagReconnected:
			err = protocolError("frame %d a second time", f.tag)
		}
		if err != nil {
			return err
		}
	}
}

// take keeps what was received, and waits for room. The sender is slowed down by that
// nobody acknowledges.
func (c *Conn) take(ctx context.Context, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(data) > 0 {
		if c.closing {
			return nil // nobody will read it
		}
		if n := c.in.write(data, maxUnread); n > 0 {
			data = data[n:]
			c.received += uint64(n)
			c.notify()
			continue
		}
		if err := c.waitContext(ctx); err != nil {
			return err
		}
	}
	return nil
}

// confirm forgets what the relay has received.
func (c *Conn) confirm(n uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n < c.confirmed {
		return protocolError("an acknowledgement that goes back, from %d to %d", c.confirmed, n)
	}
	if n > c.sent {
		return protocolError("an acknowledgement of %d bytes where %d were sent", n, c.sent)
	}
	c.out.drop(int(n - c.confirmed))
	c.confirmed = n
	c.next = max(c.next, n)
	c.notify()
	return nil
}

// waitContext waits for a change or for ctx's end. The caller has the lock.
func (c *Conn) waitContext(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.changed == nil {
		c.changed = make(chan struct{})
	}
	changed := c.changed
	c.mu.Unlock()
	defer c.mu.Lock()
	select {
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send sends what there is to send on l, until it breaks or Close was called and
// nothing is left.
func (c *Conn) send(ctx context.Context, l *link) error {
	buf := make([]byte, maxFrame)
	idle := time.AfterFunc(ackIdle, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.notify()
	})
	defer idle.Stop()
	ackDue := time.Now().Add(ackIdle)
	for {
		frame, err := c.nextFrame(ctx, buf, ackDue)
		if err != nil || frame == nil {
			return err
		}
		if err := l.write(ctx, frame); err != nil {
			return err
		}
		ackDue = time.Now().Add(ackIdle)
		idle.Reset(ackIdle)
	}
}

// nextFrame waits for something to send and puts it into buf. It returns nil when
// there is nothing left to send, for good.
func (c *Conn) nextFrame(ctx context.Context, buf []byte, ackDue time.Time) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		unacked := c.received - c.acked
		if unacked > ackAfter || unacked > 0 && !time.Now().Before(ackDue) {
			c.acked = c.received
			return putAck(buf, c.received), nil
		}
		if n := c.out.peek(buf[dataHeader:], int(c.next-c.confirmed)); n > 0 {
			c.next += uint64(n)
			c.sent = max(c.sent, c.next)
			return putData(buf, n), nil
		}
		if c.closing {
			return nil, nil
		}
		if err := c.waitContext(ctx); err != nil {
			return nil, err
		}
	}
}

// resume opens the link that goes on where the last one broke, for as long as the
// dialer says.
func (c *Conn) resume() (*link, error) {
	limit := c.target.dialer.ReconnectTimeout
	if limit == 0 {
		limit = 15 * time.Minute
	}
	ctx, cancel := context.WithTimeout(c.ctx, limit)
	defer cancel()
	pause := firstPause
	for {
		l, err := c.reopen(ctx)
		if err == nil {
			return l, nil
		}
		if c.ctx.Err() != nil || !resumable(err) {
			return nil, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, err
		}
		pause = min(pause*pauseFactor, longPause)
	}
}

// reopen makes one attempt to resume.
func (c *Conn) reopen(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	c.mu.Lock()
	received := c.received
	c.mu.Unlock()
	l, err := c.target.open(ctx, c.target.reconnect(c.session, received))
	if err != nil {
		return nil, err
	}
	f, err := l.first(ctx, tagReconnected)
	if err == nil {
		err = c.confirm(f.ack)
	}
	if err != nil {
		_ = l.ws.CloseNow()
		return nil, c.target.linkError(err)
	}
	c.mu.Lock()
	c.next, c.acked = c.confirmed, received
	c.mu.Unlock()
	return l, nil
}
