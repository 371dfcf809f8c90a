package etcd_test

import (
	"context"
	"errors"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// openShort returns a store whose sessions end when nobody has used them for a time.
func openShort(t testing.TB, c etcd.Config, after time.Duration) core.TokenStore {
	t.Helper()
	s, err := etcd.OpenShort(bounded(t), c, after)
	must(t, err)
	t.Cleanup(func() { must(t, core.Full(s).Close()) })
	return s
}

func save(t testing.TB, s core.TokenStore, r core.Record) core.Record {
	t.Helper()
	r.Data = []byte("document")
	r, err := s.Save(bounded(t), core.DefaultKey, r)
	must(t, err)
	return r
}

// leaseOf returns the lease of a stored document; 0 is none.
func leaseOf(t testing.TB, client *clientv3.Client, s core.TokenStore) clientv3.LeaseID {
	t.Helper()
	resp, err := client.Get(bounded(t), core.Full(s).Path(core.DefaultKey))
	must(t, err)
	if len(resp.Kvs) != 1 {
		t.Fatal("the document is not there")
	}
	return clientv3.LeaseID(resp.Kvs[0].Lease)
}

func timeToLive(t testing.TB, client *clientv3.Client, lease clientv3.LeaseID) (left, granted int64) {
	t.Helper()
	resp, err := client.TimeToLive(bounded(t), lease)
	must(t, err)
	return resp.TTL, resp.GrantedTTL
}

// until returns when ok is true.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for ctx := bounded(t); !ok(); {
		select {
		case <-ctx.Done():
			t.Fatalf("it did not happen: %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// lessLeft returns when a lease has less time left than after it was renewed.
func lessLeft(t testing.TB, client *clientv3.Client, lease clientv3.LeaseID) (left int64) {
	t.Helper()
	until(t, "the time of a lease passes", func() bool {
		var granted int64
		left, granted = timeToLive(t, client, lease)
		return left < granted-2
	})
	return left
}

// renewed returns when a lease has more time than it had.
func renewed(t testing.TB, client *clientv3.Client, lease clientv3.LeaseID, had int64) {
	t.Helper()
	until(t, "the session that is used has more time", func() bool {
		left, _ := timeToLive(t, client, lease)
		return left > had
	})
}

// Nothing stays of a session that nobody uses: not the document, not the name of its save,
// not what was set aside.
func TestSessionThatNobodyUsesIsRemoved(t *testing.T) {
	t.Parallel()
	c := shared(t)
	config := etcd.Config{Endpoints: c.endpoints, Prefix: newPrefix(t)}
	s, client := openShort(t, config, 5*time.Second), c.client(t)
	save(t, s, core.Record{})
	_, err := core.Full(s).Quarantine(bounded(t), core.DefaultKey)
	must(t, err)
	save(t, s, core.Record{})
	until(t, "all keys are gone", func() bool {
		resp, err := client.Get(bounded(t), config.Prefix, clientv3.WithPrefix(), clientv3.WithCountOnly())
		must(t, err)
		return resp.Count == 0
	})
	if _, err := s.Load(bounded(t), core.DefaultKey); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Load: error is %v, want core.ErrNotFound", err)
	}
	save(t, s, core.Record{}) // a sign-in
}

// Whoever loads, saves or locks a session has it stay, whichever machine that is.
func TestSessionThatIsUsedStays(t *testing.T) {
	t.Parallel()
	c := shared(t)
	client := c.client(t)
	for name, use := range map[string]func(t *testing.T, s core.TokenStore, r core.Record){
		"load": func(t *testing.T, s core.TokenStore, _ core.Record) {
			_, err := s.Load(bounded(t), core.DefaultKey)
			must(t, err)
		},
		"save": func(t *testing.T, s core.TokenStore, r core.Record) { save(t, s, r) },
		"lock": func(t *testing.T, s core.TokenStore, _ core.Record) {
			held := lock(bounded(t), t, s)
			t.Cleanup(func() { must(t, held.Release()) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := etcd.Config{Endpoints: c.endpoints, Prefix: newPrefix(t)}
			first, second := openShort(t, config, 10*time.Minute), openShort(t, config, 10*time.Minute)
			r := save(t, first, core.Record{})
			had := lessLeft(t, client, leaseOf(t, client, first))
			use(t, second, r)
			renewed(t, client, leaseOf(t, client, first), had)
		})
	}
}

// A lock that is held for longer than a session may be unused has it stay.
func TestSessionThatIsLockedStays(t *testing.T) {
	t.Parallel()
	c := shared(t)
	s, client := openShort(t, etcd.Config{Endpoints: c.endpoints, Prefix: newPrefix(t)}, 15*time.Second), c.client(t)
	save(t, s, core.Record{})
	held := lock(bounded(t), t, s)
	lease := leaseOf(t, client, s)
	for range 2 { // again and again
		renewed(t, client, lease, lessLeft(t, client, lease))
	}
	must(t, held.Release())
}

// The setting may come, change and go: what is saved next goes by it.
func TestUnusedAfterMayChange(t *testing.T) {
	t.Parallel()
	c := shared(t)
	client, prefix, r := c.client(t), newPrefix(t), core.Record{}
	for _, row := range []struct {
		setting string
		seconds int64
	}{{"", 0}, {"2160h", 7776000}, {"2160h", 7776000}, {"48h", 172800}, {"0", 0}, {"24h", 86400}} {
		s, err := etcd.OpenPlain(bounded(t), etcd.Config{Endpoints: c.endpoints, Prefix: prefix, UnusedAfter: row.setting}, nil)
		must(t, err)
		if _, err = s.Load(bounded(t), core.DefaultKey); r.Revision != "" {
			must(t, err)
		}
		for range 2 {
			r = save(t, s, r)
			lease, granted := leaseOf(t, client, s), int64(0)
			if lease != clientv3.NoLease {
				_, granted = timeToLive(t, client, lease)
			}
			if granted != row.seconds {
				t.Errorf("unused_after %q: the document ends after %d s", row.setting, granted)
			}
		}
		must(t, core.Full(s).Close())
	}
}

// A document whose lease an administrator has revoked is gone, and can be saved anew.
func TestLeaseOfADocumentIsRevoked(t *testing.T) {
	t.Parallel()
	c := shared(t)
	s, client := openShort(t, etcd.Config{Endpoints: c.endpoints, Prefix: newPrefix(t)}, time.Hour), c.client(t)
	r := save(t, s, core.Record{})
	_, err := client.Revoke(bounded(t), leaseOf(t, client, s))
	must(t, err)
	if _, err := s.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("next"), Revision: r.Revision}); !errors.Is(err, core.ErrConflict) {
		t.Errorf("Save of what was removed: error is %v, want core.ErrConflict", err)
	}
	save(t, s, core.Record{})
	ctx, cancel := context.WithCancel(bounded(t))
	cancel()
	if _, err := s.Load(ctx, core.DefaultKey); !errors.Is(err, context.Canceled) {
		t.Errorf("Load with a ctx that has ended: error is %v", err)
	}
}
