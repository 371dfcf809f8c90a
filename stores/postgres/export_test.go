package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

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

// OpenPooled is OpenPlain, with what makes the connections of the store forget what was
// prepared, as they have it of a pooler that hands them another connection of the server.
func OpenPooled(ctx context.Context, c Config) (s core.TokenStore, forget func(context.Context) error, err error) {
	plain, err := connected(ctx, c, nil)
	if err != nil {
		return nil, nil, err
	}
	return core.Guard(plain), func(ctx context.Context) error {
		for _, conn := range plain.db.AcquireAllIdle(ctx) {
			defer conn.Release()
			if _, err := conn.Exec(ctx, "DEALLOCATE ALL", pgx.QueryExecModeSimpleProtocol); err != nil {
				return err
			}
		}
		return nil
	}, nil
}
