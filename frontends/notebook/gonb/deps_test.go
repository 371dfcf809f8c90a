//go:build !windows

package gonb

import (
	"os/exec"
	"strings"
	"testing"
)

// TestLinksNothingHeavy: each run of a cell links this package anew. Neither the kernel
// nor what loads plugins is a part of it.
func TestLinksNothingHeavy(t *testing.T) {
	heavy := []string{
		"google.golang.org/", "github.com/hashicorp/", "go.opentelemetry.io/", "github.com/go-rod/", "github.com/go-zeromq/",
		"go.lsp.dev/", "github.com/99designs/", "filippo.io/",
	}
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 100 {
		t.Fatalf("go list gave %d packages", len(packages))
	}
	for _, p := range packages {
		for _, h := range heavy {
			if strings.HasPrefix(p, h) {
				t.Errorf("package gonb links %s", p)
			}
		}
	}
}
