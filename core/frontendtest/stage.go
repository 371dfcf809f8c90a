package frontendtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// A stage is what one check uses: a frontend, its person and an App.
type stage struct {
	t        *testing.T
	k        *kit
	frontend core.Frontend
	person   Person
	app      *app
	private  []string // what no error may tell: addresses and answers
	last     *run
}

// stage opens a frontend, which is closed when t ends. What the person saw until
// then holds no secret.
func (k *kit) stage(t *testing.T) *stage {
	t.Helper()
	f, p := k.open(t)
	if f == nil || p == nil {
		t.Fatal("open returned no frontend, or no person")
	}
	s := &stage{t: t, k: k, frontend: f, person: p, app: newApp()}
	t.Cleanup(func() {
		s.wantNoSecret("what the person was shown", p.Shown())
		if c, ok := f.(io.Closer); ok {
			if err := c.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
	})
	return s
}

// wantNoSecret checks that text has nothing of what the App keeps.
func (s *stage) wantNoSecret(what, text string) {
	s.t.Helper()
	for name, secret := range map[string]string{
		"the ID token": plantedIDToken, "the refresh token": plantedRefreshToken, "the client secret": plantedSecret,
	} {
		if strings.Contains(text, secret) {
			s.t.Errorf("%s contains %s, which is secret", what, name)
		}
	}
}

// A run is one call of Run.
type run struct {
	*stage
	cancel context.CancelFunc
	done   chan struct{} // closed when err is set
	err    error
}

// start calls Run. It is ended with the check, if it has not ended before.
func (s *stage) start() *run { return s.startWith(context.Background()) }

func (s *stage) startWith(ctx context.Context) *run {
	ctx, cancel := context.WithCancel(ctx)
	r := &run{stage: s, cancel: cancel, done: make(chan struct{})}
	s.last = r
	go func() {
		defer close(r.done)
		r.err = s.frontend.Run(ctx, s.app)
	}()
	s.t.Cleanup(func() {
		cancel()
		select {
		case <-r.done:
		case <-time.After(s.k.patience):
			s.t.Errorf("Run has not returned %v after its ctx ended", s.k.patience)
		}
	})
	return r
}

// wait waits until Run returns, and checks what holds however it ends: its error
// tells no secret, and no call of the App goes on.
func (r *run) wait(after string) error {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(r.k.patience):
		r.t.Fatalf("Run has not returned %v after %s%s", r.k.patience, after, r.report())
	}
	if r.err != nil {
		text := fmt.Sprintf("%v %+v", r.err, r.err)
		r.wantNoSecret("the error of Run", text)
		for _, private := range r.private {
			if strings.Contains(text, private) {
				r.t.Errorf("the error of Run contains the address of the sign-in or the answer to it, which errors must not tell: %v", r.err)
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.k.patience)
	defer cancel()
	idle := func() bool {
		maps.DeleteFunc(r.app.open, func(_ string, n int) bool { return n == 0 })
		return len(r.app.open) == 0
	}
	if r.app.guard.wait(ctx, idle) != nil {
		var open map[string]int
		r.app.guard.change(func() { open = maps.Clone(r.app.open) })
		r.t.Errorf("Run has returned and its calls of the App go on: %v; it must end the ctx that it gave them, and wait for them", open)
	}
	return r.err
}

// wantRunning checks that Run goes on.
func (r *run) wantRunning(after string) {
	r.t.Helper()
	select {
	case <-r.done:
		r.t.Fatalf("Run returned %s after %s; a frontend that stays goes on until the person leaves or ctx ends", shown(r.err), after)
	case <-time.After(shortWait):
	}
}

// wantSignedIn checks what follows a sign-in, as the frontend's kind demands.
func (r *run) wantSignedIn(email string) {
	r.t.Helper()
	if !r.k.stays {
		if err := r.wait("the sign-in succeeded"); err != nil {
			r.t.Fatalf("Run returned %q after the sign-in succeeded, want nil", err)
		}
	}
	r.sees("who is signed in", email)
	if r.k.stays {
		r.wantRunning("the sign-in")
	}
}

// wantEnded ends ctx, and checks that Run returns soon and with what.
func (r *run) wantEnded(while string) {
	r.t.Helper()
	r.cancel()
	err := r.wait("its ctx ended while " + while)
	if err == nil && r.k.stays || errors.Is(err, context.Canceled) {
		return
	}
	if r.k.stays {
		r.t.Errorf("Run returned %s when its ctx ended while %s, want nil or an error that wraps context.Canceled", shown(err), while)
		return
	}
	r.t.Errorf("Run returned %s when its ctx ended while %s, want an error that wraps context.Canceled: nil means that the person is signed in",
		shown(err), while)
}

// expect makes sc the next sign-in.
func (s *stage) expect(sc *scene) *scene {
	s.app.guard.change(func() { s.app.scenes = append(s.app.scenes, sc) })
	if sc.state != "" {
		s.private = append(s.private, sc.state)
	}
	return sc
}

// openAddress has the person sign in until there is an address, which must be the
// prompt's.
func (s *stage) openAddress(sc *scene) {
	s.t.Helper()
	s.act("asking to sign in", s.person.SignIn)
	s.wantAddress(sc)
}

func (s *stage) wantAddress(sc *scene) {
	s.t.Helper()
	var got string
	s.act("waiting for the address of the sign-in", func(ctx context.Context) (err error) {
		got, err = s.person.Address(ctx)
		return err
	})
	if want := sc.prompts[0].URL; got != want {
		s.t.Fatalf("the person is shown the address\n\t%q\nwant the prompt's, unchanged\n\t%q", got, want)
	}
}

// redirect is the browser that brings the answer. Prompt must return.
func (s *stage) redirect(sc *scene) {
	s.t.Helper()
	close(sc.redirected)
	s.reply(sc, "its ctx ended since the answer came by the browser")
}

// reply waits until Prompt returns.
func (s *stage) reply(sc *scene, after string) reply {
	s.t.Helper()
	select {
	case r := <-sc.replies:
		return r
	case <-time.After(s.k.patience):
		s.t.Fatalf("Prompt has not returned %v after %s%s", s.k.patience, after, s.report())
		return reply{}
	}
}

// signInWhole is a sign-in in a Run of its own, which it leaves running if the
// frontend stays.
func (s *stage) signInWhole(email string) *run {
	s.t.Helper()
	sc := s.expect(newScene(email))
	r := s.start()
	s.openAddress(sc)
	s.redirect(sc)
	r.wantSignedIn(email)
	return r
}

// interrupt ends the last Run, if it has not ended.
func (s *stage) interrupt() {
	s.t.Helper()
	s.last.cancel()
	_ = s.last.wait("its ctx ended")
}

// sees checks that the person sees text.
func (s *stage) sees(what, text string) {
	s.t.Helper()
	s.act(fmt.Sprintf("looking for %s, %q", what, text), func(ctx context.Context) error { return s.person.Sees(ctx, text) })
}

// act lets the person do something, which must succeed in time.
func (s *stage) act(what string, f func(context.Context) error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), s.k.patience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	select {
	case err := <-done:
		if err != nil {
			s.t.Fatalf("the person, %s: %v%s", what, err, s.report())
		}
	case <-time.After(2 * s.k.patience):
		s.t.Fatalf("the person, %s: the Person has not returned after %v, although its ctx ended", what, 2*s.k.patience)
	}
}

// wantCall waits until the App is asked.
func (s *stage) wantCall(method, after string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), s.k.patience)
	defer cancel()
	if s.app.guard.wait(ctx, s.app.called(method)) != nil {
		s.t.Fatalf("App.%s has not been called %v after %s%s", method, s.k.patience, after, s.report())
	}
}

// report tells what else is known, at the end of a message.
func (s *stage) report() string {
	text := "; Run goes on"
	if s.last == nil {
		text = "; Run was not called"
	} else {
		select {
		case <-s.last.done:
			text = "; Run has returned " + shown(s.last.err)
		default:
		}
	}
	seen := s.person.Shown()
	const most = 600
	return fmt.Sprintf("; the person was shown %q", seen[max(0, len(seen)-most):]) + text
}

func shown(err error) string {
	if err == nil {
		return "nil"
	}
	return fmt.Sprintf("%q", err.Error())
}
