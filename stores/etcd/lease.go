package etcd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// A lease of etcd, which the locks share that the store has or waits for at one time:
// the first grants it, and the last revokes it. One of its own would cost each lock two
// writes more.
type lease struct {
	store *store
	id    clientv3.LeaseID

	lost context.Context // ends when the lease does, before it is revoked
	lose context.CancelFunc
	stop context.CancelFunc // ends keepAlive
	done chan struct{}      // keepAlive has ended

	// Guarded by the store's mutex.
	places int // in queues
	taken  int // that were ever
}

// join returns a lease that lives, with the number of a place that its user has.
func (s *store) join(ctx context.Context) (l *lease, number int, err error) {
	take := func(l *lease) (*lease, int, error) {
		l.places++
		l.taken++
		return l, l.taken, nil
	}
	s.mu.Lock()
	if s.lease != nil {
		defer s.mu.Unlock()
		return take(s.lease)
	}
	s.mu.Unlock()
	if l, err = s.grant(ctx); err != nil {
		return nil, 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease == nil && l.lost.Err() == nil { // of those who grant one at the same time
		s.lease = l
	}
	return take(l)
}

// grant returns a new lease.
func (s *store) grant(ctx context.Context) (*lease, error) {
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
	go l.keepAlive(alive, answers)
	return l, nil
}

// keepAlive reads etcd's answers to the client, which renews the lease, until
// the lease is revoked or lost. It is lost when etcd says so, when there was no
// answer for its time to live, and when the store is closed.
func (l *lease) keepAlive(alive context.Context, answers <-chan *clientv3.LeaseKeepAliveResponse) {
	defer close(l.done)
	for range answers {
	}
	if alive.Err() == nil {
		l.store.log.Warn("locks were lost, or the wait for them: etcd did not renew the lease", "lease", l.id)
		l.lose()
		l.retire()
	}
}

// retire keeps others from joining the lease.
func (l *lease) retire() {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	if l.store.lease == l {
		l.store.lease = nil
	}
}

// giveUp leaves without waiting long, for one who has waited long enough.
func (p *place) giveUp() {
	p.once.Do(func() { _ = p.leave(min(time.Second, p.store.timeout)) })
}

// leave gives up a place. The last one that leaves ends the lease. If the key of
// another stays, since etcd cannot be told, it ends with the lease, which nobody joins
// any more.
func (p *place) leave(patience time.Duration) error {
	l := p.lease
	p.unuse()
	l.store.mu.Lock()
	l.places--
	last := l.places == 0
	if last && l.store.lease == l {
		l.store.lease = nil
	}
	l.store.mu.Unlock()
	if last {
		l.stop()
		<-l.done
	}
	if l.lost.Err() != nil {
		return nil //nolint:nilerr // the key has ended already
	}
	ctx := context.Background()
	err := l.store.try(ctx, patience, func(ctx context.Context) (err error) {
		if last {
			_, err = l.store.client.Revoke(ctx, l.id)
		} else {
			_, err = l.store.client.Delete(ctx, p.key)
		}
		return err
	})
	if err == nil || errors.Is(err, rpctypes.ErrLeaseNotFound) {
		return nil
	}
	l.retire()
	failed := l.store.failed(ctx, p.key, err)
	return fmt.Errorf("%w; the lock ends by itself, %v after the last of this process", failed, l.store.lockTTL)
}

// Lost implements [core.Lease].
func (l *lease) Lost() <-chan struct{} { return l.lost.Done() }
