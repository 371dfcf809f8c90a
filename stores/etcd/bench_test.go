package etcd_test

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/concurrency"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest/storebench"
	"github.com/tokentoss/tokentoss/stores/encrypted"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// A bare store is what etcd's client library does for the same work: a get, a put that
// compares the revision, and the lock of its package concurrency.
type bare struct {
	client  *clientv3.Client
	session *concurrency.Session
	prefix  string
}

func (s bare) Load(ctx context.Context, key string) (core.Record, error) {
	resp, err := s.client.Get(ctx, s.prefix+key)
	if err != nil {
		return core.Record{}, err
	}
	if len(resp.Kvs) == 0 {
		return core.Record{}, core.ErrNotFound
	}
	return core.Record{Data: resp.Kvs[0].Value, Revision: strconv.FormatInt(resp.Kvs[0].ModRevision, 10)}, nil
}

func (s bare) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	rev, _ := strconv.ParseInt(r.Revision, 10, 64) // none is 0, etcd's revision of no key
	resp, err := s.client.Txn(ctx).If(clientv3.Compare(clientv3.ModRevision(s.prefix+key), "=", rev)).
		Then(clientv3.OpPut(s.prefix+key, string(r.Data))).Commit()
	if err == nil && !resp.Succeeded {
		err = core.ErrConflict
	}
	if err != nil {
		return core.Record{}, err
	}
	return core.Record{Data: r.Data, Revision: strconv.FormatInt(resp.Header.Revision, 10)}, nil
}

func (s bare) Delete(ctx context.Context, key string) error {
	_, err := s.client.Delete(ctx, s.prefix+key)
	return err
}

// List implements [core.Lister]: before there is a key, nothing is encrypted for another.
func (s bare) List(context.Context) ([]string, error) { return nil, nil }

func (s bare) Lock(ctx context.Context, key string) (core.Lease, error) {
	m := concurrency.NewMutex(s.session, s.prefix+"locks/"+key)
	if err := m.Lock(ctx); err != nil {
		return nil, err
	}
	return bareLock{m, ctx}, nil
}

type bareLock struct {
	*concurrency.Mutex
	ctx context.Context
}

func (l bareLock) Release() error        { return l.Unlock(l.ctx) }
func (l bareLock) Lost() <-chan struct{} { return nil }

// Three members, none of which waits for its disk: what is compared is what the clients
// and the members do.
func BenchmarkAgainstClient(b *testing.B) {
	c := newCluster(b, 3, nil)
	client := c.client(b)
	session, err := concurrency.NewSession(client)
	must(b, err)
	b.Cleanup(func() { must(b, session.Close()) })
	plain, err := etcd.OpenPlain(bounded(b), etcd.Config{Endpoints: c.endpoints, Prefix: "/plain"}, nil)
	must(b, err)
	b.Cleanup(func() { must(b, plain.(io.Closer).Close()) })
	full := openClosed(b, etcd.Config{Endpoints: c.endpoints, Prefix: "/full"}, b.TempDir())
	alone := bare{client, session, "/bare/"}
	sealing := bare{client, session, "/sealing/"}
	keys, err := encrypted.Config{}.Keys(b.TempDir(), nil, core.Full(sealing))
	must(b, err)
	storebench.Compare(b,
		&storebench.Side{Name: "bare", Store: alone},
		&storebench.Side{Name: "store", Store: full},
		&storebench.Side{Name: "store-unencrypted", Store: plain},
		&storebench.Side{Name: "bare-encrypted", Store: encrypted.Wrap(sealing, "bench", keys)})
}

// A look-up among many sessions costs what one among few does.
func BenchmarkLookUp(b *testing.B) {
	c := newCluster(b, 3, nil)
	stores := map[int]core.TokenStore{}
	name := func(i int) string { return fmt.Sprintf("account-%06d", i) }
	for _, n := range []int{100, 100_000} {
		prefix := fmt.Sprintf("/of-%d", n)
		fillKeys(b, c.client(b), prefix+"/sessions/", n)
		s, err := etcd.OpenPlain(bounded(b), etcd.Config{Endpoints: c.endpoints, Prefix: prefix}, nil)
		must(b, err)
		b.Cleanup(func() { must(b, s.(io.Closer).Close()) })
		stores[n] = s
	}
	storebench.Flat(b, stores[100], stores[100_000], name, 100, 100_000)
}

// fillKeys puts n small documents, as many at once as etcd takes.
func fillKeys(t testing.TB, client *clientv3.Client, prefix string, n int) {
	t.Helper()
	for i := 0; i < n; {
		var puts []clientv3.Op
		for ; i < n && len(puts) < 128; i++ {
			puts = append(puts, clientv3.OpPut(fmt.Sprintf("%saccount-%06d", prefix, i), "a small document"))
		}
		_, err := client.Txn(bounded(t)).Then(puts...).Commit()
		must(t, err)
	}
}
