package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	urfave "github.com/urfave/cli/v2"

	"github.com/tokentoss/tokentoss/frontends/cli"
)

// write makes the pages in a directory.
func write(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := run([]string{"-version", "v1.2.3", "-date", "2001-02-03", dir}); err != nil {
		t.Fatal(err)
	}
	return dir
}

func mustRead(t *testing.T, path ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Every command and every option of the tree is in a page.
func TestPagesAreComplete(t *testing.T) {
	t.Parallel()
	dir, tree := write(t), cli.Tree()
	main := mustRead(t, dir, "tokentoss.1")
	want := func(page, text string) {
		t.Helper()
		if !strings.Contains(page, text) {
			t.Errorf("%.30q... lacks %q", page, text)
		}
	}
	options := func(page string, flags []urfave.Flag) {
		for _, f := range flags {
			want(page, `\fB`+escape("--"+f.Names()[0])+`\fP`)
			for _, env := range f.(urfave.DocGenerationFlag).GetEnvVars() {
				want(page, "$"+env)
			}
		}
	}
	options(main, tree.Flags)
	commands := visible(tree)
	for _, c := range commands {
		want(main, ".BR "+escape("tokentoss-"+c.Name)+" (1)\n"+escape(c.Usage)+"\n")
		page := mustRead(t, dir, "tokentoss-"+c.Name+".1")
		want(page, `.TH "`+escape("TOKENTOSS-"+strings.ToUpper(c.Name))+`" 1 "2001-02-03" "tokentoss 1.2.3"`)
		want(page, escape("tokentoss-"+c.Name)+` \- `+escape(c.Usage))
		options(page, c.Flags)
		for _, below := range c.Subcommands {
			want(page, "\n.SS \""+escape(c.Name+" "+below.Name+" [OPTIONS]"))
			options(page, below.Flags)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != len(commands)+1 {
		t.Errorf("%d pages for %d commands, %v", len(entries), len(commands), err)
	}
}

// The readers of man pages have nothing to complain about.
func TestLint(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob(filepath.Join(write(t), "*.1"))
	if err != nil || len(pages) == 0 {
		t.Fatal(err)
	}
	for _, lint := range [][]string{
		{"mandoc", "-Tlint", "-Wwarning"},
		{"groff", "-man", "-ww", "-z", "-Tutf8"},
	} {
		if _, err := exec.LookPath(lint[0]); err != nil {
			t.Logf("%s is not here", lint[0])
			continue
		}
		for _, page := range pages {
			out, err := exec.Command(lint[0], append(lint[1:], page)...).CombinedOutput()
			if err != nil || len(bytes.TrimSpace(out)) > 0 {
				t.Errorf("%s: %v\n%s", lint[0], err, out)
			}
		}
	}
}

// What roff would take for its own is shown as it is.
func TestEscape(t *testing.T) {
	t.Parallel()
	const text = `.it's a "back\slash" ~/^` + "`--long-option`" + ` é $TOKENTOSS_X`
	var p page
	p.line(`.TH T 1 "2001-02-03"`)
	p.section("NAME")
	p.line(escape("t") + ` \- ` + escape("test"))
	p.section("DESCRIPTION")
	p.line(escape(text))
	p.line(escape("'x"))
	groff := exec.Command("groff", "-man", "-ww", "-Tutf8", "-P-cbou")
	if groff.Err != nil {
		t.Skip("groff is not here")
	}
	groff.Stdin = strings.NewReader(p.String())
	out, err := groff.CombinedOutput()
	if err != nil || !strings.Contains(strings.Join(strings.Fields(string(out)), " "), text+" 'x") {
		t.Errorf("%v\n%s", err, out)
	}
}
