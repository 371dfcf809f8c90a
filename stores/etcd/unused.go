package etcd

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// Unused is the setting that a document ends which nobody uses: with a lease of its own.
// Whoever uses it renews the lease, which is no write for etcd, but not more often than
// each tenth of its time. A document that was saved without the setting has no lease.
type unused struct {
	after time.Duration // zero: nothing ends

	mu     sync.Mutex
	leases map[string]use // by the document's key in etcd
}

// A use is what this process knows of the lease of a document.
type use struct {
	lease   clientv3.LeaseID
	renewed time.Time
	other   bool // it is for another time than the setting is now
}

// keep returns a lease for what is to be saved at a document's key: the document's own, or
// a new one. Without the setting it is none.
func (s *store) keep(ctx context.Context, document string) (clientv3.LeaseID, error) {
	if s.unused.after == 0 {
		return clientv3.NoLease, nil
	}
	if known := s.unused.of(document); known.lease != clientv3.NoLease && !known.other && s.renew(ctx, document, known.lease) == nil {
		return known.lease, nil
	}
	return s.grantUnused(ctx)
}

// grantUnused returns a new lease for a document, or none without the setting.
func (s *store) grantUnused(ctx context.Context) (id clientv3.LeaseID, err error) {
	if s.unused.after == 0 {
		return clientv3.NoLease, nil
	}
	err = s.try(ctx, persistence*s.timeout, func(ctx context.Context) error {
		granted, err := s.client.Grant(ctx, int64(s.unused.after/time.Second))
		if err == nil {
			id = granted.ID
		}
		return err
	})
	return id, err
}

// renew notes that a document is in use, unless that was done not long ago. The error is
// rpctypes.ErrLeaseNotFound if the document has ended.
func (s *store) renew(ctx context.Context, document string, id clientv3.LeaseID) error {
	if s.unused.after == 0 || id == clientv3.NoLease || !s.unused.due(document, id) {
		return nil
	}
	ctx, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), s.timeout)
	defer cancel()
	resp, err := s.client.KeepAliveOnce(ctx, id)
	if err != nil {
		s.unused.set(document, use{})
		if !errors.Is(err, rpctypes.ErrLeaseNotFound) {
			s.log.Debug("the use of a session could not be noted", "key", document, "error", bare(err))
		}
		return err
	}
	s.unused.set(document, use{id, time.Now(), resp.TTL != int64(s.unused.after/time.Second)})
	return nil
}

// holdInUse keeps a document in use until it is told that it no longer is.
func (s *store) holdInUse(id clientv3.LeaseID) (end func()) {
	if s.unused.after == 0 || id == clientv3.NoLease {
		return func() {}
	}
	ctx, end := context.WithCancel(context.Background())
	_, _ = s.client.KeepAlive(ctx, id) // an error is that the store is closed
	return end
}

// of returns what is known of a document's lease.
func (u *unused) of(document string) use {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.leases[document]
}

// set notes what is known of a document's lease.
func (u *unused) set(document string, now use) {
	if u.after == 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.leases == nil {
		u.leases = make(map[string]use)
	}
	u.leases[document] = now
}

// due tells whether a lease is to be renewed. Of many who ask at once, one is told so.
func (u *unused) due(document string, id clientv3.LeaseID) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	known := u.leases[document]
	// By the clock on the wall, which goes on while the machine sleeps.
	age := time.Now().Round(0).Sub(known.renewed.Round(0))
	if known.lease == id && age >= 0 && age < u.after/10 {
		return false
	}
	if u.leases == nil {
		u.leases = make(map[string]use)
	}
	u.leases[document] = use{id, time.Now(), known.other && known.lease == id}
	return true
}
