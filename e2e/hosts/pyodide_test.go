//go:build linux

package hosts_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// pyodide is a program for Node.js that runs Python as a page does, with the packages of a
// directory, and says how each way to begin ends.
const pyodide = `const { loadPyodide } = require(process.argv[2] + "/pyodide");
(async () => {
  const python = await loadPyodide();
  python.mountNodeFS("/packages", process.argv[3]);
  python.runPython(` + "`" + `
import sys
sys.path.append("/packages")
import tokentoss
for begin in (
    lambda: tokentoss.sign_in(),
    lambda: tokentoss.GoogleAuthWidget(),
    lambda: tokentoss.AuthManager(),
    lambda: tokentoss.configure("client.apps.googleusercontent.com", "secret"),
    lambda: tokentoss.IAPClient(base_url="https://service.example.com").get("/"),
):
    try:
        begin()
        print("no error")
    except tokentoss.TokenTossError as e:
        print(str(e).replace(chr(10), "; "))
` + "`" + `);
})();`

// TestPyodide: Python in a page (JupyterLite, marimo's playground) is told that a browser
// starts no programs, and nothing else that would not help there.
func TestPyodide(t *testing.T) {
	venv := environment(t, today)
	sites, err := filepath.Glob(filepath.Join(venv, "lib", "python3*", "site-packages"))
	if err != nil || len(sites) != 1 {
		t.Fatalf("%q, %v", sites, err)
	}
	out, err := exec.Command("node", "-e", pyodide, "program", packages(t), sites[0]).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 5 {
		t.Errorf("%d answers", len(lines))
	}
	for _, line := range lines {
		if !strings.Contains(line, "cannot start programs") || strings.Contains(line, "pip") {
			t.Errorf("it says %q", line)
		}
	}
}
