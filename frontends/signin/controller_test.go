package signin_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/frontends/signin"
)

var signedOut = core.Status{State: core.SignedOut}

// TestSignIn goes through all phases of a sign-in.
func TestSignIn(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	s.opened()
	if s.armed.AuthURL != address || s.armed.ExpiresIn < 290 || s.armed.ExpiresIn > 300 {
		t.Errorf("armed is %+v", s.armed)
	}
	s.app.prompts <- redirected
	s.phase(signin.Exchanging)
	s.app.ends <- ending{status: adaSignedIn}
	s.phase(signin.SignedIn)
	if s.last.Account != ada || s.last.Error != nil || s.last.Attempt != 0 {
		t.Errorf("the snapshot is %+v", s.last)
	}
	s.say(signin.ClientMessage{Type: "sign_out"})
	s.phase(signin.SignedOut)
	if s.last.Account != "" {
		t.Errorf("after signing out the account is %q", s.last.Account)
	}
}

func TestPhasesOfStatus(t *testing.T) {
	for _, d := range []struct {
		status core.Status
		want   signin.Phase
		signIn bool // hello starts one
	}{
		{core.Status{State: core.NotConfigured}, signin.Unconfigured, false},
		{signedOut, signin.SignedOut, true},
		{core.Status{State: core.NeedsSignIn, Email: ada, Reason: "too old"}, signin.NeedsSignIn, true},
		{adaSignedIn, signin.SignedIn, false},
	} {
		t.Run(string(d.want), func(t *testing.T) {
			s := play(t, newApp(d.status), signin.Options{RemoteHint: true})
			s.phase(d.want)
			s.say(signin.ClientMessage{Type: "hello"})
			s.until("hello was heard", func() bool { return (s.last.Attempt != 0) == d.signIn })
			if s.last.Account != d.status.Email || s.last.Reason != d.status.Reason || !s.last.RemoteHint {
				t.Errorf("the snapshot is %+v", s.last)
			}
		})
	}
}

// TestOneAttempt: however many views ask, there is one sign-in, and all have its
// address.
func TestOneAttempt(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	s.phase(signin.SignedOut)
	var asking sync.WaitGroup
	for range 20 {
		asking.Go(func() {
			s.say(signin.ClientMessage{Type: "hello"})
			s.say(signin.ClientMessage{Type: "arm"})
		})
	}
	asking.Wait()
	s.app.prompts <- core.Prompt{URL: address}
	s.until("there is an address", func() bool { return s.armed.Attempt == 1 })
	other := &scene{t: t, app: s.app, controller: s.controller, view: s.controller.Subscribe()}
	other.until("the other view has it, too", func() bool { return other.armed == s.armed })
	if begun, _ := s.app.counts(); begun != 1 {
		t.Errorf("%d sign-ins were begun, want 1", begun)
	}
}

// TestStale: what a view says about an attempt that is over changes nothing.
func TestStale(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	s.opened()
	old := s.armed.Attempt
	s.app.ends <- ending{err: core.ErrDenied}
	s.problem("denied")
	s.arms()
	for _, m := range []signin.ClientMessage{
		{Type: "opened", Attempt: old}, {Type: "opened"}, {Type: "opened", Attempt: old + 2},
		{Type: "redirect", Attempt: old, URL: "http://127.0.0.1/?code=stale"}, {Type: "cancel", Attempt: old},
	} {
		s.say(m)
	}
	s.say(signin.ClientMessage{Type: "redirect", Attempt: s.armed.Attempt, URL: "http://127.0.0.1/?code=fresh"})
	if got := <-s.app.answers; !strings.Contains(got, "fresh") {
		t.Errorf("the prompt returned %q", got)
	}
	if begun, _ := s.app.counts(); begun != 2 {
		t.Errorf("%d sign-ins were begun, want 2: a stale cancel has ended one", begun)
	}
}

// TestLateOpened: with a busy kernel the click is heard after the sign-in is over.
func TestLateOpened(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	s.arms()
	s.app.ends <- ending{status: adaSignedIn}
	s.phase(signin.SignedIn)
	s.say(signin.ClientMessage{Type: "opened", Attempt: s.armed.Attempt})
	s.until("it was heard", func() bool { return s.last.Phase == signin.SignedIn })
}

// TestPaste: an answer that is not taken leaves the same address.
func TestPaste(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	s.opened()
	s.say(signin.ClientMessage{Type: "redirect", Attempt: 1}) // nothing at all
	s.say(signin.ClientMessage{Type: "redirect", Attempt: 1, URL: "nonsense <b>"})
	if got := <-s.app.answers; got != "nonsense <b>" {
		t.Errorf("the prompt returned %q", got)
	}
	s.phase(signin.Exchanging)
	s.app.prompts <- core.Prompt{URL: address, Problem: "paste the whole address"}
	s.problem("bad_answer")
	s.phase(signin.Waiting)
	if s.last.Attempt != 1 || s.last.Error.Detail != "paste the whole address" {
		t.Errorf("the snapshot is %+v", s.last)
	}
}

// TestCancel: the next sign-in begins when the one before has ended, since both want
// the same port.
func TestCancel(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	s.opened()
	s.say(signin.ClientMessage{Type: "cancel", Attempt: 1})
	s.idle()
	if s.last.Error != nil {
		t.Errorf("the person is told of what they did: %+v", s.last.Error)
	}
	s.arms()
	if begun, most := s.app.counts(); begun != 2 || most != 1 {
		t.Errorf("%d sign-ins, %d at once, want 2, 1 at once", begun, most)
	}
}

// TestExpired: an address that nobody opened expires without a word; one that was
// opened does not.
func TestExpired(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	s.arms()
	s.app.ends <- ending{err: core.ErrSignInTimeout}
	s.idle()
	if s.last.Error != nil || s.last.Stuck {
		t.Errorf("the snapshot is %+v", s.last)
	}
	s.opened()
	s.app.ends <- ending{err: core.ErrSignInTimeout}
	s.problem("sign_in_timeout")
}

// TestStuck: a sign-in that fails by itself is begun again by a person only.
func TestStuck(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	s.phase(signin.SignedOut)
	s.say(signin.ClientMessage{Type: "hello"})
	s.app.ends <- ending{err: &oidc.ProviderError{Endpoint: "discovery", Host: "provider.invalid", Problem: "no connection", Offline: true}}
	s.problem("offline")
	if !s.last.Stuck {
		t.Error("the snapshot does not say that it is stuck")
	}
	seq := s.last.Seq
	s.say(signin.ClientMessage{Type: "hello"})
	s.until("hello was heard", func() bool { return s.last.Seq > seq })
	if begun, _ := s.app.counts(); begun != 1 || s.last.Attempt != 0 {
		t.Errorf("hello has begun sign-in %d", begun)
	}
	s.arms()
	if s.last.Stuck {
		t.Error("the snapshot still says that it is stuck")
	}
}

// TestStaleArm: two views, or one that saw two snapshots, ask for one sign-in. When it
// has failed, the second message does not begin another.
func TestStaleArm(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	s.phase(signin.SignedOut)
	saw := s.last.Seq
	s.say(signin.ClientMessage{Type: "arm", Seq: saw})
	s.app.ends <- ending{err: errors.New("no port is free")}
	s.problem("failed")
	s.say(signin.ClientMessage{Type: "arm", Seq: saw})
	before := s.last.Seq
	s.until("it was heard", func() bool { return s.last.Seq > before })
	if begun, _ := s.app.counts(); begun != 1 || s.last.Attempt != 0 {
		t.Errorf("a stale arm has begun sign-in %d", begun)
	}
	s.say(signin.ClientMessage{Type: "arm", Seq: s.last.Seq})
	s.app.prompts <- core.Prompt{URL: address}
	s.until("there is an address", func() bool { return s.armed.Attempt == 2 })
}

func TestConfigure(t *testing.T) {
	s := play(t, newApp(core.Status{State: core.NotConfigured}), signin.Options{})
	s.phase(signin.Unconfigured)
	client := signin.ClientMessage{Type: "configure", ClientID: "id", ClientSecret: secret, ProjectID: "project"}
	s.app.configErr = &core.Error{Kind: fault.BadClient, Problem: "client_secret is missing", Remedy: fault.Say("download it again")}
	s.say(client)
	s.problem("bad_client")
	if want := "not a usable OAuth client: client_secret is missing; download it again"; s.last.Error.Detail != want {
		t.Errorf("the detail is %q, want %q", s.last.Error.Detail, want)
	}
	s.app.configErr = nil
	s.say(client)
	s.phase(signin.SignedOut)
	if got := <-s.app.clients; got.ClientID != "id" || got.ClientSecret != secret || got.ProjectID != "project" {
		t.Errorf("Configure was given %v", got)
	}
}

// TestConfigureEndsAttempt: the sign-in of another client is not gone on with.
func TestConfigureEndsAttempt(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	s.opened()
	s.say(signin.ClientMessage{Type: "configure", ClientID: "id", ClientSecret: secret})
	<-s.app.clients
	s.idle()
	if _, most := s.app.counts(); most != 1 || s.last.Error != nil {
		t.Errorf("the snapshot is %+v", s.last)
	}
}

func TestNotRevoked(t *testing.T) {
	a := newApp(adaSignedIn)
	a.signOutErr = fmt.Errorf("%w: no connection", core.ErrNotRevoked)
	s := play(t, a, signin.Options{})
	s.phase(signin.SignedIn)
	s.say(signin.ClientMessage{Type: "sign_out"})
	s.problem("not_revoked")
	s.phase(signin.SignedOut)
}

func TestSignOutFails(t *testing.T) {
	a := newApp(adaSignedIn)
	a.signOutErr = fmt.Errorf("%w: no space left", core.ErrReadOnly)
	s := play(t, a, signin.Options{})
	s.phase(signin.SignedIn)
	s.say(signin.ClientMessage{Type: "sign_out"})
	s.problem("read_only")
	if s.last.Phase != signin.SignedIn {
		t.Errorf("the phase is %s, and nobody was signed out", s.last.Phase)
	}
}

// TestSignedInElsewhere ends an attempt that nobody has opened, and no other.
func TestSignedInElsewhere(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	s.arms()
	s.app.states <- adaSignedIn
	s.phase(signin.SignedIn)
	s.idle()
	s.app.states <- signedOut
	s.opened()
	s.app.states <- adaSignedIn
	s.phase(signin.SignedIn)
	if s.last.Attempt == 0 {
		t.Error("what the person had opened was ended")
	}
}

// TestWatchFails: a session that cannot be read can still be replaced, and is looked
// at again.
func TestWatchFails(t *testing.T) {
	a := newApp(core.Status{State: core.NeedsSignIn})
	a.watchErr = fmt.Errorf("%w: bad JSON", core.ErrCorrupt)
	s := play(t, a, signin.Options{})
	s.problem("corrupt")
	if s.last.Phase != signin.SignedOut || !s.last.Stuck {
		t.Errorf("the snapshot is %+v", s.last)
	}
	s.say(signin.ClientMessage{Type: "arm"})
	s.phase(signin.NeedsSignIn)
	a.ends <- ending{status: adaSignedIn}
	s.phase(signin.SignedIn)
}

func TestNotSaved(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	s.opened()
	s.app.ends <- ending{adaSignedIn, fmt.Errorf("%w: no space left", core.ErrNotSaved)}
	s.phase(signin.SignedIn)
	s.problem("not_saved")
}

// TestSlowView: one that looks rarely has the last state, and little else.
func TestSlowView(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	s.phase(signin.SignedOut)
	for i := range 1000 {
		s.app.states <- core.Status{State: core.NeedsSignIn, Email: fmt.Sprint(i)}
	}
	s.app.states <- adaSignedIn
	slow := s.controller.Subscribe()
	s.phase(signin.SignedIn)
	list, err := slow.Next(t.Context())
	if err != nil || len(list) != 1 || list[0].(signin.Snapshot).Account != ada {
		t.Errorf("a slow view has %+v, %v", list, err)
	}
}

// TestEnd: every view has a last message, and then no more.
func TestEnd(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{})
	s.opened()
	s.end()
	s.phase(signin.Detached)
	if _, err := s.view.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("after the last message Next returns %v, want io.EOF", err)
	}
	if err := s.controller.Handle(signin.ClientMessage{V: 1, Type: "arm"}); err != nil {
		t.Errorf("a message that comes too late is an error: %v", err)
	}
}

// TestOnce: the controller ends with the sign-in and returns what the App returned.
func TestOnce(t *testing.T) {
	other := errors.New("the App's own")
	for _, d := range []struct {
		name   string
		ending ending
		want   error
	}{
		{"succeeds", ending{status: adaSignedIn}, nil},
		{"denied", ending{err: fmt.Errorf("%w: access_denied", core.ErrDenied)}, core.ErrDenied},
		{"expired", ending{err: core.ErrSignInTimeout}, core.ErrSignInTimeout},
		{"fails", ending{err: other}, other},
	} {
		t.Run(d.name, func(t *testing.T) {
			s := play(t, newApp(core.Status{State: core.SignedIn, Email: "old@example.com"}), signin.Options{Once: true})
			s.app.prompts <- core.Prompt{URL: address} // without a view, and though somebody is signed in
			s.until("there is an address", func() bool { return s.armed.Attempt == 1 })
			if slices.Contains(s.last.Caps, "sign_out") {
				t.Error("it offers to sign out")
			}
			s.app.ends <- d.ending
			if err := s.controller.Wait(); !errors.Is(err, d.want) || (err == nil) != (d.want == nil) {
				t.Errorf("Wait returned %v, want %v", err, d.want)
			}
			s.phase(signin.Detached)
			if (s.last.Error == nil) != (d.want == nil) {
				t.Errorf("the last snapshot is %+v", s.last)
			}
		})
	}
}

func TestOnceInterrupted(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{Once: true})
	s.app.prompts <- core.Prompt{URL: address}
	s.end()
	if err := s.controller.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait returned %v", err)
	}
}

// TestOnceCancelled: a person who cancels may try again.
func TestOnceCancelled(t *testing.T) {
	s := play(t, newApp(signedOut), signin.Options{Once: true})
	s.app.prompts <- core.Prompt{URL: address}
	s.until("there is an address", func() bool { return s.armed.Attempt == 1 })
	s.say(signin.ClientMessage{Type: "cancel", Attempt: 1})
	s.idle()
	s.opened()
	s.app.ends <- ending{status: adaSignedIn}
	if err := s.controller.Wait(); err != nil {
		t.Errorf("Wait returned %v", err)
	}
}

// TestStatusAfterSignIn: what a sign-in returned is not believed for ever.
func TestStatusAfterSignIn(t *testing.T) {
	a := newApp(signedOut)
	ctx, cancel := context.WithCancel(context.Background())
	controller := signin.Start(ctx, forgetful{a}, signin.Options{})
	s := &scene{t: t, app: a, controller: controller, view: controller.Subscribe(), end: cancel}
	s.opened()
	a.ends <- ending{status: adaSignedIn}
	s.until("the session is seen to be over", func() bool { return s.last.Phase == signin.SignedOut && s.last.Attempt == 0 })
	cancel()
	if err := controller.Wait(); err != nil {
		t.Error(err)
	}
}
