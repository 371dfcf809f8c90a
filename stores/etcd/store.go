package etcd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc/codes"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// A store keeps documents in etcd as it gets them.
type store struct {
	client  *clientv3.Client
	hosts   string // the endpoints, for errors
	user    string // of etcd; may be empty
	prefix  string // of all keys; ends in a slash
	timeout time.Duration
	lockTTL time.Duration
	log     *slog.Logger

	unused unused

	mu    sync.Mutex
	lease *lease // that the next lock joins; nil for none
}

var (
	_ core.TokenStore  = (*store)(nil)
	_ core.Locker      = (*store)(nil)
	_ core.Lister      = (*store)(nil)
	_ core.Checker     = (*store)(nil)
	_ core.Quarantiner = (*store)(nil)
	_ core.Locator     = (*store)(nil)
)

// connected returns a store without encryption.
func connected(ctx context.Context, c Config, log *slog.Logger) (*store, error) {
	set, err := c.check()
	if err != nil {
		return nil, err
	}
	s := &store{hosts: set.hosts(), user: set.Username, prefix: set.prefix, timeout: set.timeout, lockTTL: set.lockTTL, log: log}
	s.unused.after = set.unusedAfter
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var own *fault.Error
	err = s.try(ctx, s.timeout, func(ctx context.Context) (err error) {
		s.client, err = connect(ctx, set)
		return err
	})
	switch {
	case errors.As(err, &own): // of a file
		return nil, err
	case err != nil:
		return nil, s.failed(ctx, s.hosts, err)
	}
	return s, nil
}

// Close ends the connections. Locks that are still held are lost.
func (s *store) Close() error {
	if s.closed() {
		return nil
	}
	return s.client.Close()
}

// closed tells whether Close was called.
func (s *store) closed() bool { return s.client != nil && s.client.Ctx().Err() != nil }

// Path returns the key in etcd of the document of key, for messages. It is empty
// if key is not usable.
func (s *store) Path(key string) string {
	n, err := s.names(key)
	if err != nil {
		return ""
	}
	return n.document
}

// Names are the keys in etcd of what belongs to a document.
type names struct{ document, save, locks, damaged string }

func (s *store) names(key string) (names, error) {
	if err := core.CheckKey(key); err != nil {
		return names{}, fmt.Errorf("etcd store: %w", err)
	}
	return names{
		document: s.prefix + "sessions/" + key,
		save:     s.prefix + "saves/" + key,
		locks:    s.prefix + "locks/" + key + "/",
		damaged:  s.prefix + "damaged/" + key + "/",
	}, nil
}

// A revision names a stored document: by etcd's revision of the save, which no
// other save of the cluster has, and by a random text, which no save of another
// cluster has, nor one after etcd was restored from a snapshot.
type revision struct {
	mod  int64
	save string
}

func (r revision) String() string { return strconv.FormatInt(r.mod, 10) + "-" + r.save }

// parseRevision is false for a text that is no revision of this store.
func parseRevision(text string) (revision, bool) {
	number, save, _ := strings.Cut(text, "-")
	mod, err := strconv.ParseInt(number, 10, 64)
	return revision{mod, save}, err == nil && mod > 0
}

// stored compares the stored document with r; the zero revision is that of none.
func (r revision) stored(n names) []clientv3.Cmp {
	if r.mod == 0 {
		return []clientv3.Cmp{clientv3.Compare(clientv3.CreateRevision(n.document), "=", 0)}
	}
	unchanged := []clientv3.Cmp{clientv3.Compare(clientv3.ModRevision(n.document), "=", r.mod)}
	if r.save != "" { // an administrator may have deleted it
		unchanged = append(unchanged, clientv3.Compare(clientv3.Value(n.save), "=", r.save))
	}
	return unchanged
}

// Load reads what a majority of the members has agreed on, so that nobody
// refreshes with a token that was replaced.
func (s *store) Load(ctx context.Context, key string) (core.Record, error) {
	n, err := s.names(key)
	if err != nil {
		return core.Record{}, err
	}
	for {
		resp, err := s.txn(ctx, s.timeout, func(txn clientv3.Txn) clientv3.Txn {
			return txn.Then(clientv3.OpGet(n.document), clientv3.OpGet(n.save))
		})
		if err != nil {
			return core.Record{}, s.failed(ctx, n.document, err)
		}
		data, rev, lease := document(resp)
		if rev.mod == 0 {
			return core.Record{}, &fault.Error{Subject: n.document, Kind: core.ErrNotFound}
		}
		if err := s.renew(ctx, n.document, lease); !errors.Is(err, rpctypes.ErrLeaseNotFound) {
			return core.Record{Data: data, Revision: rev.String()}, nil
		}
		// It has ended since: it is read again.
	}
}

// document reads the answer to two gets, of the document and of the name of its
// save.
func document(resp *clientv3.TxnResponse) (data []byte, rev revision, lease clientv3.LeaseID) {
	if kvs := resp.Responses[0].GetResponseRange().Kvs; len(kvs) > 0 {
		data, rev.mod, lease = kvs[0].Value, kvs[0].ModRevision, clientv3.LeaseID(kvs[0].Lease)
	}
	if kvs := resp.Responses[1].GetResponseRange().Kvs; len(kvs) > 0 {
		rev.save = string(kvs[0].Value)
	}
	return data, rev, lease
}

// listPage is how many keys etcd is asked for at once.
const listPage = 1000

// List implements [core.Lister].
func (s *store) List(ctx context.Context) ([]string, error) {
	sessions := s.prefix + "sessions/"
	var keys []string
	next, rev := sessions, int64(0) // the newest
	for {
		var resp *clientv3.GetResponse
		err := s.try(ctx, s.timeout, func(ctx context.Context) (err error) {
			resp, err = s.client.Get(ctx, next, clientv3.WithRange(clientv3.GetPrefixRangeEnd(sessions)), clientv3.WithKeysOnly(),
				clientv3.WithLimit(listPage), clientv3.WithRev(rev))
			return err
		})
		if err != nil {
			return nil, s.failed(ctx, sessions, err)
		}
		for _, kv := range resp.Kvs {
			if key := strings.TrimPrefix(string(kv.Key), sessions); core.CheckKey(key) == nil {
				keys = append(keys, key)
			}
		}
		if !resp.More {
			slices.Sort(keys)
			return keys, nil
		}
		// After the last key, in the state that the first page was of.
		next = string(resp.Kvs[len(resp.Kvs)-1].Key) + "\x00"
		if rev == 0 {
			rev = resp.Header.Revision
		}
	}
}

// txn runs a transaction. It may run more than once if the answer is lost.
func (s *store) txn(ctx context.Context, patience time.Duration, build func(clientv3.Txn) clientv3.Txn) (*clientv3.TxnResponse, error) {
	var resp *clientv3.TxnResponse
	err := s.try(ctx, patience, func(ctx context.Context) (err error) {
		resp, err = build(s.client.Txn(ctx)).Commit()
		return err
	})
	return resp, err
}

// After a failure that may pass, calls are repeated after these times, which
// grow from the first to the last: leaders are elected within a second or two.
const (
	firstRetry = 20 * time.Millisecond
	lastRetry  = 500 * time.Millisecond
)

// try calls f until it succeeds, fails for a reason that stays, or the patience
// is over. f has the store's timeout each time, so that a member that does not
// answer does not use up the time of the others. A member that is cut off from
// the others says so at once, rather than to wait for them.
func (s *store) try(ctx context.Context, patience time.Duration, f func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error // that says more than that the time is over
	for delay := firstRetry; ; delay = min(2*delay, lastRetry) {
		attempt, cancel := context.WithTimeout(clientv3.WithRequireLeader(ctx), s.timeout)
		err := f(attempt)
		cancel()
		if err == nil || !transient(err) || s.closed() {
			return err
		}
		if last == nil || code(err) != codes.DeadlineExceeded {
			last = err
		}
		s.log.Debug("etcd gave no answer", "error", bare(err))
		if !pause(ctx, delay/2+rand.N(delay/2+1)) {
			return last
		}
	}
}

// pause waits for d and tells whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
