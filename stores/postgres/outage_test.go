package postgres_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/storetest/pgtest"
	"github.com/tokentoss/tokentoss/plugins/setting"
	"github.com/tokentoss/tokentoss/stores/postgres"
)

// administer runs a statement as the administrator.
func administer(t testing.TB, s *pgtest.Server, statement string, args ...any) {
	t.Helper()
	c, err := pgx.ParseConfig(s.URL())
	must(t, err)
	c.Password = pgtest.Password
	conn, err := pgx.ConnectConfig(t.Context(), c)
	must(t, err)
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), statement, args...)
	must(t, err)
}

func openPlain(t testing.TB, c postgres.Config) core.TokenStore {
	t.Helper()
	s, err := postgres.OpenPlain(t.Context(), c)
	must(t, err)
	t.Cleanup(func() { must(t, core.Full(s).Close()) })
	return s
}

// cutConnections ends every other connection of the server, as a pooler does that hands
// them on, or a network that fails.
const cutConnections = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'tokentoss' AND pid <> pg_backend_pid()"

// A lock is a row, not a connection: it is still held after all connections of its
// holder have ended.
func TestLockOutlivesItsConnections(t *testing.T) {
	srv := server(t)
	c := config(t, srv)
	first, second := openPlain(t, c), openPlain(t, c)
	held, err := core.Full(first).Lock(t.Context(), core.DefaultKey)
	must(t, err)
	for range 3 {
		administer(t, srv, cutConnections)
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		other, err := core.Full(second).Lock(ctx, core.DefaultKey)
		cancel()
		if err == nil {
			_ = other.Release()
			t.Fatal("somebody else got the lock when the holder's connections ended")
		}
		if !errors.Is(err, core.ErrLocked) {
			t.Fatalf("error %v, want core.ErrLocked", err)
		}
	}
	must(t, held.Release())
	other, err := core.Full(second).Lock(t.Context(), core.DefaultKey)
	must(t, err)
	must(t, other.Release())
}

// A save whose answer is lost is asked for again, and neither fails nor is done twice.
func TestSavesSurviveLostConnections(t *testing.T) {
	srv := server(t)
	s := openPlain(t, config(t, srv))
	r, err := s.Save(t.Context(), core.DefaultKey, core.Record{Data: []byte("0")})
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	var cuts sync.WaitGroup
	cuts.Go(func() {
		for ctx.Err() == nil {
			administer(t, srv, cutConnections)
			time.Sleep(5 * time.Millisecond)
		}
	})
	for range 100 {
		if r, err = s.Save(t.Context(), core.DefaultKey, core.Record{Data: []byte("x"), Revision: r.Revision}); err != nil {
			t.Errorf("Save: %v", err)
			break
		}
	}
	stop()
	cuts.Wait()
}

// What a server keeps is there after it crashed, and who saves meanwhile is told that it
// cannot be reached.
func TestServerThatRestarts(t *testing.T) {
	srv, err := pgtest.Start()
	if errors.Is(err, pgtest.ErrNotInstalled) {
		t.Skip(err)
	}
	must(t, err)
	t.Cleanup(func() { must(t, srv.Stop()) })
	c := config(t, srv)
	c.Timeout = "2s"
	s := openPlain(t, c)
	r, err := s.Save(t.Context(), core.DefaultKey, core.Record{Data: []byte("kept")})
	must(t, err)
	must(t, srv.Interrupt())
	_, err = s.Load(t.Context(), core.DefaultKey)
	if !errors.Is(err, core.ErrUnavailable) || strings.Contains(err.Error(), pgtest.Password) {
		t.Errorf("error %v, want core.ErrUnavailable", err)
	}
	must(t, srv.Begin())
	got, err := s.Load(t.Context(), core.DefaultKey)
	if err != nil || string(got.Data) != "kept" || got.Revision != r.Revision {
		t.Errorf("after a restart: %s, revision %q, error %v", got.Data, got.Revision, err)
	}
}

// Of many that start together on an empty database one makes the tables, and all go on.
func TestTablesAreMadeOnce(t *testing.T) {
	srv := server(t)
	administer(t, srv, "DROP TABLE IF EXISTS tokentoss_sessions, tokentoss_locks")
	var wg sync.WaitGroup
	var saved atomic.Int32
	c := config(t, srv)
	for range 8 {
		s := openPlain(t, c)
		wg.Go(func() {
			_, err := s.Save(t.Context(), core.DefaultKey, core.Record{Data: []byte("first")})
			switch {
			case err == nil:
				saved.Add(1)
			case !errors.Is(err, core.ErrConflict):
				t.Errorf("Save: %v", err)
			}
		})
	}
	wg.Wait()
	if n := saved.Load(); n != 1 {
		t.Errorf("%d of 8 saved a first document, want 1", n)
	}
}

// Each hint names what to correct, and nothing shows the password.
func TestErrorsSayWhatToCorrect(t *testing.T) {
	srv := server(t)
	administer(t, srv, "DROP ROLE IF EXISTS stranger")
	administer(t, srv, "CREATE ROLE stranger LOGIN PASSWORD 'test-password'")
	good := config(t, srv)
	prepare := openPlain(t, good)
	_, err := prepare.Save(t.Context(), core.DefaultKey, core.Record{Data: []byte("x")})
	must(t, err)
	for name, row := range map[string]struct {
		change func(*postgres.Config)
		kind   error
		says   string
	}{
		"wrong password": {func(c *postgres.Config) { c.Password = setting.Secret{Command: []string{"echo", "wrong"}} }, core.ErrRefused, "password"},
		"no database":    {func(c *postgres.Config) { c.URL = strings.TrimSuffix(c.URL, "tokentoss") + "nosuch" }, fault.BadConfig, "no such database"},
		"no permission":  {func(c *postgres.Config) { c.URL = strings.Replace(c.URL, "tokentoss@", "stranger@", 1) }, core.ErrRefused, "permission"},
		"nobody listens": {func(c *postgres.Config) { c.URL = "postgres://tokentoss@127.0.0.1:1/tokentoss"; c.Timeout = "200ms" }, core.ErrUnavailable, "127.0.0.1"},
		"no TLS":         {func(c *postgres.Config) { c.URL += "?sslmode=verify-full" }, core.ErrUnavailable, "TLS"},
		"read-only":      {func(c *postgres.Config) { c.URL += "?default_transaction_read_only=on" }, core.ErrReadOnly, "read-only"},
	} {
		c := config(t, srv)
		c.Timeout = "1s"
		row.change(&c)
		s := openPlain(t, c)
		_, err := s.Save(t.Context(), core.DefaultKey, core.Record{Data: []byte("secret-document")})
		if !errors.Is(err, row.kind) || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s: error %v, want %v that says %q", name, err, row.kind, row.says)
		}
		if err != nil && (strings.Contains(err.Error(), pgtest.Password) || strings.Contains(err.Error(), "secret-document")) {
			t.Errorf("%s: the error shows a secret: %v", name, err)
		}
	}
}

// Behind a pooler a prepared statement may be gone, or be there already: no call fails for
// that, and none is done twice.
func TestStatementsMayBeForgotten(t *testing.T) {
	srv := server(t)
	s, forget, err := postgres.OpenPooled(t.Context(), config(t, srv))
	must(t, err)
	t.Cleanup(func() { must(t, core.Full(s).Close()) })
	r, err := s.Save(t.Context(), core.DefaultKey, core.Record{Data: []byte("x")})
	must(t, err)
	for range 30 { // until statements are prepared, and again
		must(t, forget(t.Context()))
		r, err = s.Save(t.Context(), core.DefaultKey, r)
		must(t, err)
		must(t, forget(t.Context()))
		got, err := s.Load(t.Context(), core.DefaultKey)
		must(t, err)
		if got.Revision != r.Revision {
			t.Fatalf("revision %s, want %s", got.Revision, r.Revision)
		}
		must(t, forget(t.Context()))
		held, err := core.Full(s).Lock(t.Context(), core.DefaultKey)
		must(t, err)
		must(t, forget(t.Context()))
		must(t, held.Release())
	}
}
