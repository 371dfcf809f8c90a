// Command tokentoss-store-postgres is the store of package postgres as a plugin.
package main

import (
	"context"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/stores/postgres"
)

func main() {
	plugins.Serve(plugins.Store(plugins.Info{
		Name: "postgres", Version: "v0.1.0", About: "sessions in PostgreSQL, shared by many machines, encrypted", Locking: true, Listing: true,
	}, open))
}

func open(ctx context.Context, o plugins.Opening[postgres.Config]) (core.TokenStore, error) {
	return postgres.Open(ctx, o.Config, o.Dir, o.Ask, o.Log)
}
