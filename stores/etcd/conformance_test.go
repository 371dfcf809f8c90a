package etcd_test

import (
	"context"
	"encoding/json"
	"path"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

// plugin is the store as its executable serves it.
func plugin() plugins.Plugin {
	return plugins.Store(plugins.Info{Name: "etcd", Version: "v0.1.0", Locking: true, Listing: true},
		func(ctx context.Context, o plugins.Opening[etcd.Config]) (core.TokenStore, error) {
			return etcd.Open(ctx, o.Config, o.Dir, o.Ask, o.Log)
		})
}

func TestConformance(t *testing.T) {
	c := shared(t)
	plugintest.Store(t, plugin(), func(t *testing.T) plugins.Request {
		settings, err := json.Marshal(etcd.Config{Endpoints: c.endpoints, Prefix: newPrefix(t)})
		must(t, err)
		return plugins.Request{Dir: t.TempDir(), Settings: settings}
	})
}

// place is the prefix of a store's keys.
func place(s core.TokenStore) string {
	return path.Dir(path.Dir(s.(core.Locator).Path(core.DefaultKey)))
}

// Without encryption two writers may save the same words: nothing here relies on
// that they do not.
func TestConformanceWithoutEncryption(t *testing.T) {
	c := shared(t)
	open := func(t *testing.T, prefix string) core.TokenStore {
		s, err := etcd.OpenPlain(bounded(t), etcd.Config{Endpoints: c.endpoints, Prefix: prefix}, nil)
		must(t, err)
		return s
	}
	storetest.Run(t,
		func(t *testing.T) core.TokenStore { return open(t, "/tokentoss/"+t.Name()) },
		storetest.WithReopen(func(t *testing.T, first core.TokenStore) core.TokenStore { return open(t, place(first)) }))
}
