package page_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
	"github.com/tokentoss/tokentoss/e2e/internal/suite"
)

// axeSource is axe-core as npm/package-lock.json has it, which finds what is wrong for
// people who hear a page, use no mouse or see little.
var axeSource = sync.OnceValues(func() (string, error) {
	dir, err := filepath.Abs(filepath.Join("..", "..", ".cache", "page", "npm"))
	if err != nil {
		return "", err
	}
	lock, err := os.ReadFile("npm/package-lock.json")
	if err != nil {
		return "", err
	}
	source := filepath.Join(dir, "node_modules", "axe-core", "axe.min.js")
	installed, _ := os.ReadFile(filepath.Join(dir, "made"))
	if !bytes.Equal(installed, lock) {
		if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS("npm"))); err != nil {
			return "", err
		}
		c := exec.Command("npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts")
		c.Dir, c.Stderr = dir, os.Stderr
		if err := errors.Join(c.Run(), os.WriteFile(filepath.Join(dir, "made"), lock, 0o644)); err != nil {
			return "", err
		}
	}
	text, err := os.ReadFile(source)
	return string(text), err
})

// runAxe leaves in found what axe-core finds in what its argument names.
const runAxe = `void window.axe.run(%q, { resultTypes: ["violations"] }).then((r) => {
  window.found = r.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.target + ": " + n.failureSummary)) },
  (e) => { window.found = ["axe-core failed: " + e] })`

// axe checks what a selector names with axe-core, where make test-browsers runs.
func axe(t *testing.T, tb *browser.Tab, name, within string) {
	t.Helper()
	if !slices.Contains(strings.Split(os.Getenv(suite.Env), ","), suite.Browsers) {
		return
	}
	source, err := axeSource()
	if err != nil {
		t.Fatalf("axe-core cannot be had: %v", err)
	}
	tb.Script(`(() => { window.found = null; if (!window.axe) {`+source+`} })()`, nil)
	tb.Script(fmt.Sprintf(runAxe, within), nil)
	tb.Until("what axe-core finds", `window.found`)
	var found []string
	if tb.Script(`window.found`, &found); len(found) > 0 {
		t.Errorf("%s: %s", name, strings.Join(found, "\n"))
	}
}
