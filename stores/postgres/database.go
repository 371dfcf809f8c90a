package postgres

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// unprepared is how many statements of a process are not prepared: one that makes few
// calls would wait for the preparation of each.
const unprepared = 16

// A database is a pool of connections. Statements are prepared, until it turns out that a
// pooler, such as PgBouncer, gives each of them another connection of the server.
type database struct {
	*pgxpool.Pool
	calls  atomic.Int64
	pooled atomic.Bool
}

// mode puts before the arguments of a statement how it is executed.
func (d *database) mode(args []any) []any {
	mode := pgx.QueryExecModeCacheStatement
	if d.pooled.Load() || d.calls.Add(1) <= unprepared {
		mode = pgx.QueryExecModeExec
	}
	return append([]any{mode}, args...)
}

// run executes a statement.
func (d *database) run(ctx context.Context, statement string, args ...any) (pgconn.CommandTag, error) {
	tag, err := d.Exec(ctx, statement, d.mode(args)...)
	d.learn(err)
	return tag, err
}

// row reads the one row of a statement's result into values.
func (d *database) row(ctx context.Context, values []any, statement string, args ...any) error {
	err := d.QueryRow(ctx, statement, d.mode(args)...).Scan(values...)
	d.learn(err)
	return err
}

// learn notes an error that a pooler causes. The statement was not executed, and is called
// again: see transient.
func (d *database) learn(err error) {
	if foreign(err) {
		d.pooled.Store(true)
	}
}

// foreign tells whether a prepared statement was not there, or of somebody else.
func foreign(err error) bool {
	c := code(err)
	return c == "26000" || c == "42P05"
}
