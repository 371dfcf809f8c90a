package frontendtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// must returns a power of the person.
func must[P any](s *stage, power, option string) P {
	s.t.Helper()
	p, ok := s.person.(P)
	if !ok {
		s.t.Fatalf("%T is no frontendtest.%s; if the frontend lacks it, say so with frontendtest.%s", s.person, power, option)
	}
	return p
}

// configures tells whether the client can be set on the frontend.
func (s *stage) configures() bool {
	_, ok := s.person.(Configurer)
	return ok && s.k.noConfigure == ""
}

func configureChecks() []check {
	return []check{
		{"Passes", func(t *testing.T, k *kit) {
			s := k.stage(t)
			s.app.set(core.Status{State: core.NotConfigured})
			r := s.start()
			s.configure()
			sc := s.expect(newScene(ada))
			s.openAddress(sc)
			s.redirect(sc)
			r.wantSignedIn(ada)
		}},
		{"Refused", func(t *testing.T, k *kit) {
			s := k.stage(t)
			refused := &core.Error{Problem: "no such client", Kind: fault.BadClient, Remedy: fault.Say("copy it again")}
			s.app.set(core.Status{State: core.NotConfigured})
			s.app.guard.change(func() { s.app.configureErr = refused })
			r := s.start()
			s.configure()
			s.sees("what is wrong with the client", refused.Error())
			r.wantRunning("a client that was refused")
			s.configure()
		}},
	}
}

// configure enters a client, which the App must be given.
func (s *stage) configure() {
	s.t.Helper()
	p := must[Configurer](s, "Configurer", "SkipConfigure")
	want := core.ClientSecrets{ClientID: clientID, ClientSecret: plantedSecret}
	s.act("entering the client", func(ctx context.Context) error { return p.Configure(ctx, want) })
	var got core.ClientSecrets
	select {
	case got = <-s.app.clients:
	case <-time.After(s.k.patience):
		s.t.Fatalf("App.Configure has not been called %v after the person entered a client%s", s.k.patience, s.report())
	}
	if got.ClientID != want.ClientID {
		s.t.Errorf("App.Configure was given the client ID %q, want %q, which the person entered", got.ClientID, want.ClientID)
	}
	if got.ClientSecret != want.ClientSecret {
		s.t.Error("App.Configure was given another client secret than the person entered")
	}
}

func signOutChecks() []check {
	return []check{
		{"Passes", func(t *testing.T, k *kit) {
			s := k.stage(t)
			r := s.signOut()
			sc := s.expect(newScene(grace))
			s.openAddress(sc)
			s.redirect(sc)
			r.wantSignedIn(grace)
		}},
		{"NotRevoked", func(t *testing.T, k *kit) {
			s := k.stage(t)
			s.app.guard.change(func() { s.app.signOutErr = fmt.Errorf("%w: no connection", core.ErrNotRevoked) })
			r := s.signOut()
			s.sees("that the session was not revoked (frontendtest.WithWords sets other words)", k.wordsFor(core.ErrNotRevoked))
			r.wantRunning("a sign-out that the provider was not told of")
		}},
	}
}

// signOut lets a person who is signed in sign out.
func (s *stage) signOut() *run {
	s.t.Helper()
	p := must[SignOuter](s, "SignOuter", "SkipSignOut")
	s.app.set(signedIn(alan))
	r := s.start()
	s.sees("who is signed in", alan)
	s.act("asking to sign out", p.SignOut)
	s.wantCall("SignOut", "the person asked to sign out")
	r.wantRunning("the sign-out")
	return r
}

func watchChecks() []check {
	return []check{
		{"Shows", func(t *testing.T, k *kit) {
			s := k.stage(t)
			s.app.set(signedIn(alan))
			s.start()
			s.sees("who is signed in", alan)
			s.app.set(signedIn(grace))
			s.sees("who is signed in since the session changed elsewhere", grace)
			needs := signedIn(grace)
			needs.State, needs.Reason = core.NeedsSignIn, "the session is older than its lifetime"
			s.app.set(needs)
			s.sees("why a new sign-in is needed", needs.Reason)
		}},
		{"Last", func(t *testing.T, k *kit) {
			s := k.stage(t)
			s.app.set(signedIn(alan))
			s.start()
			s.sees("who is signed in", alan)
			for i := range 100 {
				s.app.set(signedIn(fmt.Sprintf("person%d@example.com", i)))
			}
			s.sees("the last of many who signed in elsewhere", "person99@example.com")
		}},
		{"WhileBusy", func(t *testing.T, k *kit) {
			s := k.stage(t)
			s.expect(busyScene())
			s.app.set(core.Status{State: core.SignedOut, ClientID: clientID})
			s.start()
			s.act("asking to sign in", s.person.SignIn)
			s.wantCall("SignIn", "the person asked to sign in")
			s.app.set(signedIn(grace))
			s.sees("who signed in elsewhere while the App is busy here", grace)
		}},
	}
}

// checkLeave: a frontend that the person leaves is done, and leaves no call of
// the App behind, although its ctx goes on.
func checkLeave(t *testing.T, k *kit) {
	s := k.stage(t)
	p := must[Leaver](s, "Leaver", "SkipLeave")
	s.app.set(signedIn(alan))
	r := s.start()
	s.sees("who is signed in", alan)
	s.act("leaving", p.Leave)
	if err := r.wait("the person left"); err != nil {
		t.Errorf("Run returned %q after the person left, want nil", err)
	}
}

// checkSecrets uses what there is. What was shown is looked at when the stage is
// left, as in every check.
func checkSecrets(t *testing.T, k *kit) {
	s := k.stage(t)
	if s.configures() {
		s.app.set(core.Status{State: core.NotConfigured})
	}
	sc := s.expect(newScene(ada))
	r := s.start()
	if s.configures() {
		s.configure()
	}
	s.openAddress(sc)
	if k.noPaste == "" {
		s.paste(sc, answer(sc))
	} else {
		s.redirect(sc)
	}
	r.wantSignedIn(ada)
}
