//go:build !windows

package notebook_test

import (
	"os/exec"
	"strings"
	"testing"
)

// A program that carries the messages itself links nothing of what plugins need.
func TestSignInLinksNoPlugins(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "../signin", "../signin/widget", "./remote").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 50 {
		t.Fatalf("go list gave %d packages", len(packages))
	}
	for _, p := range packages {
		if strings.HasPrefix(p, "google.golang.org/") || strings.HasPrefix(p, "github.com/hashicorp/") || strings.Contains(p, "tokentoss/plugins") {
			t.Errorf("%s is linked", p)
		}
	}
}
