package core_test

import (
	"context"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// next waits for a state.
func next(t *testing.T, states <-chan core.Status) core.Status {
	t.Helper()
	select {
	case st, ok := <-states:
		if !ok {
			t.Fatal("the channel was closed")
		}
		return st
	case <-time.After(20 * time.Second):
		t.Fatal("no state came")
	}
	return core.Status{}
}

// Watch sends the state now and after each change of this process, and closes
// the channel when its context ends.
func TestWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session()
	ctx, cancel := context.WithCancel(w.ctx)
	states, err := s.Watch(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if st := next(t, states); st.State != core.SignedOut {
		t.Errorf("first %+v", st)
	}
	w.signIn(s)
	if st := next(t, states); st.State != core.SignedIn || st.Email != ada {
		t.Errorf("after the sign-in %+v", st)
	}
	w.emu.RevokeAll()
	w.clock.advance(late)
	_, err = s.IDToken(w.ctx)
	wantCause(t, err, core.CauseRevoked)
	if st := next(t, states); st.State != core.NeedsSignIn || st.Reason == "" {
		t.Errorf("after the revocation %+v", st)
	}
	if err := s.Forget(w.ctx); err != nil {
		t.Fatal(err)
	}
	if st := next(t, states); st.State != core.SignedOut {
		t.Errorf("after the sign-out %+v", st)
	}
	cancel()
	eventually(t, "the channel is closed", func() bool {
		select {
		case _, ok := <-states:
			return !ok
		default:
			return false
		}
	})
}

// What another process does is seen too.
func TestWatchOtherProcesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, other := w.session(), w.session()
	states, err := s.Watch(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	next(t, states)
	w.signIn(other)
	if st := next(t, states); st.State != core.SignedIn {
		t.Errorf("after the sign-in %+v", st)
	}
	if err := other.SignOut(w.ctx); err != nil {
		t.Fatal(err)
	}
	if st := next(t, states); st.State != core.SignedOut {
		t.Errorf("after the sign-out %+v", st)
	}
}

// A receiver that has not taken a state yet gets the one of now in its place.
func TestWatchReplacesWhatWasNotReceived(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session()
	states, err := s.Watch(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	w.signIn(s)
	w.store.resetCalls()
	eventually(t, "the state is looked at twice more", func() bool { return w.store.count("Load") >= 2 })
	if st := next(t, states); st.State != core.SignedIn {
		t.Errorf("state %+v", st)
	}
}

// A receiver that is slow misses states, never the last; several can watch; and
// Close ends them.
func TestWatchSlowly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session()
	var all []<-chan core.Status
	for range 3 {
		states, err := s.Watch(w.ctx)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, states)
	}
	for range 5 {
		w.signIn(s)
		if err := s.Forget(w.ctx); err != nil {
			t.Fatal(err)
		}
	}
	last := w.signIn(s)
	for _, states := range all {
		eventually(t, "the last state comes", func() bool {
			select {
			case st := <-states:
				return st.State == core.SignedIn && st.SignedInAt.Equal(last.SignedInAt)
			default:
				return false
			}
		})
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, states := range all {
		for range states { // ends when the channel is closed
		}
	}
}
