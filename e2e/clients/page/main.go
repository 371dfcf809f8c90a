// Command page writes docs/clients.md: the table of package clients, and which way to take.
package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/tokentoss/tokentoss/e2e/clients"
)

//go:embed head.md
var head string

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: page ROOT")
		os.Exit(2)
	}
	text, err := page(clients.Table(), versions{os.Args[1]})
	if err == nil {
		err = os.WriteFile(filepath.Join(os.Args[1], "docs/clients.md"), text, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// page returns the Markdown of the rows.
func page(rows []clients.Row, v versions) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(head)
	b.WriteString("\n| client | way | what to type | when a token expires | longest run | the token is | to know | tested |\n|---|---|---|---|---|---|---|---|\n")
	last := ""
	for _, r := range rows {
		name := r.Client
		if name == last {
			name = ""
		}
		last = r.Client
		version, err := v.of(cmp.Or(r.Version, "test"))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Client, err)
		}
		file, _, _ := strings.Cut(r.Test, "#")
		b.WriteString("| " + strings.Join([]string{
			cell(name), cell(r.Way.Name), code(r.Type), cell(r.Expiry), cell(r.Longest), cell(r.Token), cell(r.Limits), "[" + cell(version) + "](../" + file + ")",
		}, " | ") + " |\n")
	}
	return b.Bytes(), nil
}

// cell is text as it stands in a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// code is lines of code in a cell.
func code(lines []string) string {
	quoted := make([]string, len(lines))
	for i, l := range lines {
		quoted[i] = "`" + cell(l) + "`"
	}
	return strings.Join(quoted, "<br>")
}
