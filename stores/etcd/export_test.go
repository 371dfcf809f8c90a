package etcd

import (
	"context"
	"log/slog"

	"github.com/tokentoss/tokentoss/core"
)

// OpenPlain is Open without encryption.
func OpenPlain(ctx context.Context, c Config, log *slog.Logger) (core.TokenStore, error) {
	s, err := connected(ctx, c, log)
	if err != nil {
		return nil, err
	}
	return s, nil
}
