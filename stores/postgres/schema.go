package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// tables makes what is missing.
const tables = `
CREATE TABLE IF NOT EXISTS tokentoss_sessions (
	owner text NOT NULL, key text NOT NULL, data bytea NOT NULL, save text NOT NULL,
	saved_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (owner, key));
CREATE TABLE IF NOT EXISTS tokentoss_locks (
	owner text NOT NULL, key text NOT NULL, holder text NOT NULL, fence bigint NOT NULL,
	expires timestamptz NOT NULL, PRIMARY KEY (owner, key))`

// Codes of PostgreSQL (appendix A of its manual).
const (
	undefinedTable  = "42P01"
	undefinedColumn = "42703"

	// Of two who make one table at the same time, one gets any of these.
	duplicateTable  = "42P07"
	duplicateObject = "42710"
	uniqueViolation = "23505"
)

// withTables calls f, and again after making the tables or columns that are missing.
func (s *store) withTables(ctx context.Context, f func(context.Context) error) error {
	err := s.tryFor(ctx, persistence*s.timeout, f)
	for range 2 {
		missing := tables
		switch code(err) {
		case undefinedTable:
		case undefinedColumn:
			missing = unusedColumns
		default:
			return err
		}
		err = s.try(ctx, func(ctx context.Context) error {
			_, err := s.db.Exec(ctx, missing, pgx.QueryExecModeSimpleProtocol)
			return err
		})
		if c := code(err); err != nil && c != duplicateTable && c != duplicateObject && c != uniqueViolation {
			return err
		}
		err = s.tryFor(ctx, persistence*s.timeout, f)
	}
	return err
}

// noTables tells whether err is that the tables are missing.
func noTables(err error) bool { return code(err) == undefinedTable }

// code is that of an error of the database, or empty.
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}
