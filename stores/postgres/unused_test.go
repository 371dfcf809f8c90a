package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/storetest/pgtest"
	"github.com/tokentoss/tokentoss/stores/postgres"
)

// query reads the one value of a statement as the administrator.
func query[T any](t *testing.T, s *pgtest.Server, statement string, args ...any) (value T) {
	t.Helper()
	c, err := pgx.ParseConfig(s.URL())
	must(t, err)
	c.Password = pgtest.Password
	conn, err := pgx.ConnectConfig(t.Context(), c)
	must(t, err)
	defer conn.Close(context.Background())
	must(t, conn.QueryRow(t.Context(), statement, args...).Scan(&value))
	return value
}

// tidying is a config with which sessions end that nobody uses for 90 days.
func tidying(t *testing.T, s *pgtest.Server) postgres.Config {
	t.Helper()
	c := config(t, s)
	c.UnusedAfter = "2160h"
	return c
}

// pass lets days pass for an owner's sessions, by the clock of the database.
func pass(t *testing.T, s *pgtest.Server, owner string, days int) {
	t.Helper()
	administer(t, s, `UPDATE tokentoss_sessions SET saved_at = saved_at - $2 * interval '1 day',
		used_at = used_at - $2 * interval '1 day', expires = expires - $2 * interval '1 day' WHERE owner = $1`, owner, days)
}

// tidy has somebody else save, in a process of their own.
func tidy(t *testing.T, s *pgtest.Server) {
	t.Helper()
	saveNew(t, openPlain(t, tidying(t, s)))
}

func saveNew(t *testing.T, s core.TokenStore) core.Record {
	t.Helper()
	r, err := s.Save(t.Context(), core.DefaultKey, core.Record{Data: []byte("document")})
	must(t, err)
	return r
}

func rows(t *testing.T, s *pgtest.Server, table, owner string) int {
	t.Helper()
	return query[int](t, s, "SELECT count(*) FROM "+table+" WHERE owner = $1", owner)
}

// Nothing stays of a session that nobody uses: not the row, not that of its lock, not what
// was set aside. Whoever saves removes it, since nobody else comes for it.
func TestSessionThatNobodyUsesIsRemoved(t *testing.T) {
	srv := server(t)
	c := tidying(t, srv)
	s := openPlain(t, c)
	saveNew(t, s)
	_, err := core.Full(s).Quarantine(t.Context(), core.DefaultKey)
	must(t, err)
	saveNew(t, s)
	held, err := core.Full(s).Lock(t.Context(), core.DefaultKey)
	must(t, err)
	must(t, held.Release())
	pass(t, srv, c.Owner, 89)
	tidy(t, srv)
	if n := rows(t, srv, "tokentoss_sessions", c.Owner); n != 2 {
		t.Fatalf("%d rows after 89 days, want 2", n)
	}
	pass(t, srv, c.Owner, 2)
	tidy(t, srv)
	if n, locks := rows(t, srv, "tokentoss_sessions", c.Owner), rows(t, srv, "tokentoss_locks", c.Owner); n != 0 || locks != 0 {
		t.Errorf("%d sessions and %d locks are left", n, locks)
	}
	if _, err := s.Load(t.Context(), core.DefaultKey); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Load: error %v, want core.ErrNotFound", err)
	}
	saveNew(t, s)
}

// Whoever loads, saves or has locked a session has it stay, with the setting or without.
func TestSessionThatIsUsedStays(t *testing.T) {
	srv := server(t)
	for name, use := range map[string]func(t *testing.T, c postgres.Config, r core.Record){
		"load": func(t *testing.T, c postgres.Config, _ core.Record) {
			_, err := openPlain(t, c).Load(t.Context(), core.DefaultKey)
			must(t, err)
		},
		"save": func(t *testing.T, c postgres.Config, r core.Record) {
			_, err := openPlain(t, c).Save(t.Context(), core.DefaultKey, r)
			must(t, err)
		},
		"save without the setting": func(t *testing.T, c postgres.Config, r core.Record) {
			c.UnusedAfter = ""
			_, err := openPlain(t, c).Save(t.Context(), core.DefaultKey, r)
			must(t, err)
		},
		"lock": func(t *testing.T, c postgres.Config, _ core.Record) {
			held, err := core.Full(openPlain(t, c)).Lock(t.Context(), core.DefaultKey)
			must(t, err)
			t.Cleanup(func() { must(t, held.Release()) })
			pass(t, srv, c.Owner, 91)
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := tidying(t, srv)
			r := saveNew(t, openPlain(t, c))
			pass(t, srv, c.Owner, 89)
			use(t, c, r)
			pass(t, srv, c.Owner, 2)
			tidy(t, srv)
			if rows(t, srv, "tokentoss_sessions", c.Owner) != 1 {
				t.Error("a session that is in use was removed")
			}
		})
	}
}

// A load writes once in a tenth of the time.
func TestLoadsDoNotWriteEachTime(t *testing.T) {
	srv := server(t)
	c := tidying(t, srv)
	saveNew(t, openPlain(t, c))
	version := func() string {
		return query[string](t, srv, "SELECT xmin::text FROM tokentoss_sessions WHERE owner = $1", c.Owner)
	}
	load := func() {
		t.Helper()
		for range 3 {
			_, err := openPlain(t, c).Load(t.Context(), core.DefaultKey)
			must(t, err)
		}
	}
	pass(t, srv, c.Owner, 8)
	before := version()
	load()
	if version() != before {
		t.Error("a load wrote after 8 of 90 days")
	}
	pass(t, srv, c.Owner, 2)
	before = version()
	load()
	after := version()
	if after == before {
		t.Error("a load did not note the use after 10 of 90 days")
	}
	load()
	if version() != after {
		t.Error("it was noted again")
	}
}

// A save does not take long though many sessions have ended: it removes a hundred.
func TestRemovalIsBounded(t *testing.T) {
	srv := server(t)
	tidy(t, srv)
	administer(t, srv, `INSERT INTO tokentoss_sessions (owner, key, data, save, saved_at, used_at, expires)
		SELECT 'left', 'key' || i, '', '', now() - interval '3 days', now() - interval '2 days', now() - interval '1 day' FROM generate_series(1, 250) AS i`)
	for _, want := range []int{150, 50, 0} {
		tidy(t, srv)
		if n := rows(t, srv, "tokentoss_sessions", "left"); n != want {
			t.Errorf("%d sessions are left, want %d", n, want)
		}
	}
}

// The tables of a store without the setting get the columns from the first that has it,
// whatever it does first, and the sessions in them stay as they are.
func TestTablesGetTheColumnsOfUnusedAfter(t *testing.T) {
	srv := server(t)
	for name, first := range map[string]func(s core.TokenStore) error{
		"Load":  func(s core.TokenStore) error { _, err := s.Load(context.Background(), core.DefaultKey); return err },
		"Check": func(s core.TokenStore) error { return core.Full(s).Check(context.Background(), core.DefaultKey) },
		"Save": func(s core.TokenStore) error {
			_, err := s.Save(context.Background(), "another", core.Record{})
			if errors.Is(err, core.ErrConflict) {
				return nil // of those at once
			}
			return err
		},
	} {
		administer(t, srv, "DROP TABLE IF EXISTS tokentoss_sessions, tokentoss_locks")
		c := config(t, srv)
		r := saveNew(t, openPlain(t, c))
		c.UnusedAfter = "2160h"
		var wg sync.WaitGroup
		for range 4 {
			s := openPlain(t, c)
			wg.Go(func() {
				if err := first(s); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
		}
		wg.Wait()
		got, err := openPlain(t, c).Load(t.Context(), core.DefaultKey)
		if err != nil || got.Revision != r.Revision {
			t.Errorf("%s: %v, error %v", name, got, err)
		}
	}
}

// Who may not change the tables is told whom to ask, before a person signs in.
func TestUnusedAfterNeedsTheColumns(t *testing.T) {
	srv := server(t)
	administer(t, srv, "DROP TABLE IF EXISTS tokentoss_sessions, tokentoss_locks")
	saveNew(t, openPlain(t, config(t, srv)))
	administer(t, srv, "DROP ROLE IF EXISTS guest")
	administer(t, srv, "CREATE ROLE guest LOGIN PASSWORD 'test-password'")
	administer(t, srv, "GRANT SELECT, INSERT, UPDATE, DELETE ON tokentoss_sessions, tokentoss_locks TO guest")
	defer func() {
		administer(t, srv, "DROP OWNED BY guest")
		administer(t, srv, "DROP ROLE guest")
	}()
	c := tidying(t, srv)
	c.URL = strings.Replace(c.URL, "tokentoss@", "guest@", 1)
	err := core.Full(openPlain(t, c)).Check(t.Context(), core.DefaultKey)
	if !errors.Is(err, core.ErrRefused) || !strings.Contains(fault.RemedyOf(err).String(), "unused_after") {
		t.Errorf("error %v, want core.ErrRefused that names the setting", err)
	}
}

// A person's process that meets nobody's rows is as quick as ever: the removal ends by the
// store's timeout, and the session is saved.
func TestRemovalDoesNotWait(t *testing.T) {
	srv := server(t)
	c := tidying(t, srv)
	saveNew(t, openPlain(t, c))
	pass(t, srv, c.Owner, 91)
	set, err := pgx.ParseConfig(srv.URL())
	must(t, err)
	set.Password = pgtest.Password
	conn, err := pgx.ConnectConfig(t.Context(), set)
	must(t, err)
	defer conn.Close(context.Background())
	tx, err := conn.Begin(t.Context())
	must(t, err)
	_, err = tx.Exec(t.Context(), "SELECT FROM tokentoss_sessions WHERE owner = $1 FOR UPDATE", c.Owner)
	must(t, err)
	began := time.Now()
	tidy(t, srv)
	must(t, tx.Rollback(t.Context()))
	if rows(t, srv, "tokentoss_sessions", c.Owner) != 1 {
		t.Errorf("a row that somebody has was removed, after %v", time.Since(began))
	}
	tidy(t, srv)
	if rows(t, srv, "tokentoss_sessions", c.Owner) != 0 {
		t.Error("a row that nobody has any more was not removed")
	}
}
