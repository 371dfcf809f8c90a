package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
)

// maxSize is what a document may have, in bytes, once it is encrypted.
const maxSize = 1<<20 + 128<<10

// A store keeps documents in rows, as it gets them. It is used behind [core.Guard].
type store struct {
	db      *database
	host    string // for errors
	owner   string
	timeout time.Duration
	lockTTL time.Duration
	log     *slog.Logger

	unusedAfter time.Duration // zero: nothing is removed
	tidied      atomic.Int64  // when, in nanoseconds
}

var (
	_ core.TokenStore  = (*store)(nil)
	_ core.Locker      = (*store)(nil)
	_ core.Lister      = (*store)(nil)
	_ core.Checker     = (*store)(nil)
	_ core.Quarantiner = (*store)(nil)
	_ core.Locator     = (*store)(nil)
)

// connected returns a store without encryption. It does not connect yet.
func connected(ctx context.Context, c Config, log *slog.Logger) (*store, error) {
	set, err := c.check(ctx)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), set.pool)
	if err != nil {
		return nil, err
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &store{
		db: &database{Pool: pool}, host: set.pool.ConnConfig.Host, owner: set.owner, timeout: set.timeout, lockTTL: set.lockTTL, log: log,
		unusedAfter: set.unusedAfter,
	}, nil
}

// Close ends the connections. A lock that is held is not renewed any more.
func (s *store) Close() error {
	s.db.Close()
	return nil
}

// Path implements [core.Locator].
func (s *store) Path(key string) string {
	return fmt.Sprintf("tokentoss_sessions of %s, owner %s, key %s", s.host, s.owner, key)
}

// Load implements [core.TokenStore].
func (s *store) Load(ctx context.Context, key string) (core.Record, error) {
	for {
		r, due, err := s.read(ctx, key)
		if errors.Is(err, pgx.ErrNoRows) || noTables(err) {
			return core.Record{}, &fault.Error{Subject: s.Path(key), Kind: fault.NotFound}
		}
		if err != nil {
			return core.Record{}, s.failed(ctx, "load", err)
		}
		if due {
			there, err := s.use(ctx, key)
			if err == nil && !there {
				continue // it was removed since
			}
			if err != nil {
				s.log.Debug("the use of a session could not be noted", "key", key, "error", err)
			}
		}
		return r, nil
	}
}

// read reads a row. due tells that its use is to be noted, as it is not more often than each
// tenth of the time after which it would be removed.
func (s *store) read(ctx context.Context, key string) (r core.Record, due bool, err error) {
	statement, args := "SELECT data, save, false FROM tokentoss_sessions WHERE owner = $1 AND key = $2", []any{s.owner, key}
	if s.unusedAfter > 0 {
		statement = `SELECT data, save, expires IS NULL OR saved_at > used_at OR expires < now() + $3 * interval '1 second'
			FROM tokentoss_sessions WHERE owner = $1 AND key = $2`
		args = append(args, 0.9*s.unusedAfter.Seconds())
	}
	load := func(ctx context.Context) error {
		return s.db.row(ctx, []any{&r.Data, &r.Revision, &due}, statement, args...)
	}
	if err = s.try(ctx, load); code(err) == undefinedColumn {
		err = s.withTables(ctx, load)
	}
	return r, due, err
}

// Save stores r if the row is still that of r.Revision. The revision names the save:
// where an answer was lost it tells whether the row was written all the same.
func (s *store) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	if len(r.Data) > maxSize {
		return core.Record{}, &fault.Error{Subject: s.Path(key), Kind: fault.TooLarge, Problem: fmt.Sprintf("%d bytes; at most %d are stored", len(r.Data), maxSize)}
	}
	data, save, stored := r.Data, rand.Text(), ""
	if data == nil {
		data = []byte{} // and not null
	}
	err := s.withTables(ctx, func(ctx context.Context) error {
		written, err := s.swap(ctx, key, r.Revision, save, data)
		if written || err != nil {
			stored = save
			return err
		}
		err = s.db.row(ctx, []any{&stored}, "SELECT save FROM tokentoss_sessions WHERE owner = $1 AND key = $2", s.owner, key)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return core.Record{}, s.failed(ctx, "save", err)
	}
	if stored != save {
		return core.Record{}, &fault.Error{Subject: s.Path(key), Kind: fault.Conflict}
	}
	s.tidy(ctx)
	return core.Record{Data: r.Data, Revision: save}, nil
}

// swap writes the row if it is that of revision, and tells whether it did.
func (s *store) swap(ctx context.Context, key, revision, save string, data []byte) (bool, error) {
	statement, args := insert, []any{s.owner, key, data, save}
	if revision != "" {
		statement, args = update, append(args, revision)
	}
	if s.unusedAfter > 0 {
		if statement = insertUsed; revision != "" {
			statement = updateUsed
		}
		args = append(args, s.unusedAfter.Seconds())
	}
	tag, err := s.db.run(ctx, statement, args...)
	return tag.RowsAffected() == 1, err
}

const (
	insert     = "INSERT INTO tokentoss_sessions (owner, key, data, save) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING"
	insertUsed = `INSERT INTO tokentoss_sessions (owner, key, data, save, used_at, expires)
		VALUES ($1, $2, $3, $4, now(), now() + $5 * interval '1 second') ON CONFLICT DO NOTHING`

	update     = "UPDATE tokentoss_sessions SET data = $3, save = $4, saved_at = now() WHERE owner = $1 AND key = $2 AND save = $5"
	updateUsed = `UPDATE tokentoss_sessions SET data = $3, save = $4, saved_at = now(), used_at = now(), expires = now() + $6 * interval '1 second'
		WHERE owner = $1 AND key = $2 AND save = $5`
)

// Delete implements [core.TokenStore].
func (s *store) Delete(ctx context.Context, key string) error {
	err := s.try(ctx, func(ctx context.Context) error {
		_, err := s.db.run(ctx, "DELETE FROM tokentoss_sessions WHERE owner = $1 AND key = $2", s.owner, key)
		return err
	})
	if err != nil && !noTables(err) {
		return s.failed(ctx, "delete", err)
	}
	return nil
}

// List implements [core.Lister].
func (s *store) List(ctx context.Context) ([]string, error) {
	var keys []string
	err := s.try(ctx, func(ctx context.Context) error {
		rows, err := s.db.Query(ctx, `SELECT key FROM tokentoss_sessions WHERE owner = $1 AND key NOT LIKE '%/%' ORDER BY key COLLATE "C"`, s.db.mode([]any{s.owner})...)
		if err != nil {
			return err
		}
		keys, err = pgx.CollectRows(rows, pgx.RowTo[string])
		s.db.learn(err)
		return err
	})
	if err != nil && !noTables(err) {
		return nil, s.failed(ctx, "list", err)
	}
	return keys, nil
}

// Check implements [core.Checker]: the database looks at the permissions of a save
// that would write no row.
func (s *store) Check(ctx context.Context, key string) error {
	err := s.withTables(ctx, func(ctx context.Context) error {
		statement := "INSERT INTO tokentoss_sessions (owner, key, data, save) SELECT $1, $2, '', '' WHERE false"
		if s.unusedAfter > 0 {
			statement = "INSERT INTO tokentoss_sessions (owner, key, data, save, used_at, expires) SELECT $1, $2, '', '', now(), now() WHERE false"
		}
		_, err := s.db.run(ctx, statement, s.owner, key)
		return err
	})
	if err != nil {
		return s.failed(ctx, "check", err)
	}
	return nil
}

// Quarantine implements [core.Quarantiner]: the row gets another key, which no session
// has.
func (s *store) Quarantine(ctx context.Context, key string) (string, error) {
	aside := key + "/" + rand.Text()
	err := s.try(ctx, func(ctx context.Context) error {
		_, err := s.db.run(ctx, "UPDATE tokentoss_sessions SET key = $3 WHERE owner = $1 AND key = $2", s.owner, key, aside)
		return err
	})
	if err != nil {
		return "", s.failed(ctx, "quarantine", err)
	}
	return s.Path(aside), nil
}
