package etcd

import (
	"context"
	"log/slog"
	"time"

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

// OpenShort is OpenPlain, with a time after which sessions that nobody uses are removed
// that is shorter than the setting may be.
func OpenShort(ctx context.Context, c Config, unusedAfter time.Duration) (core.TokenStore, error) {
	s, err := connected(ctx, c, nil)
	if err != nil {
		return nil, err
	}
	s.unused.after = unusedAfter
	return s, nil
}
