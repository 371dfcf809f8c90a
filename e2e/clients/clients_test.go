package clients_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/e2e/clients"
)

func TestEveryRowIsATest(t *testing.T) {
	for _, r := range clients.Table() {
		file, name, ok := strings.Cut(r.Test, "#")
		if !ok {
			t.Errorf("%s: %q is not FILE#NAME", r.Client, r.Test)
			continue
		}
		text, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Errorf("%s: %v", r.Client, err)
			continue
		}
		function, sub, _ := strings.Cut(name, "/")
		if !regexp.MustCompile(`(?m)^(func|def|async def|    def) ` + regexp.QuoteMeta(function) + `\(`).Match(text) {
			t.Errorf("%s: %s has no test %s", r.Client, file, function)
		}
		if sub == "" || strings.Contains(string(text), `"`+sub+`"`) {
			continue
		}
		if _, err := os.Stat(filepath.Join("../..", filepath.Dir(file), "testdata/script", sub+".txtar")); err != nil {
			t.Errorf("%s: %s has no test %s", r.Client, file, name)
		}
	}
}

func TestEveryRowIsWhole(t *testing.T) {
	type key struct{ client, way, first string }
	seen := map[key]bool{}
	for _, r := range clients.Table() {
		if r.Client == "" || len(r.Type) == 0 || r.Way.Name == "" || r.Expiry == "" || r.Longest == "" || r.Token == "" {
			t.Errorf("%q by %s leaves something out", r.Client, r.Way.Name)
			continue
		}
		k := key{r.Client, r.Way.Name, r.Type[0]}
		if seen[k] {
			t.Errorf("%q by %s is there twice", r.Client, r.Way.Name)
		}
		seen[k] = true
		for _, cell := range append([]string{r.Expiry, r.Longest, r.Token, r.Limits, r.Version}, r.Type...) {
			if strings.ContainsAny(cell, "\n\r") {
				t.Errorf("%q by %s has a line break in a cell: %q", r.Client, r.Way.Name, cell)
			}
		}
	}
}
