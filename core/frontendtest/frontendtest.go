// Package frontendtest checks an implementation of [core.Frontend] against its
// contract, whatever carries it: this process, or an executable of its own.
//
// A frontend's author writes a [Person], which does what a person does on that
// frontend's surface, and then needs three lines:
//
//	func TestConformance(t *testing.T) {
//		frontendtest.Run(t, func(t *testing.T) (core.Frontend, frontendtest.Person) { return open(t) })
//	}
//
// Behind the frontend stands an App of this package, which never asks a
// provider. Nothing is checked but what the person sees, what the App is asked,
// and what Run returns.
//
// There are two kinds of frontends. One ends with the sign-in, as a command
// does: its Run returns nil when the person is signed in, and otherwise an error
// that wraps the App's. The other stays, as a page does, and is declared with
// [Stays]: it shows errors to the person and goes on, until the person leaves or
// its ctx ends. What a frontend lacks must be declared with a Skip option, so
// that it can be read in the test's output.
package frontendtest

import (
	"errors"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"go.uber.org/goleak"
)

// defaultPatience bounds what is meant to happen soon.
const defaultPatience = 10 * time.Second

// shortWait is how long the checks look whether something happens that must not.
const shortWait = 100 * time.Millisecond

// An Option adapts [Run] to a frontend.
type Option func(*kit)

// Stays declares that the frontend goes on after a sign-in, until the person
// leaves or its ctx ends. Such a frontend shows who is signed in.
func Stays() Option { return func(k *kit) { k.stays = true } }

// SkipPaste declares that the frontend takes no answer to a prompt, and why.
func SkipPaste(reason string) Option { return func(k *kit) { k.noPaste = reason } }

// SkipCode declares that the frontend does not show the Code of a prompt, and
// why.
func SkipCode(reason string) Option { return func(k *kit) { k.noCode = reason } }

// SkipConfigure declares that no OAuth client can be set on the frontend, and
// why.
func SkipConfigure(reason string) Option { return func(k *kit) { k.noConfigure = reason } }

// SkipSignOut declares that a person cannot sign out on the frontend, and why.
func SkipSignOut(reason string) Option { return func(k *kit) { k.noSignOut = reason } }

// SkipWatch declares that the frontend does not follow what happens to the
// session elsewhere, and why.
func SkipWatch(reason string) Option { return func(k *kit) { k.noWatch = reason } }

// SkipLeave declares that only the end of ctx ends the frontend, and why.
func SkipLeave(reason string) Option { return func(k *kit) { k.noLeave = reason } }

// WithWords gives the words in which the frontend shows err, one of core's
// errors, to a person. When not set, they are the error's own.
func WithWords(err error, text string) Option {
	return func(k *kit) { k.words = append(k.words, words{err, text}) }
}

// WithPatience sets how long may pass until something happens that is meant to
// happen soon; 10 seconds when not set.
func WithPatience(d time.Duration) Option { return func(k *kit) { k.patience = d } }

// Run checks the frontends that open returns, in subtests. Each call of open
// returns a frontend of its own that is not running, and the person who operates
// it. Run of one frontend is called more than once, one after the other.
// Frontends that are an [io.Closer] are closed. What else open starts, it must
// end in t.Cleanup. No address that the person is shown may be opened: it leads
// nowhere.
//
// Run watches for goroutines that are left over: do not call it in a test that
// runs in parallel with others.
func Run(t *testing.T, open func(t *testing.T) (core.Frontend, Person), opts ...Option) {
	t.Helper()
	k := &kit{open: open, patience: defaultPatience}
	for _, opt := range opts {
		opt(k)
	}
	k.run(t, signInChecks())
	t.Run("Code", k.unless(k.noCode, "shows no code", checkCode))
	t.Run("Paste", k.unless(k.noPaste, "takes no answer", group(pasteChecks())))
	t.Run("Errors", func(t *testing.T) { k.run(t, errorChecks()) })
	t.Run("End", func(t *testing.T) { k.run(t, endChecks()) })
	t.Run("Again", func(t *testing.T) { k.run(t, againChecks()) })
	t.Run("Configure", k.unless(k.noConfigure, "cannot be used to set a client", group(configureChecks())))
	t.Run("SignOut", k.unless(k.noSignOut, "cannot be used to sign out", k.ifStays(group(signOutChecks()))))
	t.Run("Watch", k.unless(k.noWatch, "does not follow the session", k.ifStays(group(watchChecks()))))
	t.Run("Leave", k.unless(k.noLeave, "is not left by a person", k.ifStays(checkLeave)))
	t.Run("Secrets", func(t *testing.T) { checkSecrets(t, k) })
	t.Run("Goroutines", k.checkGoroutines)
}

// A kit is one Run.
type kit struct {
	open     func(*testing.T) (core.Frontend, Person)
	stays    bool
	words    []words
	patience time.Duration

	noPaste, noCode, noConfigure, noSignOut, noWatch, noLeave string // why not
}

// words are how a frontend shows an error.
type words struct {
	err  error
	text string
}

// wordsFor returns what a person sees of err.
func (k *kit) wordsFor(err error) string {
	for _, w := range k.words {
		if errors.Is(err, w.err) {
			return w.text
		}
	}
	return err.Error()
}

// A check is one rule of the contract.
type check struct {
	name string
	run  func(t *testing.T, k *kit)
}

func (k *kit) run(t *testing.T, checks []check) {
	t.Helper()
	for _, c := range checks {
		t.Run(c.name, func(t *testing.T) { c.run(t, k) })
	}
}

// group makes one check of several.
func group(checks []check) func(*testing.T, *kit) {
	return func(t *testing.T, k *kit) { k.run(t, checks) }
}

// unless skips a check when there is a reason to.
func (k *kit) unless(reason, lacks string, run func(*testing.T, *kit)) func(*testing.T) {
	return func(t *testing.T) {
		if reason != "" {
			t.Skipf("the frontend declares that it %s: %s", lacks, reason)
		}
		run(t, k)
	}
}

// ifStays skips a check where a frontend has nothing to show for it.
func (k *kit) ifStays(run func(*testing.T, *kit)) func(*testing.T, *kit) {
	return func(t *testing.T, k *kit) {
		if !k.stays {
			t.Skip("the frontend ends with the sign-in; one that goes on says so with frontendtest.Stays")
		}
		run(t, k)
	}
}

// checkGoroutines uses a frontend and looks for what is left running after it
// is closed.
func (k *kit) checkGoroutines(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("use", func(t *testing.T) {
		s := k.stage(t)
		s.signInWhole(ada)
		s.interrupt()
	})
	if err := goleak.Find(before); err != nil {
		t.Errorf("goroutines are left over after Run returned and the frontend was closed: %v", err)
	}
}
