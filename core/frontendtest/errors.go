package frontendtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

// A failure is a sign-in that does not succeed.
type failure struct {
	name     string
	err      error
	is       error // the error that it must be known by; nil for any other
	prompted bool  // it fails when the person was asked already
	status   core.Status
}

func errorChecks() []check {
	other := errors.New("the provider is on strike")
	var checks []check
	for _, f := range []failure{
		{name: "Denied", err: fmt.Errorf("%w: access_denied", core.ErrDenied), is: core.ErrDenied, prompted: true},
		{name: "Timeout", err: core.ErrSignInTimeout, is: core.ErrSignInTimeout, prompted: true},
		{name: "NotSaved", err: fmt.Errorf("%w: no space left", core.ErrNotSaved), is: core.ErrNotSaved, prompted: true, status: signedIn(ada)},
		{name: "SignInNeeded", err: &core.SignInNeededError{Cause: core.CauseReauth, Email: ada}, is: core.ErrSignInNeeded},
		{name: "Unavailable", err: fmt.Errorf("the store: %w", core.ErrUnavailable), is: core.ErrUnavailable},
		{name: "Other", err: other},
	} {
		checks = append(checks, check{f.name, func(t *testing.T, k *kit) { checkFailure(t, k, f) }})
	}
	return append(checks, check{"NotConfigured", checkNotConfigured})
}

func checkFailure(t *testing.T, k *kit, f failure) {
	s := k.stage(t)
	sc := failing(f.err)
	if f.prompted {
		sc = newScene(ada)
		sc.status, sc.err = f.status, f.err
	}
	s.expect(sc)
	r := s.start()
	if f.prompted {
		s.openAddress(sc)
		s.redirect(sc)
	} else {
		s.act("asking to sign in", s.person.SignIn)
	}
	if !k.stays {
		r.wantFailed(f)
		return
	}
	known := f.is
	if known == nil {
		known = f.err
	}
	s.sees("why the sign-in failed (frontendtest.WithWords sets other words)", k.wordsFor(known))
	r.wantRunning("a sign-in that failed")
	if f.status.State == core.SignedIn {
		return // where somebody is signed in, there may be no way to sign in
	}
	again := s.expect(newScene(grace))
	s.openAddress(again)
	s.redirect(again)
	r.wantSignedIn(grace)
}

// wantFailed checks that Run passes an error on.
func (r *run) wantFailed(f failure) {
	r.t.Helper()
	err := r.wait("the sign-in failed")
	switch {
	case err == nil:
		r.t.Errorf("Run returned nil after the sign-in failed with %q", f.err)
	case f.is == nil && !strings.Contains(err.Error(), f.err.Error()):
		r.t.Errorf("Run returned %q after the sign-in failed with %q, want an error that says so", err, f.err)
	case f.is != nil && !errors.Is(err, f.is):
		r.t.Errorf("Run returned %q after the sign-in failed, want an error that wraps core's %q", err, f.is)
	}
	var want, got *core.SignInNeededError
	if !errors.As(f.err, &want) || err == nil {
		return
	}
	if !errors.As(err, &got) || got.Cause != want.Cause {
		r.t.Errorf("Run returned %q, want a *core.SignInNeededError with the cause %q", err, want.Cause)
	}
}

// checkNotConfigured: a frontend may look at the status itself instead of trying
// to sign in. One that can set the client asks for it.
func checkNotConfigured(t *testing.T, k *kit) {
	s := k.stage(t)
	s.app.set(core.Status{State: core.NotConfigured})
	r := s.start()
	if k.stays || s.configures() {
		s.sees("that there is no OAuth client (frontendtest.WithWords sets other words)", k.wordsFor(core.ErrNotConfigured))
		r.wantRunning("it found no OAuth client")
		return
	}
	s.act("asking to sign in", s.person.SignIn)
	r.wantFailed(failure{err: core.ErrNotConfigured, is: core.ErrNotConfigured})
}
