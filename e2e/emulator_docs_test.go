package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// example returns the one example in a language of docs/emulator.md that begins like this.
func example(t *testing.T, language, begins string) string {
	t.Helper()
	page, err := os.ReadFile("../docs/emulator.md")
	if err != nil {
		t.Fatal(err)
	}
	_, code, found := strings.Cut(string(page), "```"+language+"\n"+begins)
	code, _, closed := strings.Cut(code, "```")
	if !found || !closed {
		t.Fatalf("docs/emulator.md has no example in %s that begins with %q", language, begins)
	}
	return begins + code
}

// The example in Go is one that the tests compile and run.
func TestEmulatorDocsGo(t *testing.T) {
	t.Parallel()
	code, err := os.ReadFile("greeter/greeter_test.go")
	if err != nil {
		t.Fatal(err)
	}
	if example(t, "go", "package greeter") != string(code) {
		t.Error("the example in docs/emulator.md is not e2e/greeter/greeter_test.go")
	}
}

// The example for Node passes.
func TestEmulatorDocsNode(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is missing here")
	}
	if exec.Command(node, "-e", "process.exit(parseInt(process.versions.node) < 20)").Run() != nil {
		t.Skip("node is older than 20 here")
	}
	file := filepath.Join(t.TempDir(), "greeter.test.mjs")
	if err := os.WriteFile(file, []byte(example(t, "js", "import assert")), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "--test", file)
	cmd.Env = append(os.Environ(), "PATH="+binaries(t)+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "# pass 2") {
		t.Errorf("%v\n%s", err, out)
	}
}
