package postgres_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core/storetest/crashtest"
	"github.com/tokentoss/tokentoss/core/storetest/pgtest"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
	"github.com/tokentoss/tokentoss/plugins/setting"
	"github.com/tokentoss/tokentoss/stores/postgres"
)

// shared is the server that most tests use.
var shared struct {
	once   sync.Once
	server *pgtest.Server
	err    error
}

// TestMain fails the run when a goroutine outlives its test.
func TestMain(m *testing.M) {
	crashtest.Child(opener.Place)
	os.Exit(plugintest.Run(func() int {
		code := m.Run()
		if shared.server != nil {
			if err := shared.server.Stop(); err != nil && code == 0 {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
		if err := goleak.Find(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		return code
	}, plugin()))
}

// server returns the shared server.
func server(t testing.TB) *pgtest.Server {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = pgtest.Start() })
	if errors.Is(shared.err, pgtest.ErrNotInstalled) {
		t.Skip(shared.err)
	}
	must(t, shared.err)
	return shared.server
}

// config is one of a place that nobody else uses.
func config(t testing.TB, s *pgtest.Server) postgres.Config {
	t.Helper()
	password := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(password, []byte(pgtest.Password+"\n"), 0o600))
	return postgres.Config{URL: s.URL(), Password: setting.Secret{File: password}, Owner: owner(t)}
}

var owners struct {
	sync.Mutex
	n int
}

func owner(t testing.TB) string {
	owners.Lock()
	defer owners.Unlock()
	owners.n++
	return fmt.Sprintf("%s %d", t.Name(), owners.n)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
