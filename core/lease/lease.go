// Package lease makes a [core.Lease] of a lock that a server keeps for a limited time:
// a row with a time of expiry, a key with a time to live. A store's author says how to
// take, renew and give back the lock, each in one call of the server; [Lock.Take]
// waits for it, renews it, notices when it is lost, and gives it back once.
package lease

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

const (
	// minPoll and maxPoll are how long to wait until a lock is tried again, the first
	// time and after a while.
	minPoll = 20 * time.Millisecond
	maxPoll = 500 * time.Millisecond

	// releaseTimeout is how long giving a lock back may take.
	releaseTimeout = 5 * time.Second
)

// A Lock is a lock on a server, to be taken by one holder. The functions must know the
// holder by something that no other holder has, such as a random text: a late call of
// this one must not touch the lock of the next.
type Lock struct {
	// TTL is after what time the server gives a lock to somebody else that was not
	// renewed. It is renewed each third of it.
	TTL time.Duration

	// Acquire tries once to take the lock. It returns false when somebody else has it.
	Acquire func(ctx context.Context) (bool, error)

	// Renew keeps the lock for another TTL. It returns false when it is not the
	// holder's any more. After an error it is called again, until the TTL is over.
	Renew func(ctx context.Context) (bool, error)

	// Release gives the lock back if the holder has it. Otherwise it does nothing.
	Release func(ctx context.Context) error
}

// Take waits until it has the lock or ctx ends; then the error wraps [core.ErrLocked]
// and ctx's. An error of Acquire ends the wait as well. The lease outlives ctx.
func (l Lock) Take(ctx context.Context) (core.Lease, error) {
	for poll := minPoll; ; poll = min(2*poll, maxPoll) {
		began := time.Now()
		ok, err := l.acquire(ctx)
		switch {
		case err != nil:
			l.giveBack() // the answer may be lost, and not the lock
			return nil, err
		case ok:
			return l.hold(began), nil
		}
		timer := time.NewTimer(poll/2 + rand.N(poll/2))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil, locked(ctx)
		case <-timer.C:
		}
	}
}

// acquire is Acquire, whose outcome does not count when ctx has ended.
func (l Lock) acquire(ctx context.Context) (bool, error) {
	if ctx.Err() != nil {
		return false, locked(ctx)
	}
	ok, err := l.Acquire(ctx)
	if ctx.Err() != nil {
		return false, locked(ctx)
	}
	return ok, err
}

func locked(ctx context.Context) error { return fmt.Errorf("%w: %w", core.ErrLocked, ctx.Err()) }

// giveBack releases what may have been taken.
func (l Lock) giveBack() {
	ctx, cancel := context.WithTimeout(context.Background(), min(l.TTL, releaseTimeout))
	defer cancel()
	_ = l.Release(ctx)
}

// A held is a lock that is renewed until it is released or lost.
type held struct {
	lock  Lock
	stop  context.CancelFunc // ends renewal
	ended chan struct{}      // closed when renewal has ended
	lost  chan struct{}

	losing    sync.Once
	releasing sync.Once
	err       error // of the release
}

// hold renews a lock that was taken after began.
func (l Lock) hold(began time.Time) core.Lease {
	ctx, cancel := context.WithCancel(context.Background())
	h := &held{lock: l, stop: cancel, ended: make(chan struct{}), lost: make(chan struct{})}
	go h.renew(ctx, began.Add(l.TTL))
	return h
}

// renew keeps the lock until ctx ends or the lock is lost: when the server says so, or
// has not confirmed it for its TTL, counted from before it was asked.
func (h *held) renew(ctx context.Context, expiry time.Time) {
	defer close(h.ended)
	expired := time.AfterFunc(time.Until(expiry), h.lose)
	defer expired.Stop()
	pause := h.lock.TTL / 3
	for {
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-h.lost:
			timer.Stop()
			return
		case <-timer.C:
		}
		began := time.Now()
		ok, err := h.renewOnce(ctx, expiry)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			pause = h.lock.TTL / 20
		case !ok:
			h.lose()
			return
		case expired.Stop():
			expiry = began.Add(h.lock.TTL)
			expired.Reset(time.Until(expiry))
			pause = h.lock.TTL / 3
		}
	}
}

func (h *held) renewOnce(ctx context.Context, expiry time.Time) (bool, error) {
	ctx, cancel := context.WithDeadline(ctx, expiry)
	defer cancel()
	return h.lock.Renew(ctx)
}

func (h *held) lose() { h.losing.Do(func() { close(h.lost) }) }

// Release implements [core.Lease].
func (h *held) Release() error {
	h.releasing.Do(func() {
		h.stop()
		<-h.ended
		select {
		case <-h.lost:
			return // it is somebody else's
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
		defer cancel()
		if err := h.lock.Release(ctx); err != nil {
			h.err = errors.Join(err, fmt.Errorf("the lock ends by itself within %v", h.lock.TTL))
		}
	})
	return h.err
}

// Lost implements [core.Lease].
func (h *held) Lost() <-chan struct{} { return h.lost }
