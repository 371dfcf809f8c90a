package frontendtest

import (
	"context"
	"errors"
	"sync"
	"testing"
)

func endChecks() []check {
	return []check{
		{"BeforeRun", func(t *testing.T, k *kit) {
			s := k.stage(t)
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			s.startWith(ctx).wantEnded("Run was not yet called")
		}},
		{"Idle", func(t *testing.T, k *kit) {
			if !k.stays {
				t.Skip("the frontend ends with the sign-in")
			}
			s := k.stage(t)
			s.app.set(signedIn(alan))
			r := s.start()
			s.sees("who is signed in", alan)
			r.wantEnded("nothing happened")
		}},
		{"Prompting", func(t *testing.T, k *kit) {
			s := k.stage(t)
			sc := s.expect(newScene(ada))
			r := s.start()
			s.openAddress(sc)
			r.wantEnded("the person was asked to sign in")
		}},
		{"Busy", func(t *testing.T, k *kit) {
			s := k.stage(t)
			s.expect(busyScene())
			r := s.start()
			s.act("asking to sign in", s.person.SignIn)
			s.wantCall("SignIn", "the person asked to sign in")
			r.wantEnded("the App was busy with a sign-in")
		}},
		{"Deadline", checkDeadline},
		{"StatusBlocks", func(t *testing.T, k *kit) { checkBlocks(t, k, "Status") }},
		{"WatchBlocks", func(t *testing.T, k *kit) { checkBlocks(t, k, "Watch") }},
	}
}

// checkDeadline: what ended ctx can be told from the error.
func checkDeadline(t *testing.T, k *kit) {
	s := k.stage(t)
	s.expect(newScene(ada))
	ctx, cancel := context.WithTimeout(context.Background(), shortWait)
	defer cancel()
	err := s.startWith(ctx).wait("the deadline of its ctx")
	if !errors.Is(err, context.DeadlineExceeded) && (err != nil || !k.stays) {
		t.Errorf("Run returned %s when the deadline of its ctx passed, want an error that wraps context.DeadlineExceeded", shown(err))
	}
}

// checkBlocks lets one method of the App return only when its ctx ends, which
// must not keep Run from returning. A frontend that does not call the method
// asks the person to sign in.
func checkBlocks(t *testing.T, k *kit, method string) {
	s := k.stage(t)
	s.app.guard.change(func() { s.app.blocked = method })
	s.expect(newScene(ada))
	r := s.start()
	ctx, cancel := context.WithTimeout(t.Context(), k.patience)
	defer cancel()
	var person sync.WaitGroup
	defer person.Wait()
	defer cancel()
	person.Go(func() { _ = s.person.SignIn(ctx) }) // a frontend that is blocked may take no notice
	blocked := func() bool { return s.app.calls[method] > 0 || s.app.calls["SignIn"] > 0 }
	if s.app.guard.wait(ctx, blocked) != nil {
		t.Fatalf("neither App.%s nor App.SignIn has been called %v after the person asked to sign in%s", method, k.patience, s.report())
	}
	r.wantEnded("App." + method + " did not return")
}
