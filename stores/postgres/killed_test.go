package postgres_test

import (
	"context"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest/crashtest"
	"github.com/tokentoss/tokentoss/stores/postgres"
)

// opener opens the store of a process that is killed.
var opener crashtest.Opener[postgres.Config] = func(ctx context.Context, c postgres.Config, dir string) (core.TokenStore, error) {
	return postgres.Open(ctx, c, dir, nil, nil)
}

// A process that is killed at any moment of a refresh leaves the session that was there, or
// the next one. Its lock is free when its time is over.
func TestKilledRefresh(t *testing.T) {
	t.Parallel()
	c := config(t, server(t))
	c.LockTTL = "1s"
	crashtest.KillConfigured(t, c, opener)
}
