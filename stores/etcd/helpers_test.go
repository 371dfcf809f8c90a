package etcd_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"testing"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// bounded returns a context that ends before the test does.
func bounded(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	t.Cleanup(cancel)
	return ctx
}

// newPrefix returns a place of t's own, also when t runs again.
func newPrefix(t testing.TB) string { return "/tokentoss/" + t.Name() + "/" + rand.Text() }

// openStore returns a store as one machine has it. Who uses it closes it.
func openStore(t testing.TB, c etcd.Config, dir string) core.TokenStore {
	t.Helper()
	s, err := etcd.Open(bounded(t), c, dir, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// openClosed returns a store that is closed when t ends.
func openClosed(t testing.TB, c etcd.Config, dir string) core.TokenStore {
	t.Helper()
	s := openStore(t, c, dir)
	t.Cleanup(func() {
		if err := s.(io.Closer).Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantUnavailable checks that err says that etcd cannot be had, and what to do.
func wantUnavailable(t testing.TB, what string, err error) {
	t.Helper()
	var own *fault.Error
	if !errors.Is(err, core.ErrUnavailable) || !errors.As(err, &own) || own.Hint() == "" {
		t.Errorf("%s: error is %v, want core.ErrUnavailable with a hint", what, err)
	}
}

// locks returns how many have, or wait for, locks below prefix, and the revision
// at which that was so.
func locks(t testing.TB, client *clientv3.Client, prefix string) (n int, rev int64) {
	t.Helper()
	resp, err := client.Get(bounded(t), prefix+"/locks/", clientv3.WithPrefix(), clientv3.WithCountOnly())
	must(t, err)
	return int(resp.Count), resp.Header.Revision
}

func wantNoLocks(t testing.TB, c *cluster, prefix string) {
	t.Helper()
	if n, _ := locks(t, c.client(t), prefix); n != 0 {
		t.Errorf("%d keys of locks are left over", n)
	}
}

// waitForQueue returns when n or more have, or wait for, locks below prefix.
func waitForQueue(t testing.TB, c *cluster, prefix string, n int) {
	t.Helper()
	watchQueue(t, c, prefix, func(have int) bool { return have >= n })
}

// waitForLeave returns when no more than n do.
func waitForLeave(t testing.TB, c *cluster, prefix string, n int) {
	t.Helper()
	watchQueue(t, c, prefix, func(have int) bool { return have <= n })
}

func watchQueue(t testing.TB, c *cluster, prefix string, enough func(have int) bool) {
	t.Helper()
	client := c.client(t)
	ctx, cancel := context.WithCancel(bounded(t))
	defer cancel()
	have, rev := locks(t, client, prefix)
	changes := client.Watch(ctx, prefix+"/locks/", clientv3.WithPrefix(), clientv3.WithRev(rev+1))
	for !enough(have) {
		resp, ok := <-changes
		if !ok || resp.Err() != nil {
			t.Fatalf("%d are at the lock: %v", have, resp.Err())
		}
		for _, event := range resp.Events {
			if event.Type == clientv3.EventTypeDelete {
				have--
			} else {
				have++
			}
		}
	}
}
