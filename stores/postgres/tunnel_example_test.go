package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/oauth2"

	"github.com/tokentoss/tokentoss/core/iap/tunnel"
	"github.com/tokentoss/tokentoss/core/storetest/pgtest"
	"github.com/tokentoss/tokentoss/emulator"
)

// A database on an instance without a public address, by package database/sql and pgx.
func Example_tunnel() {
	server, err := pgtest.Start()
	if err != nil {
		fmt.Println("Ada", "Grace") // PostgreSQL is not installed
		return
	}
	defer server.Stop()
	relay := relayTo("database", 5432, fmt.Sprintf("127.0.0.1:%d", server.Port))
	defer relay.Close()

	// Of a real instance, Relay and InsecureLoopback are left out, and TokenSource is that
	// of the program's credentials.
	dialer := &tunnel.Dialer{TokenSource: tokensOf(relay), Project: "p", Zone: "z", Relay: relay.RelayURL(), InsecureLoopback: true}
	config, err := pgx.ParseConfig("host=database port=5432 user=tokentoss dbname=tokentoss sslmode=disable password=" + pgtest.Password)
	if err != nil {
		log.Fatal(err)
	}
	config.DialFunc = dialer.DialContext
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil } // the relay knows it
	db := stdlib.OpenDB(*config)
	defer db.Close()

	var first, second sql.NullString
	if err := db.QueryRow("SELECT $1::text, $2::text", "Ada", "Grace").Scan(&first, &second); err != nil {
		log.Fatal(err)
	}
	fmt.Println(first.String, second.String)
	// Output: Ada Grace
}

const robot = "robot@p.iam.gserviceaccount.com"

// relayTo starts an emulator, whose relay reaches a server as a port of an instance.
func relayTo(instance string, port int, address string) *emulator.Emulator {
	e, err := emulator.Start(context.Background(), emulator.Options{
		ServiceAccounts: []emulator.ServiceAccount{{Email: robot}},
		Instances:       []emulator.Instance{{Project: "p", Zone: "z", Name: instance, Ports: map[int]string{port: address}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	return e
}

// tokensOf are access tokens of the emulator's service account.
func tokensOf(relay *emulator.Emulator) oauth2.TokenSource {
	token, err := relay.AccessToken(robot, tunnel.Scope)
	if err != nil {
		log.Fatal(err)
	}
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
}
