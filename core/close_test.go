package core_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// Close waits for a refresh that is under way, since its outcome must not be
// lost; afterwards there are no tokens.
func TestClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *emulator.Options) { o.RotateRefreshTokens = true })
	store := &closing{memory: w.store, closed: make(chan struct{})}
	s := w.signedIn(func(o *core.SessionOptions) { o.Store = store })
	before := w.store.field(t, "refresh_token")
	stale := w.token(s)
	w.clock.advance(late)
	open := w.gate()
	waiting := make(chan error, 1)
	go func() {
		_, err := s.IDToken(w.ctx)
		waiting <- err
	}()
	eventually(t, "the refresh is under way", func() bool { return w.refreshes() == 1 })
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	select {
	case <-store.closed:
		t.Error("the store was closed during the refresh")
	case err := <-closed:
		t.Errorf("Close returned during the refresh: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	open()
	if err := <-closed; err != nil {
		t.Error(err)
	}
	<-store.closed
	if err := <-waiting; err != nil {
		t.Errorf("the caller that waited got %v", err)
	}
	if w.store.field(t, "refresh_token") == before {
		t.Error("the rotated refresh token was lost")
	}
	wantClosed(t, w.ctx, s, stale)
	if err := s.Close(); err != nil {
		t.Errorf("closing again: %v", err)
	}
}

// A session that is closed gives no token, not even a valid one that it has.
func TestClosedWithAValidToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	stale := w.token(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantClosed(t, w.ctx, s, stale)
}

func wantClosed(t *testing.T, ctx context.Context, s *core.Session, stale core.IDToken) {
	t.Helper()
	_, idToken := s.IDToken(ctx)
	_, renew := s.Renew(ctx, stale)
	_, watch := s.Watch(ctx)
	_, signIn := s.SignIn(ctx, nobody)
	for name, err := range map[string]error{"IDToken": idToken, "Renew": renew, "Watch": watch, "SignIn": signIn} {
		if !errors.Is(err, core.ErrClosed) {
			t.Errorf("%s after Close: %v", name, err)
		}
	}
}

// Close ends a refresh that waits for a lock that is not to be had.
func TestCloseWhileWaitingForTheLock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn(func(o *core.SessionOptions) { o.LockTimeout = time.Hour })
	w.store.fail("Lock", errHang)
	w.clock.advance(late)
	waiting := make(chan error, 1)
	go func() {
		_, err := s.IDToken(w.ctx)
		waiting <- err
	}()
	eventually(t, "the lock is waited for", func() bool { return w.store.count("Lock") == 1 })
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waiting; !errors.Is(err, core.ErrClosed) {
		t.Errorf("the caller that waited got %v", err)
	}
	w.wantRefreshes(0)
}

// A sign-in that outlasts Close does not make the session give tokens again.
func TestSignInOutlastsClose(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	asked, answer := make(chan struct{}), make(chan struct{})
	s := w.session(func(o *core.SessionOptions) {
		real := o.Flow
		o.Flow = func(c *oidc.Client) core.Flow {
			return flowFunc(func(ctx context.Context) (*core.Token, error) {
				close(asked)
				<-answer
				return real(c).SignIn(ctx, nobody)
			})
		}
	})
	signedIn := make(chan error, 1)
	go func() {
		_, err := s.SignIn(w.ctx, nobody)
		signedIn <- err
	}()
	<-asked
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	close(answer)
	if err := <-signedIn; err != nil {
		t.Error(err)
	}
	if _, err := s.IDToken(w.ctx); !errors.Is(err, core.ErrClosed) {
		t.Errorf("IDToken after Close: %v", err)
	}
}
