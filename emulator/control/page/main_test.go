package main

import (
	"os"
	"testing"
)

func TestPageIsMadeFromTheTable(t *testing.T) {
	have, err := os.ReadFile("../../../docs/emulator-control.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != page() {
		t.Error("docs/emulator-control.md is not what the table says: make docs")
	}
}
