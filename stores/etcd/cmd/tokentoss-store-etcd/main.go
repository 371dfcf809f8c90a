// Command tokentoss-store-etcd is the store of package etcd as a plugin.
package main

import (
	"context"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/stores/etcd"
)

func main() {
	plugins.Serve(plugins.Store(plugins.Info{
		Name: "etcd", Version: "v0.1.0", About: "sessions in etcd, shared by many machines, encrypted", Locking: true, Listing: true,
	}, open))
}

func open(ctx context.Context, o plugins.Opening[etcd.Config]) (core.TokenStore, error) {
	return etcd.Open(ctx, o.Config, o.Dir, o.Ask, o.Log)
}
