package postgres_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
	"github.com/tokentoss/tokentoss/stores/postgres"
)

// plugin is the store as its executable serves it.
func plugin() plugins.Plugin {
	return plugins.Store(plugins.Info{Name: "postgres", Version: "v0.1.0", Locking: true, Listing: true},
		func(ctx context.Context, o plugins.Opening[postgres.Config]) (core.TokenStore, error) {
			return postgres.Open(ctx, o.Config, o.Dir, o.Ask, o.Log)
		})
}

func TestConformance(t *testing.T) {
	s := server(t)
	plugintest.Store(t, plugin(), func(t *testing.T) plugins.Request {
		settings, err := json.Marshal(config(t, s))
		must(t, err)
		return plugins.Request{Dir: t.TempDir(), Settings: settings}
	})
}

// Without encryption two writers may save the same words: nothing here relies on that
// they do not. Locks are taken away as an administrator would.
func TestConformanceWithoutEncryption(t *testing.T) {
	srv := server(t)
	var mu sync.Mutex
	configs := map[core.TokenStore]postgres.Config{}
	open := func(t *testing.T, c postgres.Config) core.TokenStore {
		s, err := postgres.OpenPlain(t.Context(), c)
		must(t, err)
		mu.Lock()
		defer mu.Unlock()
		configs[s] = c
		return s
	}
	of := func(s core.TokenStore) postgres.Config {
		mu.Lock()
		defer mu.Unlock()
		return configs[s]
	}
	storetest.Run(t,
		func(t *testing.T) core.TokenStore {
			c := config(t, srv)
			c.LockTTL = "1s"
			return open(t, c)
		},
		storetest.WithReopen(func(t *testing.T, first core.TokenStore) core.TokenStore { return open(t, of(first)) }),
		storetest.WithLoss(func(t *testing.T, s core.TokenStore) {
			administer(t, srv, "DELETE FROM tokentoss_locks WHERE owner = $1", of(s).Owner)
		}),
		storetest.WithTimeout(20*time.Second))
}
