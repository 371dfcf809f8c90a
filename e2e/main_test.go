package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// binariesEnv has the directory of the executables that the tests run. Set from
// outside, it names ones that are there already, such as a release's.
const binariesEnv = "TOKENTOSS_TEST_BINARIES"

// systemEnv says what system the executables of [binariesEnv] are for, if it is not this
// one: "windows". Wine runs them then.
const systemEnv = "TOKENTOSS_TEST_SYSTEM"

// wineEnv is what the executables need if it is Wine that runs them: a browser, and the
// configuration directory by its Windows name.
func wineEnv(config string) []string {
	if os.Getenv(systemEnv) != "windows" {
		return nil
	}
	return []string{"TOKENTOSS_AGENT_IDLE=0", "TOKENTOSS_CONFIG_DIR=Z:" + strings.ReplaceAll(config, "/", `\`), "BROWSER=" + os.Getenv("TOKENTOSS_TEST_BROWSER")}
}

func TestMain(m *testing.M) {
	defaultSignals(os.Interrupt, syscall.SIGHUP)
	os.Exit(run(m))
}

// defaultSignals has the programs that the tests start begin with the default for these
// signals: one that is ignored, as by nohup or for a shell's job in the background, would
// stay ignored in them. A signal that is caught here is not ignored there.
func defaultSignals(list ...os.Signal) {
	for _, s := range list {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

// run builds both executables, as they are released, and the plugins that are
// examples, and runs the tests.
func run(m *testing.M) int {
	if os.Getenv(binariesEnv) != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "tokentoss-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// Some tests run the executables as a user without privileges.
	err = os.Chmod(dir, 0o755)
	if err == nil {
		err = build(dir)
	}
	if err == nil {
		err = os.Setenv(binariesEnv, dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

func build(dir string) error {
	const module = "github.com/tokentoss/tokentoss/"
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", "urfave_cli_no_docs",
		"-o", dir+string(filepath.Separator), module+"frontends/cli/cmd/tokentoss", module+"frontends/cli/cmd/tokentoss-host",
		// Plugins as others write them.
		module+"plugins/examples/store-pass", module+"plugins/examples/frontend-line")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building the executables: %w\n%s", err, out)
	}
	return nil
}

// binaries returns the directory of the executables.
func binaries(t testing.TB) string {
	t.Helper()
	dir := os.Getenv(binariesEnv)
	if dir == "" {
		t.Fatal(binariesEnv + " is not set: TestMain did not run")
	}
	return dir
}
