//go:build !windows

package core_test

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// What every program that embeds the core links: the standard library, this
// module, and x/oauth2. A new dependency is a decision, not an accident.
func TestDependencies(t *testing.T) {
	t.Parallel()
	const module = "github.com/tokentoss/tokentoss/core"
	oauth2 := []string{"golang.org/x/oauth2", "golang.org/x/oauth2/internal"}
	goleak := []string{"go.uber.org/goleak", "go.uber.org/goleak/internal/stack"}
	for pkg, allowed := range map[string][]string{
		".": oauth2, "./oidc": oauth2, "./authcode": oauth2, "./device": oauth2, "./iap": oauth2,
		// For the tests of stores and frontends only, to find the goroutines that
		// they leave.
		"./storetest": slices.Concat(goleak, oauth2), "./frontendtest": slices.Concat(goleak, oauth2),
	} {
		cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", pkg)
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("go list of %s: %v", pkg, err)
		}
		deps := strings.Fields(string(out))
		// Package oidc is of use without a session, and knows of none.
		if got, want := slices.Contains(deps, module), pkg != "./oidc"; got != want {
			t.Errorf("%s: package core among its dependencies: %t, expected %t", pkg, got, want)
		}
		for _, dep := range deps {
			if dep != module && !strings.HasPrefix(dep, module+"/") && !slices.Contains(allowed, dep) {
				t.Errorf("%s depends on %s", pkg, dep)
			}
		}
	}
}
