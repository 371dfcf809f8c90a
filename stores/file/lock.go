package file

import (
	"context"
	"math/rand/v2"
	"os"
	"time"

	"github.com/gofrs/flock"
	"github.com/tokentoss/tokentoss/core"
)

// A lock that is held is tried again after these times, which grow from the
// first to the last. A process that waits notices a release within the last.
const (
	firstRetry = 2 * time.Millisecond
	lastRetry  = 25 * time.Millisecond
)

// Lock waits until it has the lock of key, which is that of a hidden file beside
// the document. The system releases it when the process ends, however it ends. A
// process that is stopped keeps it: give ctx a deadline.
//
// Locks exclude processes, and goroutines of one process as well. Those who wait
// are served in no particular order.
func (s *Store) Lock(ctx context.Context, key string) (core.Lease, error) {
	path, err := s.path(key)
	if err != nil {
		return nil, err
	}
	if err := s.makeDirs(path); err != nil {
		return nil, err
	}
	held, err := waitLock(ctx, path, beside(path, ".lock"))
	if err != nil {
		return nil, err
	}
	return lease{held}, nil
}

type lease struct{ held *flock.Flock }

// Release implements [core.Lease]. The second time it does nothing.
func (l lease) Release() error { return l.held.Unlock() }

// Lost implements [core.Lease]. The system does not take locks away.
func (l lease) Lost() <-chan struct{} { return nil }

// waitLock locks the file name, which guards path.
func waitLock(ctx context.Context, path, name string) (*flock.Flock, error) {
	lock := flock.New(name, flock.SetFlag(os.O_CREATE|os.O_RDWR|lockFlags), flock.SetPermissions(0o600))
	for delay := firstRetry; ; delay = min(delay*3/2, lastRetry) {
		if err := ctx.Err(); err != nil {
			return nil, &Error{
				Path: path, Kind: core.ErrLocked, Problem: "waiting for " + name,
				Fix: "try again, or end the process that holds it", Cause: err,
			}
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
