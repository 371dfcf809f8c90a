// Command page writes docs/clients.md: the table of package clients, and which way to take.
package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"os"
	"strings"

	"github.com/tokentoss/tokentoss/e2e/clients"
)

//go:embed head.md
var head string

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: page FILE")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], page(clients.Table()), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// page returns the Markdown of the rows.
func page(rows []clients.Row) []byte {
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
		file, _, _ := strings.Cut(r.Test, "#")
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %s | [%s](../%s) |\n", cell(name), cell(r.Way.Name), code(r.Type), cell(r.Expiry), cell(r.Longest), cell(r.Token), cell(r.Limits), cell(cmp.Or(r.Version, "test")), file)
	}
	return b.Bytes()
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
