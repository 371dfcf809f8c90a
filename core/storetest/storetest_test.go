package storetest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest"
)

// brokenEnv names the defect of the store that a child process checks.
const brokenEnv = "TOKENTOSS_STORETEST_DEFECT"

func TestCorrectStorePasses(t *testing.T) {
	storetest.Run(t, func(*testing.T) core.TokenStore { return newMemory() },
		storetest.WithReopen(func(_ *testing.T, first core.TokenStore) core.TokenStore {
			return &memory{first.(*memory).place}
		}))
}

// TestSkips checks that absent powers are told, with their reasons.
func TestSkips(t *testing.T) {
	if os.Getenv(brokenEnv) == "skips" {
		storetest.Run(t, func(*testing.T) core.TokenStore { return struct{ core.TokenStore }{newMemory()} },
			storetest.SkipLocking("one process only"), storetest.SkipListing("names are hashed"))
		return
	}
	t.Parallel()
	out, err := child(t, "TestSkips", "skips")
	if err != nil {
		t.Errorf("a store that declares what it lacks does not pass: %v\n%s", err, out)
	}
	for _, want := range []string{"one process only", "names are hashed", "storetest.WithReopen"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not say %q:\n%s", want, out)
		}
	}
}

// TestBrokenStore is what the child processes of TestBrokenStoresFail run.
func TestBrokenStore(t *testing.T) {
	name := os.Getenv(brokenEnv)
	for _, d := range defects() {
		if d.name != name {
			continue
		}
		over := func(_ *testing.T, s core.TokenStore) core.TokenStore { return d.broken(newMemory()) }
		storetest.Run(t, func(t *testing.T) core.TokenStore { return over(t, nil) },
			storetest.WithReopen(over), storetest.WithPatience(500*time.Millisecond))
		return
	}
	t.Skip("for child processes")
}

// TestBrokenStoresFail checks that the kit finds each defect, where it should,
// and says what is wrong. Each runs in a process of its own, whose tests fail.
func TestBrokenStoresFail(t *testing.T) {
	t.Parallel()
	for _, d := range defects() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			out, err := child(t, "TestBrokenStore/^"+strings.ReplaceAll(d.check, "/", "$/^"), d.name)
			if err == nil {
				t.Fatalf("a store that %s passes %s:\n%s", d.name, d.check, out)
			}
			if failed := "--- FAIL: TestBrokenStore/" + d.check + " "; !strings.Contains(out, failed) {
				t.Errorf("the output has no line %q:\n%s", failed, out)
			}
			if !strings.Contains(out, d.says) {
				t.Errorf("the output does not say %q:\n%s", d.says, out)
			}
			if strings.Contains(out, "panic:") {
				t.Errorf("the kit panics:\n%s", out)
			}
		})
	}
}

// child runs one test of this binary with a defect.
func child(t *testing.T, test, defect string) (string, error) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, "-test.v", "-test.timeout=60s", "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), brokenEnv+"="+defect)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
