package file

import (
	"context"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/privatefile"
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
	unlock, err := privatefile.Lock(ctx, path)
	if err != nil {
		return nil, err
	}
	return lease{unlock}, nil
}

type lease struct{ unlock func() error }

// Release implements [core.Lease]. The second time it does nothing.
func (l lease) Release() error { return l.unlock() }

// Lost implements [core.Lease]. The system does not take locks away.
func (l lease) Lost() <-chan struct{} { return nil }
