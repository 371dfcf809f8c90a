package plugins_test

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
	"github.com/tokentoss/tokentoss/stores/file"
)

// TestMain serves the plugins of these tests, or runs them. No goroutine outlives
// its test.
func TestMain(m *testing.M) {
	os.Exit(plugintest.Run(func() int {
		goleak.VerifyTestMain(m)
		return 1 // it has ended this process
	}, filePlugin(), scripted(), faulty()))
}

// filePlugin serves the file store, which is not a plugin in tokentoss.
func filePlugin() plugins.Plugin {
	type config struct{}
	return plugins.Store(plugins.Info{Name: "files", Version: "v1.2.3", About: "files", Locking: true, Listing: true},
		func(_ context.Context, o plugins.Opening[config]) (core.TokenStore, error) { return file.New(o.Dir) })
}

func TestStoreConformance(t *testing.T) {
	plugintest.Store(t, filePlugin(), func(t *testing.T) plugins.Request { return plugins.Request{Dir: t.TempDir()} })
}
