package etcd_test

import (
	"context"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest/crashtest"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// opener opens the store of a process that is killed.
var opener crashtest.Opener[etcd.Config] = func(ctx context.Context, c etcd.Config, dir string) (core.TokenStore, error) {
	return etcd.Open(ctx, c, dir, nil, nil)
}

// A process that is killed at any moment of a refresh leaves the session that was there, or
// the next one. Its lock is free when its time is over.
func TestKilledRefresh(t *testing.T) {
	t.Parallel()
	crashtest.KillConfigured(t, etcd.Config{Endpoints: shared(t).endpoints, Prefix: newPrefix(t), LockTTL: "2s"}, opener)
}
