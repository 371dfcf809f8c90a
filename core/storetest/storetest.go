// Package storetest checks an implementation of [core.TokenStore] against its
// contract, whatever carries it: a file, a database, another process.
//
// A store's author needs three lines:
//
//	func TestConformance(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) core.TokenStore { return mystore.New(t.TempDir()) })
//	}
//
// Optional capabilities are checked too. A store that is no [core.Locker] or no
// [core.Lister] must say so with [SkipLocking] or [SkipListing], so that what is
// missing can be read in the test's output.
//
// What is wrong is said once, in one sentence: after the first fault of an area the
// checks that build on it are left out. A call that hangs or panics is a fault like
// any other, and ends the run. Run the tests with -race as well: two goroutines that
// write one map are seen by Go's race detector, and by nothing else.
package storetest

import (
	"runtime"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// defaultTimeout bounds one call of a store that is not meant to wait.
const defaultTimeout = 10 * time.Second

// An Option adapts [Run] to a store.
type Option func(*kit)

// WithReopen gives a way to open the place of first again, as another process
// would: nothing but the stored documents and the locks may be shared. It is
// called both after first was closed and while it is in use. Without it, Run
// does not check that documents outlive the store, nor that two stores over one
// place respect each other.
func WithReopen(reopen func(t *testing.T, first core.TokenStore) core.TokenStore) Option {
	return func(k *kit) { k.reopen = reopen }
}

// WithLoss gives a way to take away the lock of core.DefaultKey that s holds, as the
// restart of a server or a lease that ran out would. It is for stores whose leases
// can be lost. Without it, Run does not check that holders are told, nor that one
// who is late leaves the lock of the next holder alone.
func WithLoss(lose func(t *testing.T, s core.TokenStore)) Option {
	return func(k *kit) { k.lose = lose }
}

// SkipLocking declares that the store is no [core.Locker], and why.
func SkipLocking(reason string) Option { return func(k *kit) { k.noLocking = reason } }

// SkipListing declares that the store is no [core.Lister], and why.
func SkipListing(reason string) Option { return func(k *kit) { k.noListing = reason } }

// WithTimeout sets how long one call may take, and how long one whose context has
// ended may go on before it counts as hanging; 10 seconds when not set.
func WithTimeout(d time.Duration) Option { return func(k *kit) { k.timeout = d } }

// WithRounds sets how often the checks of concurrent callers repeat; 5 times when
// not set. Fewer are for a store whose calls take long, such as one that starts
// programs: a race is then found less surely in one run.
func WithRounds(n int) Option { return func(k *kit) { k.rounds = n } }

// Run checks the stores that open returns, in subtests. Each call of open must
// return a store over a place that is empty. Stores that are an [io.Closer] are
// closed. What else open starts, it must end in t.Cleanup.
//
// Run watches for goroutines and files that are left over: do not call it in a test
// that runs in parallel with others.
func Run(t *testing.T, open func(t *testing.T) core.TokenStore, opts ...Option) {
	t.Helper()
	k := &kit{open: open, timeout: defaultTimeout, rounds: defaultRounds}
	if runtime.GOOS == "windows" { // where eight who save together take longer, above all by Wine
		k.timeout = 6 * defaultTimeout
	}
	for _, opt := range opts {
		opt(k)
	}
	failed := map[string]bool{}
	for _, a := range areas() {
		t.Run(a.name, func(t *testing.T) {
			for _, needed := range a.needs {
				if failed[needed] {
					failed[a.name] = true
					t.Skip("not checked: mend what failed in " + needed + " first")
				}
			}
			if reason := a.skip(k); reason != "" {
				t.Skip(reason)
			}
			failed[a.name] = !k.run(t, a.checks)
		})
		if failed["Reopen"] {
			k.reopen = nil // the areas that follow do without
		}
	}
}

// An area is a part of the contract. Its checks build on those before them.
type area struct {
	name   string
	needs  []string // the areas without which its failures would say nothing
	checks []check
	skip   func(*kit) string // why the area is not checked, or nothing
}

// A check is one rule of the contract.
type check struct {
	name string
	run  func(t *testing.T, k *kit)
}

func areas() []area {
	always := func(*kit) string { return "" }
	reopened := func(k *kit) string {
		if k.reopen == nil {
			return "not checked: give storetest.WithReopen"
		}
		return ""
	}
	return []area{
		{"Documents", nil, documentChecks(), always},
		{"Save", []string{"Documents"}, saveChecks(), always},
		{"Concurrency", []string{"Save"}, raceChecks(), always},
		{"Lock", []string{"Documents"}, lockChecks(), func(k *kit) string { return declared("locks", k.noLocking) }},
		{"List", []string{"Documents"}, listChecks(), func(k *kit) string { return declared("list", k.noListing) }},
		{"Capabilities", []string{"Save"}, capabilityChecks(), always},
		{"Reopen", []string{"Concurrency", "Lock", "List"}, reopenChecks(), reopened},
		{"Close", []string{"Documents"}, closeChecks(), always},
		{"Leaks", []string{"Close"}, leakChecks(), always},
	}
}

func declared(what, reason string) string {
	if reason == "" {
		return ""
	}
	return "the store declares that it has no " + what + ": " + reason
}

// A kit is one Run.
type kit struct {
	open      func(*testing.T) core.TokenStore
	reopen    func(*testing.T, core.TokenStore) core.TokenStore
	lose      func(*testing.T, core.TokenStore)
	noLocking string
	noListing string
	timeout   time.Duration
	rounds    int

	broken bool // a call hung or panicked: the store is not to be called again
}

// run makes the checks of an area until one fails, and tells whether none did.
func (k *kit) run(t *testing.T, checks []check) bool {
	t.Helper()
	for _, c := range checks {
		if k.broken {
			t.Skip("not checked: a call of the store hung or panicked")
		}
		if !t.Run(c.name, func(t *testing.T) { c.run(t, k) }) {
			return false
		}
	}
	return true
}
