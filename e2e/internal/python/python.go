// Package python has what tests and benchmarks need of Python: virtual environments, and
// tokentoss's own package.
package python

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// uvVersion is that of uv, which installs a hundred packages in a second where pip
// takes one minute.
const uvVersion = "0.13.9"

// A MissingError says what cannot be had here, such as packages without a network.
type MissingError struct{ what string }

// Error implements error.
func (e *MissingError) Error() string { return e.what }

// Install makes a virtual environment with packages, which are what pip takes: names,
// files, -r and a file. What is downloaded is kept in the caches of pip and uv.
func Install(dir string, packages ...string) error {
	return InstallFor("python3", dir, packages...)
}

// InstallFor is Install for an interpreter, a command or a path.
func InstallFor(interpreter, dir string, packages ...string) error {
	uv, err := findUV()
	if err != nil {
		return err
	}
	if err := command(interpreter, "-m", "venv", "--without-pip", dir); err != nil {
		return noVenv(err)
	}
	args := []string{"pip", "install", "--quiet", "--python", filepath.Join(dir, "bin", "python")}
	if err := command(uv, append(args, packages...)...); err != nil {
		return &MissingError{"these Python packages cannot be had here: " + err.Error()}
	}
	return nil
}

// Wheel builds tokentoss's Python package, with the executables in it, as it is
// released. Root is the repository.
func Wheel(root string) (string, error) {
	c := exec.Command("make", "--silent", "--no-print-directory", "-C", root, "wheel")
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("building the Python package: %w\n%s", err, said.String())
	}
	lines := strings.Fields(out.String())
	if len(lines) == 0 || !strings.HasSuffix(lines[len(lines)-1], ".whl") {
		return "", fmt.Errorf("make wheel names no wheel: %q", out.String())
	}
	wheel := lines[len(lines)-1]
	if !filepath.IsAbs(wheel) {
		wheel = filepath.Join(root, wheel)
	}
	return wheel, nil
}

func noVenv(err error) error {
	return &MissingError{"no virtual environment can be made here, apt-get install python3-venv, or make setup: " + err.Error()}
}

// findUV returns uv, which it gets with pip, once for this user.
func findUV() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "tokentoss-e2e", "uv-"+uvVersion)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), "uv-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	pip := filepath.Join(dir, "bin", "pip")
	if err := command("python3", "-m", "venv", dir); err != nil {
		return "", noVenv(err)
	}
	if err := command(pip, "install", "--quiet", "--retries", "1", "uv=="+uvVersion); err != nil {
		return "", &MissingError{"no Python package can be had here: " + err.Error()}
	}
	return path, os.Rename(filepath.Join(dir, "bin", "uv"), path)
}

// command runs a command of the installation.
func command(name string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return nil
}
