//go:build linux

package jupyter_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/tokentoss/tokentoss/e2e/internal/python"
)

// environmentEnv has the virtual environment that the tests use. Set from outside,
// it names one that is there already. missingEnv has why there is none.
const (
	environmentEnv = "TOKENTOSS_TEST_JUPYTER"
	missingEnv     = "TOKENTOSS_TEST_JUPYTER_MISSING"
)

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
	venv := filepath.Join(dir, "venv")
	err = setUp(venv)
	var missing *python.MissingError
	if errors.As(err, &missing) {
		err = os.Setenv(missingEnv, missing.Error())
	} else if err == nil {
		err = os.Setenv(environmentEnv, venv)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// setUp makes the virtual environment, first with what others made: without that,
// nothing needs to be built.
func setUp(venv string) error {
	if err := python.Install(venv, "-r", "requirements.txt"); err != nil {
		return err
	}
	wheel, err := python.Wheel(filepath.Join("..", ".."))
	if err != nil {
		return err
	}
	return python.Install(venv, "-r", "requirements.txt", wheel)
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
