//go:build linux

package hosts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/e2e/internal/python"
	"github.com/tokentoss/tokentoss/e2e/internal/suite"
)

// interpreter returns a Python of a version, from PATH or pyenv's.
func interpreter(t *testing.T, version string) string {
	t.Helper()
	candidates := []string{"python" + version}
	if home, err := os.UserHomeDir(); err == nil {
		of, _ := filepath.Glob(filepath.Join(home, ".pyenv", "versions", version+".*", "bin", "python"+version))
		candidates = append(candidates, of...)
	}
	for _, path := range candidates {
		if exec.Command(path, "--version").Run() == nil { // pyenv has commands that only say what is missing
			return path
		}
	}
	t.Skipf("there is no Python %s here", version)
	return ""
}

// TestPythons: the package works in each version of Python that it is for. CI has one, in
// which all of its tests run; these do in the others that there are.
func TestPythons(t *testing.T) {
	suite.Need(t, suite.Hosts)
	tests, err := filepath.Abs(filepath.Join(root, "frontends", "notebook", "python", "tests"))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error::DeprecationWarning:tokentoss", "--rootdir", filepath.Dir(tests)}
	for _, name := range []string{
		"test_structure.py", "test_visitors.py", "test_client.py::test_quick_start", "test_session.py::test_pickle",
		"test_session.py::test_module_as_a_command", "test_session.py::test_fork",
	} {
		args = append(args, filepath.Join(tests, name))
	}
	for _, version := range []string{"3.10", "3.11", "3.12", "3.13", "3.14"} {
		t.Run(version, func(t *testing.T) {
			path := interpreter(t, version)
			w, err := wheel()
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := python.InstallFor(path, dir, w+"[httpx,httpx2,aiohttp,google]", "pytest"); err != nil {
				t.Fatal(err)
			}
			c := exec.Command(filepath.Join(dir, "bin", "python"), args...)
			c.Dir = dir
			for _, e := range os.Environ() {
				if !strings.HasPrefix(e, "TOKENTOSS_") && !strings.HasPrefix(e, "PYTHON") {
					c.Env = append(c.Env, e)
				}
			}
			c.Env = append(c.Env, "PYTHONDONTWRITEBYTECODE=1")
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
