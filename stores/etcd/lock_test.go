package etcd_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// lock takes the lock of the default key.
func lock(ctx context.Context, t testing.TB, s core.TokenStore) core.Lease {
	t.Helper()
	held, err := s.(core.Locker).Lock(ctx, core.DefaultKey)
	if err != nil {
		t.Fatalf("Lock: %v", err)
	}
	return held
}

// A machine dies with the lock: etcd sees nothing of it any more. The next one
// has the lock after its time to live, and a machine that was only cut off is
// told. The revision of the document then keeps it from doing harm.
func TestLockOfAMachineThatDies(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]state{"reset": cut, "silent": silent} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := short(t)
			network, dir := newLink(t, config.Endpoints...), t.TempDir()
			through := config
			through.Endpoints = network.endpoints
			dead, alive := openClosed(t, through, dir), openClosed(t, config, dir)
			before, err := dead.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("before")})
			must(t, err)

			lost := lock(bounded(t), t, dead)
			network.set(state)
			held := lock(bounded(t), t, alive)
			wait(t, "the machine learns that it lost the lock", lost.Lost())
			r, err := alive.Load(bounded(t), core.DefaultKey)
			must(t, err)
			_, err = alive.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("after"), Revision: r.Revision})
			must(t, err)

			network.set(whole)
			waitForNetwork(t, machine{store: dead})
			_, err = dead.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("too late"), Revision: before.Revision})
			if !errors.Is(err, core.ErrConflict) {
				t.Errorf("a save with the fencing token of a lock that was lost: error is %v, want core.ErrConflict", err)
			}
			must(t, lost.Release())
			select {
			case <-held.Lost():
				t.Error("the Release of a lock that was lost took the lock of the next holder")
			default:
			}
			must(t, held.Release())
			wantNoLocks(t, shared(t), config.Prefix)
		})
	}
}

// A place in the queue is lost with its lease, and taken anew.
func TestWaitOutlivesItsLease(t *testing.T) {
	t.Parallel()
	config := short(t)
	network, dir := newLink(t, config.Endpoints...), t.TempDir()
	through := config
	through.Endpoints = network.endpoints
	// Somebody who was cut off goes on to wait for longer than the lease lives.
	through.RequestTimeout = "30s"
	waiting, holder := openClosed(t, through, dir), openClosed(t, config, dir)
	held := lock(bounded(t), t, holder)
	got := make(chan core.Lease, 1)
	go func() {
		l, err := waiting.(core.Locker).Lock(bounded(t), core.DefaultKey)
		if err != nil {
			t.Errorf("Lock after the wait: %v", err)
		}
		got <- l
	}()
	waitForQueue(t, shared(t), config.Prefix, 2)
	network.set(silent)
	waitForLeave(t, shared(t), config.Prefix, 1)
	network.set(whole)
	waitForQueue(t, shared(t), config.Prefix, 2)
	must(t, held.Release())
	if l := <-got; l != nil {
		must(t, l.Release())
	}
	wantNoLocks(t, shared(t), config.Prefix)
}

// Release where etcd cannot be told ends by its deadline, and says what follows.
// The second call says the same.
func TestReleaseWithoutANetwork(t *testing.T) {
	t.Parallel()
	config := short(t)
	network := newLink(t, config.Endpoints...)
	config.Endpoints, config.LockTTL = network.endpoints, "60s"
	s := openClosed(t, config, t.TempDir())
	held := lock(bounded(t), t, s)
	network.set(silent)
	for range 2 {
		wantUnavailable(t, "Release", held.Release())
	}
	select {
	case <-held.Lost():
		t.Error("a lock that was released counts as lost")
	default:
	}
}

// Close ends the locks that are held, and the waits for one.
func TestCloseEndsLocks(t *testing.T) {
	t.Parallel()
	config := short(t)
	dir := t.TempDir()
	s, other := openStore(t, config, dir), openClosed(t, config, dir)
	free := lock(bounded(t), t, s)
	theirs, err := other.(core.Locker).Lock(bounded(t), "other")
	must(t, err)
	done := make(chan error, 1)
	go func() {
		_, err := s.(core.Locker).Lock(context.WithoutCancel(t.Context()), "other")
		done <- err
	}()
	waitForQueue(t, shared(t), config.Prefix, 3)
	must(t, s.(io.Closer).Close())
	wait(t, "a lock of a store that is closed is lost", free.Lost())
	wantUnavailable(t, "Lock of a store that is closed", <-done)
	must(t, theirs.Release())
	_, err = s.Load(bounded(t), core.DefaultKey)
	wantUnavailable(t, "Load of a store that is closed", err)
}

// The lock's errors say what was waited for and why it ended.
func TestLockErrors(t *testing.T) {
	t.Parallel()
	config := short(t)
	dir := t.TempDir()
	holder, s := openClosed(t, config, dir), openClosed(t, config, dir)
	held := lock(bounded(t), t, holder)
	ctx, cancel := context.WithCancel(bounded(t))
	done := make(chan error, 1)
	go func() {
		_, err := s.(core.Locker).Lock(ctx, core.DefaultKey)
		done <- err
	}()
	waitForQueue(t, shared(t), config.Prefix, 2)
	cancel()
	err := <-done
	var own *fault.Error
	if !errors.Is(err, core.ErrLocked) || !errors.Is(err, context.Canceled) || !errors.As(err, &own) || own.Hint() == "" {
		t.Errorf("Lock whose ctx ended: error is %v", err)
	}
	must(t, held.Release())
	wantNoLocks(t, shared(t), config.Prefix) // those who gave up have left the queue
}
