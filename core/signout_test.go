package core_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/emulator"
)

// Signing out revokes the refresh token at the provider, and forgets
// the session here.
func TestSignOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	refreshToken := w.store.field(t, "refresh_token")
	if err := s.SignOut(w.ctx); err != nil {
		t.Fatal(err)
	}
	calls := w.emu.Requests(emulator.Revoke)
	if len(calls) != 1 || calls[0].Method != "POST" || len(calls[0].Query) != 0 || calls[0].Form.Get("token") != refreshToken {
		t.Errorf("%d revocations, or not of the refresh token in the body", len(calls))
	}
	if n := len(w.store.keys()); n != 0 {
		t.Errorf("%d documents in the store", n)
	}
	_, err := s.IDToken(w.ctx)
	wantCause(t, err, core.CauseSignedOut)
	if st, err := s.Status(w.ctx); err != nil || st.State != core.SignedOut {
		t.Errorf("status %+v, %v", st, err)
	}
	if err := s.SignOut(w.ctx); err != nil {
		t.Errorf("again: %v", err)
	}
	if n := w.emu.Calls(emulator.Revoke); n != 1 {
		t.Errorf("%d revocations", n)
	}
	w.signIn(s)
	w.token(s)
}

// Whatever the revocation endpoint does, the session is removed here,
// and the person is told when it was not revoked. A token that the provider does
// not know is as good as revoked.
func TestSignOutWhenRevokingFails(t *testing.T) {
	t.Parallel()
	shared := newWorld(t)
	for name, tt := range map[string]struct {
		fault   *emulator.Fault
		revoked bool
	}{
		"503":           {&emulator.Fault{Status: 503}, false},
		"reset":         {&emulator.Fault{Reset: true}, false},
		"307":           {&emulator.Fault{Status: 307, Header: map[string][]string{"Location": {"/revoke"}}}, false},
		"unknown, 400":  {&emulator.Fault{Status: 400, Header: jsonHeader(), Body: []byte(`{"error":"invalid_token"}`)}, true},
		"unknown, 200":  {&emulator.Fault{Status: 200, Header: jsonHeader(), Body: []byte(`{}`)}, true},
		"other 400":     {&emulator.Fault{Status: 400, Header: jsonHeader(), Body: []byte(`{"error":"invalid_client"}`)}, false},
		"400 with text": {&emulator.Fault{Status: 400, Body: []byte(leaky)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := shared.fork(t)
			s := w.signedIn()
			w.emu.SetFault(emulator.Revoke, tt.fault)
			err := s.SignOut(w.ctx)
			if tt.revoked != (err == nil) || errors.Is(err, core.ErrNotRevoked) == tt.revoked {
				t.Errorf("error %v", err)
			}
			if err != nil && findSecret(err.Error()) != "" {
				t.Errorf("the error holds a secret: %v", err)
			}
			if n := len(w.store.keys()); n != 0 {
				t.Errorf("%d documents in the store", n)
			}
			_, err = s.IDToken(w.ctx)
			wantCause(t, err, core.CauseSignedOut)
		})
	}
}

// Forgetting makes no network call.
func TestForget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	w.emu.ResetCalls()
	if err := s.Forget(w.ctx); err != nil {
		t.Fatal(err)
	}
	if n := len(w.emu.Requests()); n != 0 {
		t.Errorf("%d requests to the provider", n)
	}
	if n := len(w.store.keys()); n != 0 {
		t.Errorf("%d documents in the store", n)
	}
	_, err := s.IDToken(w.ctx)
	wantCause(t, err, core.CauseSignedOut)
}

// A sign-out without a network, or one that is interrupted, removes the
// session and says that it was not revoked.
func TestSignOutOffline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	interrupted, offline := w.session(), w.session()
	w.signIn(interrupted)
	ctx, cancel := context.WithTimeout(w.ctx, 50*time.Millisecond)
	defer cancel()
	w.emu.SetFault(emulator.Revoke, &emulator.Fault{Hang: true})
	if err := interrupted.SignOut(ctx); !errors.Is(err, core.ErrNotRevoked) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("interrupted: %v", err)
	}
	if n := len(w.store.keys()); n != 0 {
		t.Errorf("interrupted: %d documents in the store", n)
	}
	w.signIn(offline)
	if err := w.emu.Close(); err != nil {
		t.Fatal(err)
	}
	if err := offline.SignOut(w.ctx); !errors.Is(err, core.ErrNotRevoked) {
		t.Errorf("offline: %v", err)
	}
	if n := len(w.store.keys()); n != 0 {
		t.Errorf("offline: %d documents in the store", n)
	}
}

// A session that cannot be deleted is not said to be gone.
func TestSignOutWhenTheStoreFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.signedIn()
	w.store.fail("Delete", core.ErrReadOnly)
	for _, call := range []func(context.Context) error{s.Forget, s.SignOut} {
		if err := call(w.ctx); !errors.Is(err, core.ErrReadOnly) {
			t.Errorf("error %v", err)
		}
	}
}

// Without a refresh token the access token is revoked; a session of another
// client cannot be revoked with this one, and is forgotten all the same.
func TestSignOutOfOtherSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.emu.SetTokenAnswer(func(_ string, a map[string]any) { delete(a, "refresh_token") })
	s := w.signedIn()
	access := w.store.field(t, "access_token")
	if err := s.SignOut(w.ctx); err != nil {
		t.Error(err)
	}
	if calls := w.emu.Requests(emulator.Revoke); len(calls) != 1 || calls[0].Form.Get("token") != access {
		t.Errorf("%d revocations, or not of the access token", len(calls))
	}
	w.signIn(s)
	w.store.edit(t, func(d map[string]any) { d["client_id"] = "other" })
	if err := s.SignOut(w.ctx); !errors.Is(err, core.ErrNotRevoked) {
		t.Errorf("error %v", err)
	}
	if n := len(w.store.keys()); n != 0 {
		t.Errorf("%d documents in the store", n)
	}
}

// A sign-out of another process is noticed when the store is next looked at: a
// status that says so and a token that is given out do not go together.
func TestSignOutElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s, other := w.signedIn(), w.session()
	w.token(s)
	if err := other.SignOut(w.ctx); err != nil {
		t.Fatal(err)
	}
	if st, err := s.Status(w.ctx); err != nil || st.State != core.SignedOut {
		t.Errorf("status %+v, %v", st, err)
	}
	_, err := s.IDToken(w.ctx)
	wantCause(t, err, core.CauseSignedOut)
}

// A session that the store could not take is revoked too.
func TestSignOutOfAnUnsavedSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.session()
	w.store.fail("Save", core.ErrReadOnly)
	if _, err := s.SignIn(w.ctx, nobody); !errors.Is(err, core.ErrNotSaved) {
		t.Fatalf("sign in: %v", err)
	}
	if err := s.SignOut(w.ctx); err != nil {
		t.Error(err)
	}
	if n := w.emu.Calls(emulator.Revoke); n != 1 {
		t.Errorf("%d revocations", n)
	}
	_, err := s.IDToken(w.ctx)
	wantCause(t, err, core.CauseSignedOut)
}
