//go:build !windows

package googleid_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// A service that verifies links the standard library and these packages, and no
// more.
func TestDependencies(t *testing.T) {
	t.Parallel()
	own := []string{
		"github.com/tokentoss/tokentoss/core/fault", "github.com/tokentoss/tokentoss/core/internal/jws",
		"github.com/tokentoss/tokentoss/core/proxyenv", "github.com/tokentoss/tokentoss/core/googleid",
		"github.com/tokentoss/tokentoss/core/googleid/guard",
	}
	out, err := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./guard").Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(string(out)); !slices.Equal(got, own) {
		t.Errorf("guard links %q", got)
	}
}
