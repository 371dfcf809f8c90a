//go:build linux

package hosts_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/e2e/internal/python"
	"github.com/tokentoss/tokentoss/e2e/internal/suite"
)

// root is the repository.
var root = filepath.Join("..", "..")

// wheel is the Python package, built once, or the one that TOKENTOSS_WHEEL names.
var wheel = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("TOKENTOSS_WHEEL"); path != "" {
		return path, nil
	}
	return python.Wheel(root)
})

// environment returns the virtual environment made of a directory's requirements.txt, with
// tokentoss in it.
func environment(t *testing.T, of string) string {
	t.Helper()
	suite.Need(t, suite.Hosts)
	dir, err := environments[of]()
	var missing *python.MissingError
	if errors.As(err, &missing) {
		t.Skip(missing)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// The environments: that of today's hosts, and that of JupyterLab 3 and Notebook 6.
const (
	today = "."
	old   = "old"
)

var environments = map[string]func() (string, error){
	today: sync.OnceValues(func() (string, error) { return install(today) }),
	old:   sync.OnceValues(func() (string, error) { return install(old) }),
}

// install makes an environment, or brings the one that is there up to date.
func install(of string) (string, error) {
	list, err := filepath.Abs(filepath.Join(of, "requirements.txt"))
	if err != nil {
		return "", err
	}
	dir, err := filepath.Abs(filepath.Join(root, ".cache", "hosts", of, "venv"))
	if err != nil {
		return "", err
	}
	want, err := os.ReadFile(list)
	if err != nil {
		return "", err
	}
	made := filepath.Join(dir, "requirements.txt")
	if got, err := os.ReadFile(made); err != nil || !bytes.Equal(got, want) {
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
		if err := python.Install(dir, "-r", list); err != nil {
			return "", err
		}
		if err := os.WriteFile(made, want, 0o644); err != nil {
			return "", err
		}
	}
	w, err := wheel()
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(w)
	if err != nil {
		return "", err
	}
	sum, has := fmt.Appendf(nil, "%x", sha256.Sum256(data)), filepath.Join(dir, "wheel.sum")
	if got, err := os.ReadFile(has); err == nil && bytes.Equal(got, sum) {
		return dir, nil
	}
	if err := python.Install(dir, "--reinstall-package", "tokentoss", w); err != nil {
		return "", err
	}
	return dir, os.WriteFile(has, sum, 0o644)
}

// packages returns the directory of what npm/package-lock.json has, the hub's proxy, and of
// what Solara's pages have from a CDN, each in a directory of its name and version.
func packages(t *testing.T) string {
	t.Helper()
	dir, err := npmPackages()
	if err != nil {
		t.Skipf("packages of npm cannot be had here: %v", err)
	}
	return filepath.Join(dir, "node_modules")
}

var npmPackages = sync.OnceValues(func() (string, error) {
	dir, err := filepath.Abs(filepath.Join(root, ".cache", "hosts", "npm"))
	if err != nil {
		return "", err
	}
	want, err := os.ReadFile("npm/package-lock.json")
	if err != nil {
		return "", err
	}
	made := filepath.Join(dir, "made")
	if got, err := os.ReadFile(made); err == nil && bytes.Equal(got, want) {
		return dir, nil
	}
	if err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS("npm"))); err != nil {
		return "", err
	}
	c := exec.Command("npm", "ci", "--silent", "--no-audit", "--no-fund")
	c.Dir = dir
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	for _, name := range solaraPackages {
		to := filepath.Join(dir, "node_modules", name)
		script := `mkdir -p "$1" && tar -xz -C "$1" --strip-components 1 -f "$(npm pack --silent "$2")"`
		c := exec.Command("sh", "-c", script, "sh", to, name)
		c.Dir = dir
		if out, err := c.CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w\n%s", err, out)
		}
	}
	return dir, os.WriteFile(made, want, 0o644)
})
