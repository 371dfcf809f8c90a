package privatefile

import (
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/tokentoss/tokentoss/core/fault"
)

// A lock that is held is tried again after these times, which grow from the
// first to the last. A process that waits notices a release within the last.
const (
	firstRetry = 2 * time.Millisecond
	lastRetry  = 25 * time.Millisecond
)

// Lock waits until it has the lock of path, which is that of a hidden file beside it
// and has nothing to do with [Exclusively]. When ctx ends first, the error wraps
// [fault.Locked] and ctx's error. The system releases the lock when the process
// ends, however it ends. A process that is stopped keeps it: give ctx a deadline.
//
// Locks exclude processes, and goroutines of one process as well. Those who wait
// are served in no particular order.
func Lock(ctx context.Context, path string) (unlock func() error, err error) {
	if err := checkName(path); err != nil {
		return nil, err
	}
	lock, err := lockFile(ctx, path, beside(path, ".lock"))
	if err != nil {
		return nil, err
	}
	return lock.Unlock, nil
}

// Locked tells whether somebody holds the lock of path. It does not wait.
func Locked(path string) (bool, error) {
	if err := checkName(path); err != nil {
		return false, err
	}
	name := beside(path, ".lock")
	lock := flock.New(name, flock.SetFlag(os.O_RDONLY|noFollow|noWait))
	free, err := lock.TryRLock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, cannotOpen(name, err)
	case free:
		return false, lock.Unlock()
	}
	return true, nil
}

// lockFile locks the file name, which guards path.
func lockFile(ctx context.Context, path, name string) (*flock.Flock, error) {
	lock := flock.New(name, flock.SetFlag(os.O_CREATE|os.O_RDWR|noFollow|noWait), flock.SetPermissions(0o600))
	for delay := firstRetry; ; delay = min(delay*3/2, lastRetry) {
		if err := ctx.Err(); err != nil {
			return nil, &fault.Error{Subject: path, Kind: fault.Locked, Problem: "another process holds " + name, Err: err}
		}
		ok, err := lock.TryLock()
		if err != nil {
			return nil, cannotWrite(name, err)
		}
		if ok {
			return lock, nil
		}
		// Half of the time is random, so that many who wait do not try together.
		pause(ctx, delay/2+rand.N(delay/2+1))
	}
}

// pause returns after d, or when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
