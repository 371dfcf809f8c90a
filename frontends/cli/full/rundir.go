package full

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tokentoss/tokentoss/core/privatefile"
)

const (
	// runPrefix, and a process's number, begin the names of the directories of runs.
	runPrefix = "run-"

	// youngRun is how long a directory may be without a lock that a process made just now.
	youngRun = time.Minute

	// briefly is for a lock that nobody else should want.
	briefly = 5 * time.Millisecond
)

// runDir makes a private directory for the files of a run, after it removed those of runs
// that were killed. remove removes it.
func runDir(ctx context.Context) (dir string, remove func(), err error) {
	parent, err := privatefile.RuntimeDir()
	if err != nil {
		return "", nil, err
	}
	dead, _ := filepath.Glob(filepath.Join(parent, runPrefix+"*"))
	for _, old := range dead {
		removeDead(ctx, old)
	}
	if dir, err = os.MkdirTemp(parent, fmt.Sprintf("%s%d-", runPrefix, os.Getpid())); err != nil {
		return "", nil, err
	}
	unlock, err := privatefile.Lock(ctx, filepath.Join(dir, "run"))
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, err
	}
	return dir, func() {
		_ = os.RemoveAll(dir)
		_ = unlock()
	}, nil
}

// removeDead removes the directory of a run of which no process holds the lock. One that
// was made by a process that is there, and is young, may not have it yet.
func removeDead(ctx context.Context, dir string) {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() {
		return
	}
	number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), runPrefix), "-")
	if pid, err := strconv.Atoi(number); err == nil && time.Since(info.ModTime()) < youngRun {
		p, err := os.FindProcess(pid)
		if err == nil && !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone) {
			return
		}
	}
	ctx, cancel := context.WithTimeout(ctx, briefly)
	defer cancel()
	unlock, err := privatefile.Lock(ctx, filepath.Join(dir, "run"))
	if err != nil {
		return
	}
	_ = os.RemoveAll(dir)
	_ = unlock()
}
