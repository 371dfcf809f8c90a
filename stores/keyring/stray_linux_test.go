package keyring_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// launcher does what dbus-launch does for a program that finds no bus: it starts
// one, which stays.
const launcher = `#!/bin/sh
echo "DBUS_SESSION_BUS_ADDRESS=$(dbus-daemon --session --fork --print-address=1)"
`

// A program with this package starts no bus when it is told that there is none.
// It would otherwise, which this test can see.
func TestNoStrayBus(t *testing.T) {
	if _, err := exec.LookPath("dbus-daemon"); err != nil {
		t.Skip("dbus-daemon is not installed (package dbus)")
	}
	if path := filepath.Join("/run/user", strconv.Itoa(os.Getuid()), "bus"); exists(path) {
		t.Skipf("there is a bus at %s, so that none would be started", path)
	}
	for _, c := range []struct {
		disabled bool
		want     int
	}{{false, 1}, {true, 0}} {
		home := shortDir(t)
		must(t, os.WriteFile(filepath.Join(home, "dbus-launch"), []byte(launcher), 0o755))
		cmd := self(t, "nothing")
		mark := "TMPDIR=" + home
		cmd.Env = append(cmd.Env, "PATH="+home+":"+os.Getenv("PATH"), mark)
		if c.disabled {
			cmd.Env = append(cmd.Env, "DBUS_SESSION_BUS_ADDRESS=disabled:")
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		stray := processes(t, mark)
		for _, pid := range stray {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		if len(stray) != c.want {
			t.Errorf("disabled: %t: there are %d stray processes, want %d", c.disabled, len(stray), c.want)
		}
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// processes returns those that have a variable in their environment, which none
// has that was there before.
func processes(t *testing.T, variable string) []int {
	t.Helper()
	var found []int
	dirs, err := filepath.Glob("/proc/[0-9]*/environ")
	must(t, err)
	for _, path := range dirs {
		environ, err := os.ReadFile(path)
		if err != nil { // it has ended, or is not ours
			continue
		}
		if bytes.Contains(environ, []byte(variable+"\x00")) {
			pid, err := strconv.Atoi(strings.Split(path, "/")[2])
			must(t, err)
			found = append(found, pid)
		}
	}
	return found
}
