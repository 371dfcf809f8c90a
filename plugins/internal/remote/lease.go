// Package remote has what a store in another process needs, whatever carries it.
package remote

import (
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// A Lock is one that another process holds for this one.
type Lock struct {
	// Ended waits until the other process does not hold the lock any more: it lost it,
	// gave it back, or is gone. The error is that of giving it back.
	Ended func() error

	// Release asks to give it back, after which Ended returns.
	Release func()

	// Timeout is how long giving it back may take. Abandon ends the wait then, and
	// returns the error.
	Timeout time.Duration
	Abandon func() error
}

// Lease returns the lease of a lock that was just taken. It watches it in a goroutine,
// which ends with the lock.
func (l Lock) Lease() core.Lease {
	h := &lease{lock: l, lost: make(chan struct{}), ended: make(chan struct{})}
	go h.watch()
	return h
}

type lease struct {
	lock  Lock
	lost  chan struct{} // closed when the lock is lost before it is given back
	ended chan struct{} // closed when the other process does not hold it any more

	mu       sync.Mutex
	released bool
	err      error // of giving it back; after ended
}

func (h *lease) watch() {
	defer close(h.ended)
	err := h.lock.Ended()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released {
		h.err = err
		return
	}
	h.released = true // there is nothing to give back
	close(h.lost)
}

// Release implements [core.Lease].
func (h *lease) Release() error {
	h.mu.Lock()
	first := !h.released
	h.released = true
	h.mu.Unlock()
	if !first {
		return nil
	}
	h.lock.Release()
	timer := time.NewTimer(h.lock.Timeout)
	defer timer.Stop()
	select {
	case <-h.ended:
		return h.err
	case <-timer.C:
		err := h.lock.Abandon()
		<-h.ended
		return err
	}
}

// Lost implements [core.Lease].
func (h *lease) Lost() <-chan struct{} { return h.lost }
