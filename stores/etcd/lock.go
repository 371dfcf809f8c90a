package etcd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// Lock waits until it has the lock of key. Those who wait are served in the order
// in which they came.
//
// Each has a lease of etcd and a key that ends with it, and keeps the lease alive
// while it waits and while it has the lock. A machine that dies, or is cut off,
// does not: after the lock's time to live etcd ends its lease, and the next one
// has the lock.
//
// When ctx ends first the error wraps [core.ErrLocked] and ctx's error; when etcd
// cannot be had for three timeouts, [core.ErrUnavailable].
//
// etcd's own package concurrency has such a lock. It cleans up without a deadline
// when it gives up, which hangs where the network is cut.
func (s *store) Lock(ctx context.Context, key string) (core.Lease, error) {
	n, err := s.names(key)
	if err != nil {
		return nil, err
	}
	for {
		l, err := s.enter(ctx, n)
		if err == nil {
			if err = s.wait(ctx, n, l); err == nil {
				return l, nil
			}
			l.giveUp()
		}
		switch {
		case ctx.Err() != nil:
			return nil, &fault.Error{
				Subject: n.document, Kind: core.ErrLocked, Problem: "waiting for the lock", Err: ctx.Err(),
				Remedy: fault.Say("try again, or end the process that holds it"),
			}
		case !errors.Is(err, errLeaseLost):
			return nil, s.failed(ctx, n.locks, err)
		}
	}
}

// errLeaseLost: the place in the queue is lost, and another one can be had.
var errLeaseLost = errors.New("the lease was lost")

// A lease is a place in the queue for a lock; the first one has the lock.
type lease struct {
	store *store
	id    clientv3.LeaseID
	key   string // that it stands for
	rev   int64  // of the key's creation: the order of the queue

	lost context.Context // ends when the lease does, before it is released
	lose context.CancelFunc
	stop context.CancelFunc // ends keepAlive
	done chan struct{}      // keepAlive has ended

	once sync.Once
	err  error // of Release
}

// enter takes a place at the end of the queue.
func (s *store) enter(ctx context.Context, n names) (*lease, error) {
	l := &lease{store: s, done: make(chan struct{})}
	err := s.try(ctx, persistence*s.timeout, func(ctx context.Context) error {
		granted, err := s.client.Grant(ctx, int64(s.lockTTL/time.Second))
		if err == nil {
			l.id = granted.ID
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	alive, stop := context.WithCancel(context.Background())
	answers, err := s.client.KeepAlive(alive, l.id)
	if err != nil { // the store is closed
		stop()
		return nil, err
	}
	l.stop = stop
	l.lost, l.lose = context.WithCancel(context.Background())
	l.key = n.locks + strconv.FormatInt(int64(l.id), 16)
	go l.keepAlive(alive, answers)

	resp, err := s.txn(ctx, persistence*s.timeout, func(txn clientv3.Txn) clientv3.Txn {
		return txn.If(clientv3.Compare(clientv3.CreateRevision(l.key), "=", 0)).
			Then(clientv3.OpPut(l.key, "", clientv3.WithLease(l.id))).
			Else(clientv3.OpGet(l.key))
	})
	switch {
	case errors.Is(err, rpctypes.ErrLeaseNotFound):
		err = errLeaseLost
	case err == nil && resp.Succeeded:
		l.rev = resp.Header.Revision
	case err == nil:
		l.rev = resp.Responses[0].GetResponseRange().Kvs[0].CreateRevision
	}
	if err != nil {
		l.giveUp()
		return nil, err
	}
	return l, nil
}

// keepAlive reads etcd's answers to the client, which renews the lease, until
// the lease is released or lost. It is lost when etcd says so, when there was no
// answer for its time to live, and when the store is closed.
func (l *lease) keepAlive(alive context.Context, answers <-chan *clientv3.LeaseKeepAliveResponse) {
	defer close(l.done)
	for range answers {
	}
	if alive.Err() == nil {
		l.store.log.Warn("a lock was lost, or the wait for it: etcd did not renew the lease", "key", l.key)
		l.lose()
	}
}

// wait returns when l is the first in the queue.
func (s *store) wait(ctx context.Context, n names, l *lease) error {
	for {
		ahead, rev, err := s.ahead(ctx, n, l)
		if err != nil || ahead == "" {
			return err
		}
		s.watch(ctx, l, ahead, rev+1)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// ahead returns the key that is next before l's in the queue, or nothing if l's
// is the first, and etcd's revision at which that was so.
func (s *store) ahead(ctx context.Context, n names, l *lease) (key string, rev int64, err error) {
	resp, err := s.txn(ctx, persistence*s.timeout, func(txn clientv3.Txn) clientv3.Txn {
		before := append(clientv3.WithLastCreate(), clientv3.WithMaxCreateRev(l.rev-1), clientv3.WithKeysOnly())
		return txn.If(clientv3.Compare(clientv3.CreateRevision(l.key), "=", l.rev)).
			Then(clientv3.OpGet(n.locks, before...))
	})
	switch {
	case err != nil:
		return "", 0, err
	case !resp.Succeeded || l.lost.Err() != nil:
		return "", 0, errLeaseLost
	}
	kvs := resp.Responses[0].GetResponseRange().Kvs
	if len(kvs) == 0 {
		return "", 0, nil
	}
	return string(kvs[0].Key), resp.Header.Revision, nil
}

// watch returns when key is deleted, at or after revision rev, and when it
// cannot be watched any more, l is lost, or ctx ends.
func (s *store) watch(ctx context.Context, l *lease, key string, rev int64) {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	defer context.AfterFunc(l.lost, cancel)()
	for resp := range s.client.Watch(ctx, key, clientv3.WithRev(rev), clientv3.WithFilterPut()) {
		if len(resp.Events) > 0 {
			return
		}
		if err := resp.Err(); err != nil {
			s.log.Debug("etcd ended a watch", "error", err)
			break
		}
	}
	pause(ctx, firstRetry) // a member that ends watches at once is not to be kept busy
}

// Release gives the lock back. Where etcd cannot be told, which takes no longer
// than the timeout, the error wraps [core.ErrUnavailable], and the lock is free
// after its time to live.
func (l *lease) Release() error {
	l.once.Do(func() { l.err = l.revoke(l.store.timeout) })
	return l.err
}

// giveUp releases without waiting long, for one who has waited long enough.
func (l *lease) giveUp() {
	l.once.Do(func() { _ = l.revoke(min(time.Second, l.store.timeout)) })
}

func (l *lease) revoke(patience time.Duration) error {
	l.stop()
	<-l.done
	if l.lost.Err() != nil {
		return nil //nolint:nilerr // the lease has ended already
	}
	ctx := context.Background()
	err := l.store.try(ctx, patience, func(ctx context.Context) error {
		_, err := l.store.client.Revoke(ctx, l.id)
		return err
	})
	if err == nil || errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return nil
	}
	failed := l.store.failed(ctx, l.key, err)
	return fmt.Errorf("%w; the lock ends by itself within %v", failed, l.store.lockTTL)
}

// Lost implements [core.Lease].
func (l *lease) Lost() <-chan struct{} { return l.lost.Done() }
