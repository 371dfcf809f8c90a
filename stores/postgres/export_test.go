package postgres

import (
	"context"

	"github.com/tokentoss/tokentoss/core"
)

// OpenPlain opens a store without encryption.
func OpenPlain(ctx context.Context, c Config) (core.TokenStore, error) {
	s, err := connected(ctx, c, nil)
	if err != nil {
		return nil, err
	}
	return core.Guard(s), nil
}
