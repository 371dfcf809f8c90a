//go:build linux

package jupyter_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// examples are the notebooks of the documentation.
const examples = "../../docs/notebooks/"

// example returns the code of a notebook of the documentation, for the service at
// address. There is nothing in it of whoever ran it last.
func example(t *testing.T, name, address string) (cells []string) {
	t.Helper()
	data, err := os.ReadFile(examples + name)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cells []struct {
			Type    string            `json:"cell_type"`
			Source  []string          `json:"source"`
			Outputs []json.RawMessage `json:"outputs"`
			Count   *int              `json:"execution_count"`
		} `json:"cells"`
		Metadata map[string]json.RawMessage `json:"metadata"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if file.Metadata["widgets"] != nil {
		t.Errorf("%s has the state of widgets", name)
	}
	for _, c := range file.Cells {
		if len(c.Outputs) > 0 || c.Count != nil {
			t.Errorf("%s has outputs", name)
		}
		if c.Type == "code" {
			cells = append(cells, strings.ReplaceAll(strings.Join(c.Source, ""), "https://my-iap-service.run.app", address))
		}
	}
	return cells
}

// pythonExample runs the notebook of the documentation, as somebody who has signed in
// elsewhere.
func pythonExample(d *desk, a app) {
	d.signInInShell()
	p := d.open(a, example(d.t, "python.ipynb", d.provider.IAPURL())...)
	p.run(0)
	p.sees(0, "Change the OAuth client")
	p.run(1)
	p.sees(1, "Signed in as "+ada)
	p.ok(2, "")
	p.ok(3, "{'value': 42}")
	p.ok(4, "201")
	p.Picture("example")
	p.end()
}
