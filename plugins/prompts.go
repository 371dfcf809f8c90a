package plugins

import (
	"context"
	"fmt"
	"sync"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
	"github.com/tokentoss/tokentoss/plugins/internal/wire"
)

// prompts are the questions that an open store has for the person.
type prompts struct {
	send func(*pb.OpenResponse) error
	done chan struct{} // closed when the host says no more

	mu      sync.Mutex // of send, too, which must not be called twice at once
	over    bool       // the stream has ended
	last    uint64
	waiting map[uint64]chan *pb.Answer
}

func (c *prompts) say(m *pb.OpenResponse) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return core.ErrClosed
	}
	return c.send(m)
}

// end is called when the stream is about to end, after which nothing may be sent.
func (c *prompts) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
}

// receive gives the answers to those who asked, until the host half-closes the
// stream or is gone.
func (c *prompts) receive(recv func() (*pb.OpenRequest, error)) {
	defer close(c.done)
	for {
		m, err := recv()
		if err != nil {
			return
		}
		answer := m.GetAnswer()
		c.mu.Lock()
		waiting := c.waiting[answer.GetId()]
		delete(c.waiting, answer.GetId())
		c.mu.Unlock()
		if waiting != nil {
			waiting <- answer // has room for it
		}
	}
}

// ask is [Request.Ask] of a store in a process of its own.
func (c *prompts) ask(ctx context.Context, question string) (core.Secret, error) {
	answered := make(chan *pb.Answer, 1)
	c.mu.Lock()
	c.last++
	id := c.last
	c.waiting[id] = answered
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, id)
	}()
	err := c.say(&pb.OpenResponse{Message: &pb.OpenResponse_Question{Question: &pb.Question{Id: id, Text: question}}})
	if err != nil {
		return "", fmt.Errorf("%w: nobody can be asked: %w", core.ErrSealed, err)
	}
	select {
	case <-ctx.Done():
		return "", fmt.Errorf("%w: no answer: %w", core.ErrSealed, ctx.Err())
	case <-c.done:
		return "", fmt.Errorf("%w: nobody is there any more", core.ErrSealed)
	case a := <-answered:
		return core.Secret(a.GetText()), wire.ToError(a.GetError())
	}
}
