package etcd

import (
	"context"
	"errors"
	"strconv"
	"sync"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// Lock waits until it has the lock of key. Those who wait are served in the order
// in which they came.
//
// Each has a key that ends with a lease of etcd. The lease is kept alive while this
// store waits for a lock or has one. A machine that dies, or is cut off, does not:
// after the lock's time to live etcd ends its lease, and the next one has the lock.
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
		p, first, err := s.enter(ctx, n)
		if err == nil {
			if !first {
				err = s.wait(ctx, n, p)
			}
			if err == nil {
				return p, nil
			}
			p.giveUp()
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

// A place in the queue for a lock; the first one has the lock.
type place struct {
	*lease
	key string // that it stands for
	rev int64  // of the key's creation: the order of the queue

	unuse func() // ends the use of the document
	once  sync.Once
	err   error // of Release
}

// enter takes a place at the end of the queue, and tells whether that is the first.
func (s *store) enter(ctx context.Context, n names) (p *place, first bool, err error) {
	l, number, err := s.join(ctx)
	if err != nil {
		return nil, false, err
	}
	p = &place{lease: l, unuse: func() {}, key: n.locks + strconv.FormatInt(int64(l.id), 16) + "-" + strconv.Itoa(number)}
	resp, err := s.txn(ctx, persistence*s.timeout, func(txn clientv3.Txn) clientv3.Txn {
		and := []clientv3.Op{clientv3.OpGet(n.locks, append(clientv3.WithFirstCreate(), clientv3.WithKeysOnly())...)}
		if s.unused.after > 0 {
			and = append(and, clientv3.OpGet(n.document)) // keys alone come without their lease
		}
		return txn.If(clientv3.Compare(clientv3.CreateRevision(p.key), "=", 0)).
			Then(append([]clientv3.Op{clientv3.OpPut(p.key, "", clientv3.WithLease(l.id))}, and...)...).
			Else(append([]clientv3.Op{clientv3.OpGet(p.key)}, and...)...)
	})
	switch {
	case errors.Is(err, rpctypes.ErrLeaseNotFound), err == nil && l.lost.Err() != nil:
		err = errLeaseLost
	case err == nil && resp.Succeeded:
		p.rev = resp.Header.Revision
	case err == nil:
		p.rev = resp.Responses[0].GetResponseRange().Kvs[0].CreateRevision
	}
	if err != nil {
		p.giveUp()
		return nil, false, err
	}
	if s.unused.after > 0 {
		if kvs := resp.Responses[2].GetResponseRange().Kvs; len(kvs) > 0 {
			p.unuse = s.holdInUse(clientv3.LeaseID(kvs[0].Lease))
		}
	}
	return p, string(resp.Responses[1].GetResponseRange().Kvs[0].Key) == p.key, nil
}

// wait returns when p is the first in the queue.
func (s *store) wait(ctx context.Context, n names, p *place) error {
	for {
		ahead, rev, err := s.ahead(ctx, n, p)
		if err != nil || ahead == "" {
			return err
		}
		s.watch(ctx, p, ahead, rev+1)
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}

// ahead returns the key that is next before p's in the queue, or nothing if p's
// is the first, and etcd's revision at which that was so.
func (s *store) ahead(ctx context.Context, n names, p *place) (key string, rev int64, err error) {
	resp, err := s.txn(ctx, persistence*s.timeout, func(txn clientv3.Txn) clientv3.Txn {
		before := append(clientv3.WithLastCreate(), clientv3.WithMaxCreateRev(p.rev-1), clientv3.WithKeysOnly())
		return txn.If(clientv3.Compare(clientv3.CreateRevision(p.key), "=", p.rev)).
			Then(clientv3.OpGet(n.locks, before...))
	})
	switch {
	case err != nil:
		return "", 0, err
	case !resp.Succeeded || p.lost.Err() != nil:
		return "", 0, errLeaseLost
	}
	kvs := resp.Responses[0].GetResponseRange().Kvs
	if len(kvs) == 0 {
		return "", 0, nil
	}
	return string(kvs[0].Key), resp.Header.Revision, nil
}

// watch returns when key is deleted, at or after revision rev, and when it
// cannot be watched any more, p is lost, or ctx ends.
func (s *store) watch(ctx context.Context, p *place, key string, rev int64) {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	defer context.AfterFunc(p.lost, cancel)()
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
// than the timeout, the error wraps [core.ErrUnavailable], and the lock ends with the
// lease: after its time to live, once this store has no other lock.
func (p *place) Release() error {
	p.once.Do(func() { p.err = p.leave(p.store.timeout) })
	return p.err
}
