package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest/pgtest"
	"github.com/tokentoss/tokentoss/core/storetest/storebench"
	"github.com/tokentoss/tokentoss/stores/encrypted"
	"github.com/tokentoss/tokentoss/stores/postgres"
)

// A bare store is what pgx does for the same work, with as many connections and the
// statements that it prepares: a row, an update that compares its version, and a lock that
// is a row with a time of expiry. The tables are those of the store.
type bare struct {
	pool  *pgxpool.Pool
	owner string
}

func (s bare) Load(ctx context.Context, key string) (r core.Record, err error) {
	err = s.pool.QueryRow(ctx, "SELECT data, save FROM tokentoss_sessions WHERE owner = $1 AND key = $2", s.owner, key).Scan(&r.Data, &r.Revision)
	if errors.Is(err, pgx.ErrNoRows) {
		err = core.ErrNotFound
	}
	return r, err
}

func (s bare) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	next, statement, args := rand.Text(), "INSERT INTO tokentoss_sessions (owner, key, data, save) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", []any{s.owner, key, r.Data}
	args = append(args, next)
	if r.Revision != "" {
		statement = "UPDATE tokentoss_sessions SET data = $3, save = $4, saved_at = now() WHERE owner = $1 AND key = $2 AND save = $5"
		args = append(args, r.Revision)
	}
	tag, err := s.pool.Exec(ctx, statement, args...)
	if err == nil && tag.RowsAffected() == 0 {
		err = core.ErrConflict
	}
	return core.Record{Data: r.Data, Revision: next}, err
}

func (s bare) Delete(ctx context.Context, key string) error {
	_, err := s.pool.Exec(ctx, "DELETE FROM tokentoss_sessions WHERE owner = $1 AND key = $2", s.owner, key)
	return err
}

// List implements [core.Lister]: before there is a key, nothing is encrypted for another.
func (s bare) List(context.Context) ([]string, error) { return nil, nil }

func (s bare) Lock(ctx context.Context, key string) (core.Lease, error) {
	l := bareLock{s, ctx, key, rand.Text()}
	tag, err := s.pool.Exec(ctx, `INSERT INTO tokentoss_locks AS l (owner, key, holder, fence, expires) VALUES ($1, $2, $3, 1, clock_timestamp() + interval '15 seconds')
		ON CONFLICT (owner, key) DO UPDATE SET holder = excluded.holder, fence = l.fence + 1, expires = excluded.expires WHERE l.expires <= clock_timestamp()`, s.owner, key, l.holder)
	if err == nil && tag.RowsAffected() == 0 {
		err = core.ErrLocked // of a lock that many want it would wait
	}
	return l, err
}

type bareLock struct {
	bare
	ctx         context.Context
	key, holder string
}

func (l bareLock) Release() error {
	_, err := l.pool.Exec(l.ctx, "UPDATE tokentoss_locks SET expires = '-infinity' WHERE owner = $1 AND key = $2 AND holder = $3", l.owner, l.key, l.holder)
	return err
}

func (l bareLock) Lost() <-chan struct{} { return nil }

// The server does not wait for its disk: what is compared is what clients and server do.
func BenchmarkAgainstClient(b *testing.B) {
	c := config(b, server(b))
	set, err := pgxpool.ParseConfig(c.URL)
	must(b, err)
	set.ConnConfig.Password, set.MaxConns = pgtest.Password, 4 // as the store's
	pool, err := pgxpool.NewWithConfig(b.Context(), set)
	must(b, err)
	b.Cleanup(pool.Close)
	plain := openPlain(b, c)
	must(b, core.Full(plain).Check(b.Context(), core.DefaultKey)) // makes the tables
	full, err := postgres.Open(b.Context(), config(b, server(b)), b.TempDir(), nil, nil)
	must(b, err)
	b.Cleanup(func() { must(b, core.Full(full).Close()) })
	sealing := bare{pool, "sealing"}
	keys, err := encrypted.Config{}.Keys(b.TempDir(), nil, core.Full(sealing))
	must(b, err)
	storebench.Compare(b,
		&storebench.Side{Name: "bare", Store: bare{pool, "bare"}},
		&storebench.Side{Name: "store", Store: full},
		&storebench.Side{Name: "store-unencrypted", Store: plain},
		&storebench.Side{Name: "bare-encrypted", Store: encrypted.Wrap(sealing, "bench", keys)})
}

// A look-up among many sessions costs what one among few does.
func BenchmarkLookUp(b *testing.B) {
	srv := server(b)
	stores := map[int]core.TokenStore{}
	for _, n := range []int{100, 100_000} {
		c := config(b, srv)
		stores[n] = openPlain(b, c)
		must(b, core.Full(stores[n]).Check(b.Context(), core.DefaultKey))
		fillRows(b, srv, c.Owner, n)
	}
	storebench.Flat(b, stores[100], stores[100_000], func(i int) string { return fmt.Sprintf("account-%06d", i) }, 100, 100_000)
}

// fillRows makes n small documents.
func fillRows(t testing.TB, srv *pgtest.Server, owner string, n int) {
	t.Helper()
	administer(t, srv, `INSERT INTO tokentoss_sessions (owner, key, data, save)
		SELECT $1, 'account-' || lpad(i::text, 6, '0'), 'a small document', 'save' || i FROM generate_series(0, $2 - 1) AS i`, owner, n)
	administer(t, srv, "ANALYZE tokentoss_sessions")
}
