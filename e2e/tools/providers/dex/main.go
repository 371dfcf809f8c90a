// Command dex is a Dex (https://dexidp.io) for tests: one client, one account that agrees to everything, and a memory that ends
// with the process.
//
//	dex ADDRESS WEB CLIENT_ID CLIENT_SECRET REDIRECT_URI
package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/dexidp/dex/server"
	"github.com/dexidp/dex/storage"
	"github.com/dexidp/dex/storage/memory"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sirupsen/logrus"
)

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: dex ADDRESS WEB CLIENT_ID CLIENT_SECRET REDIRECT_URI")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], storage.Client{ID: os.Args[3], Secret: os.Args[4], RedirectURIs: os.Args[5:], Name: os.Args[3]}); err != nil {
		fmt.Fprintln(os.Stderr, "dex:", err)
		os.Exit(1)
	}
}

func run(address, web string, client storage.Client) error {
	log := logrus.New()
	log.SetOutput(io.Discard)
	store := memory.New(log)
	if err := store.CreateClient(client); err != nil {
		return err
	}
	if err := store.CreateConnector(storage.Connector{ID: "mock", Type: "mockCallback", Name: "Mock", ResourceVersion: "1"}); err != nil {
		return err
	}
	handler, err := server.NewServer(context.Background(), server.Config{
		Issuer: "http://" + address + "/dex", Storage: store, SkipApprovalScreen: true, Logger: log,
		Web: server.WebConfig{Dir: web}, PrometheusRegistry: prometheus.NewRegistry(),
	})
	if err != nil {
		return err
	}
	return http.ListenAndServe(address, handler)
}
