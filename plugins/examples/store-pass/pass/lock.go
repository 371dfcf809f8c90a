package pass

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/gofrs/flock"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// lockRetry is how often a lock that is held is tried again.
const lockRetry = 10 * time.Millisecond

// Lock implements [core.Locker] with a lock of the system's on a hidden file of
// the folder, which a process loses however it ends. It excludes the processes of
// one machine.
func (s *Store) Lock(ctx context.Context, key string) (core.Lease, error) {
	if err := core.CheckKey(key); err != nil {
		return nil, err
	}
	held, err := s.wait(ctx, key, ".lock")
	if err != nil {
		return nil, err
	}
	return lease{held}, nil
}

type lease struct{ held *flock.Flock }

// Release implements [core.Lease].
func (l lease) Release() error { return l.held.Unlock() }

// Lost implements [core.Lease]. The system does not take locks away.
func (l lease) Lost() <-chan struct{} { return nil }

// exclusively calls f while no other process writes the entry of key. It is
// another lock than that of Lock, which a writer need not have.
func (s *Store) exclusively(ctx context.Context, key string, f func() error) error {
	held, err := s.wait(ctx, key, ".write")
	if err != nil {
		return err
	}
	return errors.Join(f(), held.Unlock())
}

// wait waits until it has a lock or ctx ends.
func (s *Store) wait(ctx context.Context, key, kind string) (*flock.Flock, error) {
	if err := os.MkdirAll(s.path(s.folder), 0o700); err != nil {
		return nil, &fault.Error{Subject: s.folder, Kind: core.ErrReadOnly, Problem: "the folder cannot be made", Err: bare(err)}
	}
	name := s.path(s.hidden(key, kind))
	lock := flock.New(name, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))
	ok, err := lock.TryLockContext(ctx, lockRetry)
	switch {
	case ok:
		return lock, nil
	case ctx.Err() != nil:
		return nil, &fault.Error{Subject: s.entry(key), Kind: core.ErrLocked, Problem: "waiting for " + name, Remedy: fault.Say("try again, or end the process that holds it"), Err: ctx.Err()}
	}
	return nil, &fault.Error{Subject: s.entry(key), Kind: core.ErrReadOnly, Problem: name, Err: bare(err)}
}
