//go:build !windows

package keyring_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The library for keyrings asks for a jose2go with CVE-2023-50658 and
// CVE-2025-63811; what is built must not have it.
func TestBuiltWithMendedJose(t *testing.T) {
	t.Parallel()
	const module, want = "github.com/dvsekhvalnov/jose2go", "v1.11.0"
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Version}}{{end}}", ".")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		path, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		if path == module && version != want {
			t.Errorf("%s is %s, want %s; if it is newer, say so here", path, version, want)
		}
	}
	if !strings.Contains(string(out), module+" ") {
		t.Errorf("%s is not part of the build any more; this test and the requirement can go", module)
	}
}
