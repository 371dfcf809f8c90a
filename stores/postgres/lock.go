package postgres

import (
	"context"
	"crypto/rand"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/lease"
)

// Lock implements [core.Locker]. The times are the database's.
func (s *store) Lock(ctx context.Context, key string) (core.Lease, error) {
	holder, ttl := rand.Text(), s.lockTTL.Milliseconds()
	held, err := lease.Lock{
		TTL: s.lockTTL,
		Acquire: func(ctx context.Context) (bool, error) {
			var fence int64
			err := s.withTables(ctx, func(ctx context.Context) error {
				return s.db.row(ctx, []any{&fence}, `
					INSERT INTO tokentoss_locks AS l (owner, key, holder, fence, expires)
					VALUES ($1, $2, $3, 1, clock_timestamp() + $4 * interval '1 millisecond')
					ON CONFLICT (owner, key) DO UPDATE SET holder = excluded.holder, fence = l.fence + 1, expires = excluded.expires
					WHERE l.expires <= clock_timestamp() OR l.holder = excluded.holder
					RETURNING fence`, s.owner, key, holder, ttl)
			})
			if errors.Is(err, pgx.ErrNoRows) {
				return false, nil
			}
			if err == nil {
				s.log.Debug("lock taken", "key", key, "fence", fence)
			}
			return err == nil, err
		},
		Renew: func(ctx context.Context) (bool, error) {
			tag, err := s.db.run(ctx, `
				UPDATE tokentoss_locks SET expires = clock_timestamp() + $4 * interval '1 millisecond'
				WHERE owner = $1 AND key = $2 AND holder = $3 AND expires > clock_timestamp()`, s.owner, key, holder, ttl)
			return tag.RowsAffected() == 1, err
		},
		Release: func(ctx context.Context) error {
			// The row stays, so that the next holder has a higher fence.
			return s.try(ctx, func(ctx context.Context) error {
				_, err := s.db.run(ctx, "UPDATE tokentoss_locks SET expires = '-infinity', holder = '' WHERE owner = $1 AND key = $2 AND holder = $3", s.owner, key, holder)
				return err
			})
		},
	}.Take(ctx)
	if err != nil {
		return nil, s.failed(ctx, "lock", err)
	}
	return held, nil
}
