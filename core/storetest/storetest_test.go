package storetest_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest"
)

// faultEnv names the fault of the store that a child process checks.
const faultEnv = "TOKENTOSS_STORETEST_FAULT"

// reopened is another store over the place of first.
func reopened(_ *testing.T, first core.TokenStore) core.TokenStore {
	return &memory{first.(*memory).place}
}

func TestCorrectStorePasses(t *testing.T) {
	storetest.Run(t, func(*testing.T) core.TokenStore { return newMemory() }, storetest.WithReopen(reopened))
}

// A store whose locks can be lost, and that tells its holders, passes as well.
func TestCorrectStoreWithLeasesPasses(t *testing.T) {
	storetest.Run(t, func(*testing.T) core.TokenStore { return newLeased() },
		storetest.WithReopen(func(_ *testing.T, first core.TokenStore) core.TokenStore { return first.(*leased).reopen() }),
		storetest.WithLoss(func(_ *testing.T, s core.TokenStore) { s.(*leased).lose() }))
}

// What is missing is told, with its reasons.
func TestSkipsSayWhy(t *testing.T) {
	if os.Getenv(faultEnv) == "skips" {
		storetest.Run(t, func(*testing.T) core.TokenStore { return struct{ core.TokenStore }{newMemory()} },
			storetest.SkipLocking("one process only"), storetest.SkipListing("names are hashed"))
		return
	}
	t.Parallel()
	out, err := child(t, "TestSkipsSayWhy", "skips", "-test.v")
	if err != nil {
		t.Errorf("a store that declares what it lacks does not pass: %v\n%s", err, out)
	}
	for _, want := range []string{"one process only", "names are hashed", "storetest.WithReopen"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not say %q:\n%s", want, out)
		}
	}
}

// TestFaultyStore is what the child processes of TestFaultsAreFound run.
func TestFaultyStore(t *testing.T) {
	name := os.Getenv(faultEnv)
	for _, f := range faults() {
		if f.name != name {
			continue
		}
		opts := []storetest.Option{storetest.WithTimeout(time.Second)}
		if f.reopen == nil {
			f.reopen = func(s core.TokenStore) core.TokenStore { return f.open(s.(interface{ at() *memory }).at()) }
		}
		opts = append(opts, storetest.WithReopen(func(_ *testing.T, s core.TokenStore) core.TokenStore { return f.reopen(s) }))
		storetest.Run(t, func(*testing.T) core.TokenStore { return f.open(newMemory()) }, append(opts, f.opts...)...)
		return
	}
	t.Skip("for child processes")
}

// message is a line that a test has said.
var message = regexp.MustCompile(`(?m)^ +[a-z_]+\.go:\d+: .*$`)

// Each fault fails the kit, in bounded time, with one sentence that says what is
// wrong. Each runs in a process of its own, whose tests fail. They wait more than they
// work, so that many run at a time.
func TestFaultsAreFound(t *testing.T) {
	list := faults()
	outs, errs := make([]string, len(list)), make([]error, len(list))
	var running sync.WaitGroup
	places := make(chan struct{}, 8)
	for i, f := range list {
		running.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			outs[i], errs[i] = child(t, "TestFaultyStore", f.name)
		})
	}
	running.Wait()
	for i, f := range list {
		t.Run(strings.ReplaceAll(f.name, " ", "_"), func(t *testing.T) {
			out := outs[i]
			if errs[i] == nil {
				t.Fatalf("a store that %s passes:\n%s", f.name, out)
			}
			said := message.FindAllString(out, -1)
			if len(said) != 1 {
				t.Fatalf("a store that %s gets %d messages, want one:\n%s", f.name, len(said), out)
			}
			if !strings.Contains(said[0], f.says) {
				t.Errorf("a store that %s: the message does not say %q:\n%s", f.name, f.says, said[0])
			}
			if strings.Contains(out, "panic:") {
				t.Errorf("the kit panics:\n%s", out)
			}
			t.Log(strings.TrimSpace(said[0]))
		})
	}
}

// child runs one test of this binary with a fault.
func child(t *testing.T, test, fault string, args ...string) (string, error) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, append(args, "-test.timeout=60s", "-test.run=^"+test+"$")...)
	cmd.Env = append(os.Environ(), faultEnv+"="+fault)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
