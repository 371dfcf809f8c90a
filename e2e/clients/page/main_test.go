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
	if !bytes.Equal(have, page(clients.Table())) {
		t.Error("docs/clients.md is not what the table says: make docs")
	}
}
