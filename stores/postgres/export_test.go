package postgres

import (
	"context"
	"time"

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

// OpenShort is OpenPlain, with a time after which sessions that nobody uses are removed
// that is shorter than the setting may be.
func OpenShort(ctx context.Context, c Config, unusedAfter time.Duration) (core.TokenStore, error) {
	s, err := connected(ctx, c, nil)
	if err != nil {
		return nil, err
	}
	s.unusedAfter = unusedAfter
	return core.Guard(s), nil
}
