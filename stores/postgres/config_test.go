package postgres_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/stores/postgres"
)

// A connection to another machine is protected by TLS whose certificate is checked, and
// no password stands in the settings.
func TestSettingsThatAreRefused(t *testing.T) {
	for _, row := range []struct {
		config postgres.Config
		says   string
	}{
		{postgres.Config{URL: "postgres://ada:secret-word@db.example.com/x"}, "password"},
		{postgres.Config{URL: "host=db.example.com password=secret-word"}, "URL of a database"},
		{postgres.Config{URL: "mysql://db.example.com/x"}, "URL of a database"},
		{postgres.Config{URL: "postgres://db.example.com/x?sslmode=disable"}, "TLS"},
		{postgres.Config{URL: "postgres://db.example.com/x?sslmode=prefer"}, "TLS"},
		{postgres.Config{URL: "postgres://db.example.com/x?sslmode=require"}, "TLS"},
		{postgres.Config{URL: "postgres://localhost,db.example.com/x?sslmode=disable"}, "TLS"},
		{postgres.Config{URL: "postgres://localhost/x?sslmode=nonsense"}, "cannot be used"},
		{postgres.Config{URL: "postgres://localhost/x", Timeout: "soon"}, "request_timeout"},
		{postgres.Config{URL: "postgres://localhost/x", LockTTL: "1ms"}, "lock_ttl"},
		{postgres.Config{URL: "postgres://localhost/x", UnusedAfter: "23h59m"}, "unused_after"},
		{postgres.Config{URL: "postgres://localhost/x", UnusedAfter: "90d"}, "unused_after"},
		{postgres.Config{URL: "postgres://localhost/x", UnusedAfter: "-2160h"}, "unused_after"},
		{postgres.Config{URL: "postgres://localhost/x", UnusedAfter: "999999h"}, "unused_after"},
	} {
		s, err := postgres.OpenPlain(t.Context(), row.config)
		if err == nil {
			_ = core.Full(s).Close()
		}
		if !errors.Is(err, fault.BadConfig) || !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "secret-word") {
			t.Errorf("%q: error %v, want one about settings that says %q", row.config.URL, err, row.says)
		}
	}
}

func TestSettingsThatAreTaken(t *testing.T) {
	for _, c := range []postgres.Config{
		{URL: "postgres://db.example.com/x"},
		{URL: "postgres://db.example.com/x?sslmode=verify-ca"},
		{URL: "postgres://localhost/x?sslmode=disable"},
		{URL: "postgres://127.0.0.1/x"},
		{URL: "postgres:///x?host=/run/postgresql"},
		{URL: "postgres://db.example.com/x?sslmode=disable", Insecure: true},
	} {
		s, err := postgres.OpenPlain(t.Context(), c)
		if err != nil {
			t.Errorf("%q: %v", c.URL, err)
			continue
		}
		must(t, core.Full(s).Close())
	}
}
