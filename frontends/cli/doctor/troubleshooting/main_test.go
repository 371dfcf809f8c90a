package main

import (
	"bytes"
	"os"
	"regexp"
	"testing"

	"github.com/tokentoss/tokentoss/frontends/cli/doctor"
)

func TestPageIsMadeFromTheCases(t *testing.T) {
	have, err := os.ReadFile("../../../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := page(doctor.Diagnoses()); !bytes.Equal(have, want) {
		t.Error("docs/troubleshooting.md is not what the cases say: make docs")
	}
}

func TestPageHasEveryCase(t *testing.T) {
	text := page(doctor.Diagnoses())
	for _, c := range doctor.Diagnoses() {
		if !bytes.Contains(text, []byte("\n### "+string(c.Code)+"\n")) {
			t.Errorf("the page has no %s", c.Code)
		}
	}
	if left := regexp.MustCompile(`\{[a-z_]+\}`).Find(text); left != nil {
		t.Errorf("%s was not replaced", left)
	}
}
