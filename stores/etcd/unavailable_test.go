package etcd_test

import (
	"context"
	"errors"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// calls are all calls of a store.
func calls(s core.TokenStore) map[string]func(ctx context.Context) error {
	return map[string]func(ctx context.Context) error{
		"Load": func(ctx context.Context) error { _, err := s.Load(ctx, core.DefaultKey); return err },
		"Save": func(ctx context.Context) error {
			_, err := s.Save(ctx, core.DefaultKey, core.Record{Data: []byte("x")})
			return err
		},
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, core.DefaultKey) },
		"List":   func(ctx context.Context) error { _, err := s.(core.Lister).List(ctx); return err },
		"Check":  func(ctx context.Context) error { return s.(core.Checker).Check(ctx, core.DefaultKey) },
		"Lock":   func(ctx context.Context) error { _, err := s.(core.Locker).Lock(ctx, core.DefaultKey); return err },
		"SetAside": func(ctx context.Context) error {
			_, err := s.(core.Quarantiner).Quarantine(ctx, core.DefaultKey)
			return err
		},
	}
}

// wantAllUnavailable makes all calls at once. Their contexts have no deadline:
// they end by those of the store.
func wantAllUnavailable(t *testing.T, s core.TokenStore) {
	t.Helper()
	done := make(chan error)
	all := calls(s)
	for name, call := range all {
		go func() {
			err := call(context.WithoutCancel(t.Context()))
			var own *fault.Error
			if !errors.Is(err, core.ErrUnavailable) || !errors.As(err, &own) || own.Hint() == "" {
				t.Errorf("%s: error is %v, want core.ErrUnavailable with a hint", name, err)
			}
			if errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: error is %v, as if the caller's deadline had passed", name, err)
			}
			done <- err
		}()
	}
	for range all {
		select {
		case <-done:
		case <-bounded(t).Done():
			t.Fatal("a call hangs")
		}
	}
}

// Nobody listens; nobody answers; a majority of the members is dead. Nothing
// hangs, and the errors say that it is etcd that is not there.
func TestUnavailable(t *testing.T) {
	t.Parallel()
	open := func(t *testing.T, endpoints []string) core.TokenStore {
		return openClosed(t, etcd.Config{Endpoints: endpoints, Prefix: "/tokentoss/ada", RequestTimeout: "500ms"}, t.TempDir())
	}
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		addresses, err := freeAddresses(1)
		must(t, err)
		wantAllUnavailable(t, open(t, []string{"http://" + addresses[0]}))
	})
	t.Run("nobody answers", func(t *testing.T) {
		t.Parallel()
		network := newLink(t, shared(t).endpoints...)
		network.set(silent)
		wantAllUnavailable(t, open(t, network.endpoints))
	})
	t.Run("no majority", func(t *testing.T) {
		t.Parallel()
		c := newCluster(t, 3, nil)
		s := open(t, c.endpoints)
		must(t, s.(core.Checker).Check(bounded(t), core.DefaultKey))
		c.members[0].kill()
		c.members[1].kill()
		wantAllUnavailable(t, s)
	})
}

// A call that waits for etcd ends with its ctx, whose error it wraps.
func TestContextEndsWhileEtcdIsSilent(t *testing.T) {
	t.Parallel()
	network := newLink(t, shared(t).endpoints...)
	s := openClosed(t, etcd.Config{Endpoints: network.endpoints, Prefix: newPrefix(t), RequestTimeout: "10m"}, t.TempDir())
	must(t, s.(core.Checker).Check(bounded(t), core.DefaultKey))
	network.set(silent)
	for name, call := range calls(s) {
		ctx, cancel := context.WithCancel(bounded(t))
		done := make(chan error, 1)
		go func() { done <- call(ctx) }()
		wait(t, "the request of "+name, network.swallowed)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) || errors.Is(err, core.ErrUnavailable) {
			t.Errorf("%s: error is %v, want context.Canceled", name, err)
		}
	}
}
