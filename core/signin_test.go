package core_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// A sign-in that fails leaves the session as it was.
func TestFailedSignInKeepsTheOldSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var outcome error
	s := w.session(func(o *core.SessionOptions) {
		o.Flow = func(c *oidc.Client) core.Flow {
			if outcome != nil {
				return flowFunc(func(context.Context) (*core.Token, error) { return nil, outcome })
			}
			return flow{w: w, client: c, email: ada}
		}
	})
	w.signIn(s)
	before, doc := w.token(s), string(w.store.raw(core.DefaultKey))
	for _, outcome = range []error{core.ErrDenied, core.ErrSignInTimeout, context.Canceled} {
		if _, err := s.SignIn(w.ctx, nobody); !errors.Is(err, outcome) {
			t.Errorf("error %v, want %v", err, outcome)
		}
		if w.token(s) != before || string(w.store.raw(core.DefaultKey)) != doc {
			t.Error("the session changed")
		}
	}
}

// A new sign-in, as somebody else too, takes the place of the old session, in
// other processes as soon as they look at the store.
func TestSignInAsSomebodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	first := w.token(s)
	w.clock.advance(time.Minute)
	began := w.clock.Now()
	other := w.session(func(o *core.SessionOptions) { o.Flow = w.flow(grace) })
	w.token(other)
	st := w.signIn(other)
	if tok := w.token(other); tok.Email != grace || tok.Generation != first.Generation+1 || !st.SignedInAt.Equal(began) {
		t.Errorf("%v, generation %d, status %+v", tok, tok.Generation, st)
	}
	if st, err := s.Status(w.ctx); err != nil || st.Email != grace {
		t.Errorf("the first process: %+v, %v", st, err)
	}
	if tok := w.token(s); tok.Email != grace {
		t.Errorf("the first process gives %v", tok)
	}
}

// A confirmer decides whether the account that signed in is the right one.
type confirmer struct {
	core.Prompter
	told core.Status
	err  error
}

func (c *confirmer) Confirm(_ context.Context, st core.Status) error {
	c.told = st
	return c.err
}

// Who signed in is told before that is kept, and a no leaves the session as it was.
func TestSignInIsConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signedIn()
	other := w.session(func(o *core.SessionOptions) { o.Flow = w.flow(grace) })
	before, doc := w.token(other), string(w.store.raw(core.DefaultKey))
	no := &confirmer{Prompter: nobody, err: errors.New("that is somebody else")}
	if _, err := other.SignIn(w.ctx, no); !errors.Is(err, no.err) || no.told.Email != grace || no.told.State != core.SignedIn {
		t.Errorf("error %v, told %+v", err, no.told)
	}
	if w.token(other) != before || string(w.store.raw(core.DefaultKey)) != doc {
		t.Error("the session changed")
	}
	if st, err := other.SignIn(w.ctx, &confirmer{Prompter: nobody}); err != nil || st.Email != grace {
		t.Errorf("after a yes: %+v, %v", st, err)
	}
}

// A sign-in takes no lock, and wins over a refresh of the session before, that
// ends after it.
func TestSignInDuringARefresh(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	flow := w.flow(ada)
	s := w.session(func(o *core.SessionOptions) { o.Flow = func(c *oidc.Client) core.Flow { return flow(c) } })
	w.signIn(s)
	w.clock.advance(soon)
	stored, release := make(chan struct{}), make(chan struct{})
	w.store.after("Save", func() { // the refresh is saved, and not yet published
		close(stored)
		<-release
	})
	w.token(s)
	<-stored
	w.store.after("Save", nil)
	flow = w.flow(grace)
	w.signIn(s)
	close(release)
	eventually(t, "the refresh ends", func() bool { return w.log.count("refreshed the ID token") == 1 })
	for range 50 {
		if tok := w.token(s); tok.Email != grace {
			t.Fatalf("%v, want grace's", tok)
		}
		time.Sleep(time.Millisecond)
	}
}

// The same with a sign-out: it is not undone by a refresh that was under way.
func TestSignOutDuringARefresh(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for _, when := range []string{"before", "after"} {
		t.Run(when+" its save", func(t *testing.T) {
			w := shared.fork(t)
			s := w.signedIn()
			w.clock.advance(soon)
			reached, release := make(chan struct{}), make(chan struct{})
			hook := func() {
				close(reached)
				<-release
			}
			if when == "before" {
				w.store.before("Save", hook)
			} else {
				w.store.after("Save", hook)
			}
			w.token(s)
			<-reached
			w.store.before("Save", nil)
			w.store.after("Save", nil)
			if err := s.SignOut(w.ctx); err != nil {
				t.Fatal(err)
			}
			close(release)
			for range 50 {
				_, err := s.IDToken(w.ctx)
				wantCause(t, err, core.CauseSignedOut)
				time.Sleep(time.Millisecond)
			}
			if n := len(w.store.keys()); n != 0 {
				t.Errorf("%d documents in the store", n)
			}
		})
	}
}

// The sign-in succeeded and the store fails: the person is told, and this
// process is signed in all the same, also where a failure stood before.
func TestSignInNotSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session()
	w.store.fail("Save", fmt.Errorf("/tokens: %w", core.ErrReadOnly))
	st, err := s.SignIn(w.ctx, nobody)
	if !errors.Is(err, core.ErrNotSaved) || !errors.Is(err, core.ErrReadOnly) || st.State != core.SignedIn {
		t.Errorf("%+v, %v", st, err)
	}
	w.token(s)
	if st, err := s.Status(w.ctx); err != nil || st.State != core.SignedIn || st.Email != ada {
		t.Errorf("status %+v, %v", st, err)
	}
	for i := range 3 {
		w.clock.advance(late)
		for range 5 {
			w.token(s)
		}
		w.wantRefreshes(i + 1)
	}
	// The store is well again: the next refresh is saved.
	w.store.fail("Save", nil)
	w.clock.advance(late)
	w.token(s)
	w.token(w.session())
	w.wantRefreshes(4)
}

func TestSignInNotSavedAfterARevocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	w.emu.RevokeAll()
	w.clock.advance(late)
	_, err := s.IDToken(w.ctx)
	wantCause(t, err, core.CauseRevoked)
	w.store.fail("Save", core.ErrReadOnly)
	if _, err := s.SignIn(w.ctx, nobody); !errors.Is(err, core.ErrNotSaved) {
		t.Fatal(err)
	}
	w.token(s)
	w.clock.advance(late)
	w.token(s)
}

// A refresh that cannot be saved serves this process, with a warning;
// the others keep the old record, and the new one comes to them when the store
// is well again.
func TestRefreshNotSaved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	old := w.store.raw(core.DefaultKey)
	w.store.fail("Save", core.ErrReadOnly)
	w.store.fail("Lock", core.ErrReadOnly)
	w.clock.advance(late)
	for range 20 {
		w.token(s)
	}
	w.wantRefreshes(1)
	if string(w.store.raw(core.DefaultKey)) != string(old) {
		t.Error("the record changed")
	}
	if w.log.count("the refreshed session could not be saved") != 1 {
		t.Error("no warning")
	}
	// The store cannot even be read.
	w.store.fail("Load", errors.New("I/O error"))
	w.token(s)
	w.clock.advance(late)
	w.token(s)
	w.wantRefreshes(2)
}

// The store cannot be read: the error is the store's, and no sign-in is asked for.
func TestStoreThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.signedIn()
	s := w.session()
	broken := errors.New("I/O error")
	w.store.fail("Load", broken)
	if _, err := s.IDToken(w.ctx); !errors.Is(err, broken) || errors.Is(err, core.ErrSignInNeeded) {
		t.Errorf("IDToken: %v", err)
	}
	if _, err := s.Status(w.ctx); !errors.Is(err, broken) {
		t.Errorf("Status: %v", err)
	}
	if _, err := s.SignIn(w.ctx, nobody); !errors.Is(err, broken) {
		t.Errorf("SignIn: %v", err)
	}
	if n := w.emu.Calls(emulator.Authorize); n != 1 {
		t.Errorf("%d authorization requests, want the first sign-in's", n)
	}
}

// A store that knows that it cannot be written says so before a person is
// troubled.
func TestSignInChecksTheStoreFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session(func(o *core.SessionOptions) {
		o.Store = checking{w.store, fmt.Errorf("/tokens: %w", core.ErrReadOnly)}
	})
	_, err := s.SignIn(w.ctx, nobody)
	if !errors.Is(err, core.ErrReadOnly) || !strings.Contains(err.Error(), "could not be saved") || errors.Is(err, core.ErrNotSaved) {
		t.Errorf("error %v", err)
	}
	if n := w.emu.Calls(emulator.Authorize); n != 0 {
		t.Errorf("%d authorization requests", n)
	}
	w.signedIn(func(o *core.SessionOptions) { o.Store = checking{w.store, nil} })
}
