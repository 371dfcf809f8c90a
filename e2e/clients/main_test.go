//go:build linux

package clients_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/e2e/internal/suite"
)

// binaries is the directory of the executables that the tests run, and programs that of
// the clients that .ci/clients installs.
var binaries, programs = os.Getenv("TOKENTOSS_TEST_BINARIES"), os.Getenv("TOKENTOSS_CLIENTS")

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run builds the executables where they are wanted and were not named from outside.
func run(m *testing.M) int {
	if binaries != "" || !slices.Contains(strings.Split(os.Getenv(suite.Env), ","), suite.Clients) {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "tokentoss-clients-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	const commands = "github.com/tokentoss/tokentoss/frontends/cli/cmd/"
	c := exec.Command("go", "build", "-o", dir+string(filepath.Separator), commands+"tokentoss", commands+"tokentoss-host")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the executables: %v\n%s", err, out)
		return 1
	}
	binaries = dir
	return m.Run()
}
