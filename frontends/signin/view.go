package signin

import (
	"context"
	"io"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// A View is one view's side of a Controller: it remembers what the view has. It is
// for one goroutine, holds nothing that grows, and needs no end.
type View struct {
	c     *Controller
	seq   uint64
	armed *Armed
	done  bool
}

// Subscribe returns a View that has nothing yet.
func (c *Controller) Subscribe() *View { return &View{c: c} }

// Next waits until there is something new and returns it, the snapshot before the
// address. A slow view misses states in between, never the last. After the last
// snapshot of a Controller, whose phase is [Detached], it returns [io.EOF].
func (v *View) Next(ctx context.Context) ([]Message, error) {
	for {
		if v.done {
			return nil, io.EOF
		}
		list, changed := v.look()
		if len(list) > 0 {
			return list, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}

// look returns what is new, and what is closed when there is more.
func (v *View) look() ([]Message, <-chan struct{}) {
	c := v.c
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []Message
	if v.seq != c.seq {
		v.seq = c.seq
		list = append(list, c.snapshot())
	}
	if a := c.attempt; a != nil && a.armed != nil && a.armed != v.armed && !a.over && !c.over {
		v.armed = a.armed
		list = append(list, *a.armed)
	}
	v.done = c.over
	return list, c.changed
}

// snapshot describes the state; the caller has c.mu.
func (c *Controller) snapshot() Snapshot {
	s := Snapshot{
		V: Version, Type: "snapshot", Seq: c.seq, Phase: c.phase(), Account: c.status.Account(), Reason: c.status.Reason,
		Busy: c.busy, Error: c.problem, Stuck: c.stuck, RemoteHint: c.opts.RemoteHint, Caps: c.caps(),
	}
	if c.attempt != nil {
		s.Attempt = c.attempt.id
	}
	if c.status.State == core.SignedIn && !c.status.SessionEnds.IsZero() {
		s.Ends = c.status.SessionEnds.UTC().Format(time.RFC3339)
	}
	if s.Phase == Detached && c.status.State != core.SignedIn {
		s.Account = "" // nobody is signed in
	}
	return s
}

func (c *Controller) phase() Phase {
	a := c.attempt
	switch {
	case c.over:
		return Detached
	case !c.known:
		return Starting
	case c.status.State == core.SignedIn && !c.opts.Once:
		return SignedIn
	case a != nil && !a.over && a.exchanging:
		return Exchanging
	case a != nil && !a.over && a.opened:
		return Waiting
	case c.status.State == core.NotConfigured:
		return Unconfigured
	case c.status.State == core.NeedsSignIn:
		return NeedsSignIn
	}
	return SignedOut
}
