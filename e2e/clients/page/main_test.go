package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/tokentoss/tokentoss/e2e/clients"
)

func TestPageIsMadeFromTheTable(t *testing.T) {
	have, err := os.ReadFile("../../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	want, err := page(clients.Table(), versions{"../../.."})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("docs/clients.md is not what the table says: make docs")
	}
}
