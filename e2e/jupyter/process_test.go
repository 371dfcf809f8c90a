//go:build linux

package jupyter_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// A running process.
type running struct {
	pid     int
	cmdline string
}

func (r running) String() string { return fmt.Sprintf("%d %s", r.pid, r.cmdline) }

// processes returns those whose environment names dir, which all descendants of a
// process have from it.
func processes(dir string) (all []running) {
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range paths {
		environ, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(environ, []byte(dir)) {
			continue
		}
		cmdline, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if err != nil || len(cmdline) == 0 {
			continue // it has just ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		all = append(all, running{pid, strings.ReplaceAll(strings.TrimRight(string(cmdline), "\x00"), "\x00", " ")})
	}
	return all
}

// tokentossProcesses are those of processes that run an executable of tokentoss.
func tokentossProcesses(dir string) (all []running) {
	for _, p := range processes(dir) {
		program, _, _ := strings.Cut(p.cmdline, " ")
		if strings.HasPrefix(filepath.Base(program), "tokentoss") {
			all = append(all, p)
		}
	}
	return all
}

// wantNoProcess fails unless all processes that belong to dir end by themselves.
func wantNoProcess(t *testing.T, dir string) {
	t.Helper()
	end := time.Now().Add(browser.Patience)
	for {
		all := processes(dir)
		if len(all) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Errorf("processes are left: %v", all)
			for _, p := range all {
				if process, err := os.FindProcess(p.pid); err == nil {
					_ = process.Kill()
				}
			}
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// poll waits until ok.
func poll(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(browser.Patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waiting in vain: %s", what)
		}
	}
}
