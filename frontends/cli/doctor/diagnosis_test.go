package doctor_test

import (
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/frontends/cli/doctor"
)

// A fact in a command is one word, for a shell too.
func TestCommandsQuote(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there is no POSIX shell")
	}
	for _, odd := range []string{"ada@example.com", "a b", `x'"$(exit 3)` + "`x`;&\\", "'"} {
		line := doctor.Facts{"email": odd}.ExpandCommand("printf %s {email}")
		out, err := exec.Command("/bin/sh", "-c", line).Output()
		if err != nil || string(out) != odd {
			t.Errorf("%s printed %q, %v", line, out, err)
		}
	}
}

func TestDiagnosesAreComplete(t *testing.T) {
	var seen []doctor.Code
	for _, c := range doctor.Diagnoses() {
		if slices.Contains(seen, c.Code) {
			t.Errorf("%s is there twice", c.Code)
		}
		seen = append(seen, c.Code)
		if c.Code == "" || c.Check == "" || c.Title == "" || c.Cause == "" || len(c.Do) == 0 {
			t.Errorf("%s has a gap", c.Code)
		}
		if (c.Level == doctor.Fail) != (c.Exit != 0) || c.Level != doctor.Fail && c.Level != doctor.Warn {
			t.Errorf("%s: level %s, exit code %d", c.Code, c.Level, c.Exit)
		}
		if strings.HasSuffix(c.Title, ".") || !strings.HasSuffix(c.Cause, ".") && c.Cause != "{meaning}" {
			t.Errorf("%s: a title has no full stop, a cause has one", c.Code)
		}
	}
}
