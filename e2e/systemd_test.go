package e2e_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The units of docs/operate.md are as closed as systemd can tell: an exposure below 2.0.
func TestSystemdUnitsAreSandboxed(t *testing.T) {
	t.Parallel()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is missing here")
	}
	if out, err := exec.Command(analyze, "security", "--help").CombinedOutput(); err != nil || !strings.Contains(string(out), "--offline") {
		t.Skip("systemd-analyze is too old to look at a unit that is not loaded")
	}
	units, err := filepath.Glob("../docs/systemd/*.service")
	if err != nil || len(units) == 0 {
		t.Fatalf("there are no units: %v", err)
	}
	for _, unit := range units {
		out, err := exec.Command(analyze, "security", "--offline=true", "--no-pager", "--threshold=19", unit).CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", unit, err, out)
		}
	}
}
