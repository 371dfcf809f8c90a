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
	e     *Controller
	seq   uint64
	armed *Armed
	done  bool
}

// Subscribe returns a View that has nothing yet.
func (e *Controller) Subscribe() *View { return &View{e: e} }

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
	e := v.e
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []Message
	if v.seq != e.seq {
		v.seq = e.seq
		list = append(list, e.snapshot())
	}
	if a := e.attempt; a != nil && a.armed != nil && a.armed != v.armed && !a.over && !e.over {
		v.armed = a.armed
		list = append(list, *a.armed)
	}
	v.done = e.over
	return list, e.changed
}

// snapshot describes the state; the caller has e.mu.
func (e *Controller) snapshot() Snapshot {
	s := Snapshot{
		V: Version, Type: "snapshot", Seq: e.seq, Phase: e.phase(), Account: e.status.Account(), Reason: e.status.Reason,
		Busy: e.busy, Error: e.problem, Stuck: e.stuck, RemoteHint: e.opts.RemoteHint, Caps: e.caps(),
	}
	if e.attempt != nil {
		s.Attempt = e.attempt.id
	}
	if e.status.State == core.SignedIn && !e.status.SessionEnds.IsZero() {
		s.Ends = e.status.SessionEnds.UTC().Format(time.RFC3339)
	}
	if s.Phase == Detached && e.status.State != core.SignedIn {
		s.Account = "" // nobody is signed in
	}
	return s
}

func (e *Controller) phase() Phase {
	a := e.attempt
	switch {
	case e.over:
		return Detached
	case !e.known:
		return Starting
	case e.status.State == core.SignedIn && !e.opts.Once:
		return SignedIn
	case a != nil && !a.over && a.exchanging:
		return Exchanging
	case a != nil && !a.over && a.opened:
		return Waiting
	case e.status.State == core.NotConfigured:
		return Unconfigured
	case e.status.State == core.NeedsSignIn:
		return NeedsSignIn
	}
	return SignedOut
}
