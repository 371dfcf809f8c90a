package frontendtest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/frontendtest"
)

// brokenEnv names the defect of the frontend that a child process checks.
const brokenEnv = "TOKENTOSS_FRONTENDTEST_DEFECT"

func TestCorrectFrontendsPass(t *testing.T) {
	t.Run("ends", func(t *testing.T) {
		frontendtest.Run(t, func(*testing.T) (core.Frontend, frontendtest.Person) {
			p := newPanel(false)
			return p, panelPerson{p}
		}, frontendtest.SkipConfigure("it only signs in"))
	})
	t.Run("stays", func(t *testing.T) {
		frontendtest.Run(t, func(*testing.T) (core.Frontend, frontendtest.Person) {
			p := newPanel(true)
			return p, panelPerson{p}
		}, frontendtest.Stays())
	})
	t.Run("lines", func(t *testing.T) { frontendtest.Run(t, openLines, frontendtest.SkipConfigure("it only signs in")) })
}

// TestSkips checks that what a frontend lacks is told, with the reasons.
func TestSkips(t *testing.T) {
	if os.Getenv(brokenEnv) == "skips" {
		frontendtest.Run(t, func(*testing.T) (core.Frontend, frontendtest.Person) {
			p := newPanel(true)
			return shows{p, func(p core.Prompt) core.Prompt { p.Code = ""; return p }}, bare{panelPerson{p}}
		}, frontendtest.Stays(), frontendtest.SkipPaste("no keyboard"), frontendtest.SkipCode("no flow has one"),
			frontendtest.SkipConfigure("done by another"), frontendtest.SkipSignOut("one guest only"),
			frontendtest.SkipWatch("nobody else is here"), frontendtest.SkipLeave("no way out"))
		return
	}
	t.Parallel()
	out, err := child(t, "TestSkips", "skips")
	if err != nil {
		t.Errorf("a frontend that declares what it lacks does not pass: %v\n%s", err, out)
	}
	for _, want := range []string{
		"no keyboard", "no flow has one", "done by another", "one guest only", "nobody else is here", "no way out",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not say %q:\n%s", want, out)
		}
	}
}

// TestBrokenFrontend is what the child processes of TestBrokenFrontendsFail run.
func TestBrokenFrontend(t *testing.T) {
	name := os.Getenv(brokenEnv)
	for _, d := range defects() {
		if d.name != name {
			continue
		}
		kind := frontendtest.SkipConfigure("it only signs in")
		if d.stays {
			kind = frontendtest.Stays()
		}
		frontendtest.Run(t, func(*testing.T) (core.Frontend, frontendtest.Person) {
			p := newPanel(d.stays)
			return d.broken(p), panelPerson{p}
		}, kind, frontendtest.WithPatience(500*time.Millisecond))
		return
	}
	t.Skip("for child processes")
}

// TestBrokenFrontendsFail checks that the kit finds each defect, where it should,
// and says what is wrong. Each runs in a process of its own, whose tests fail.
func TestBrokenFrontendsFail(t *testing.T) {
	t.Parallel()
	for _, d := range defects() {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			out, err := child(t, "TestBrokenFrontend$/^"+strings.ReplaceAll(d.check, "/", "$/^"), d.name)
			if err == nil {
				t.Fatalf("a frontend that %s passes %s:\n%s", d.name, d.check, out)
			}
			if failed := "--- FAIL: TestBrokenFrontend/" + d.check + " "; !strings.Contains(out, failed) {
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

// TestLackMustBeDeclared checks that a person who cannot do something is no
// reason to leave out a check.
func TestLackMustBeDeclared(t *testing.T) {
	if os.Getenv(brokenEnv) == "undeclared" {
		frontendtest.Run(t, func(*testing.T) (core.Frontend, frontendtest.Person) {
			p := newPanel(true)
			return p, bare{panelPerson{p}}
		}, frontendtest.Stays())
		return
	}
	t.Parallel()
	out, err := child(t, "TestLackMustBeDeclared", "undeclared")
	if err == nil {
		t.Errorf("a frontend that lacks much, and does not say so, passes:\n%s", out)
	}
	for _, want := range []string{"frontendtest.SkipConfigure", "frontendtest.SkipSignOut", "frontendtest.SkipLeave"} {
		if !strings.Contains(out, want) {
			t.Errorf("the output does not say %q:\n%s", want, out)
		}
	}
}

// bare is a person without the optional powers.
type bare struct{ frontendtest.Person }

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
