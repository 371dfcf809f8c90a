//go:build linux

package hosts_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A host is a row of the table in docs/notebooks.md.
type host struct {
	name     string
	packages []string // whose versions are said
	list     string   // of versions, from this directory
	test     string   // which asserts what is said
	does     string
	lacks    string // what is known not to work
}

// The lists.
const (
	jupyterList = "../jupyter/requirements.txt"
	todayList   = "requirements.txt"
	oldList     = "old/requirements.txt"
	npmList     = "npm/package.json"
)

const (
	twoVisitors = "two visitors with a session each, in two browsers; nothing of who runs the server; a closed tab leaves nothing behind"
	noPage      = "a session that exists; without one, an error at once; nothing secret in its file"
)

// hosts are all that have a test.
var hosts = []host{
	{"JupyterLab 4", []string{"jupyterlab"}, jupyterList, "TestJupyter", "widget, paste, link; two widgets, restart, reload", ""},
	{"JupyterLab 3", []string{"jupyterlab"}, oldList, "TestOldNotebooks", "widget, the next cell, sign out; nothing secret in the saved file", ""},
	{"Notebook 6.5", []string{"notebook"}, oldList, "TestOldNotebooks", "widget, the next cell, sign out; nothing secret in the saved file", "a widget that is shown before the page has loaded: [run the cell again](#what-a-notebook-file-has-in-it)"},
	{"Notebook 7", []string{"notebook"}, jupyterList, "TestJupyter", "widget; reload", ""},
	{"JupyterHub", []string{"jupyterhub"}, todayList, "TestJupyterHub", "the widget in two users' servers, without pasting, by its [service](administrators.md#jupyterhub-without-pasting); what one user tries with another's sign-in", ""},
	{"marimo", []string{"marimo"}, todayList, "TestMarimoEdit", "`marimo edit`: widget, and the client in the next cell, with the profile's session", ""},
	{"marimo, as an app", []string{"marimo"}, todayList, "TestApps", "`marimo run`: " + twoVisitors, ""},
	{"Solara", []string{"solara"}, todayList, "TestApps", twoVisitors, ""},
	{"Voila", []string{"voila"}, todayList, "TestApps", twoVisitors, "without [its setting](#apps-that-many-people-visit), kernels of pages that were closed stay"},
	{"Panel", []string{"panel", "ipywidgets-bokeh"}, todayList, "TestApps", twoVisitors, ""},
	{"papermill", []string{"papermill"}, todayList, "TestWithoutAPage", noPage, ""},
	{"IPython", []string{"ipython"}, todayList, "TestWithoutAPage", "a session that exists", ""},
	{"Jupyter console", []string{"jupyter-console"}, todayList, "TestWithoutAPage", "a session that exists", ""},
	{"Pyodide", []string{"pyodide"}, npmList, "TestPyodide", "in Node.js: it says why it cannot work", "everything else: a browser starts no programs"},
}

// version returns the version of a package in a list.
func (h host) version(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(h.list)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pinned, found := regexp.MustCompile(`^\s*"?`+regexp.QuoteMeta(name)+`(?:==|": ")([^ ;"]+)`), ""
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if m := pinned.FindStringSubmatch(lines.Text()); m != nil && found == "" {
			found = m[1] // the first is that of the oldest Python, which CI has
		}
	}
	if found == "" {
		t.Fatalf("%s has no %s", h.list, name)
	}
	return found
}

const (
	tableBegins = "<!-- Made by go test ./e2e/hosts -run Table -update. -->\n"
	tableEnds   = "<!-- That was made. -->\n"
)

var update = flag.Bool("update", false, "write the table into docs/notebooks.md")

// The table in the documentation is this one, and each row names a test that there is.
func TestTable(t *testing.T) {
	var b strings.Builder
	b.WriteString("\n| host | version | what is tested | what is known not to work |\n|---|---|---|---|\n")
	for _, h := range hosts {
		var versions []string
		for _, p := range h.packages {
			versions = append(versions, h.version(t, p))
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", h.name, strings.Join(versions, ", "), h.does, h.lacks)
		if !isTest(t, h.test) {
			t.Errorf("%s: there is no %s", h.name, h.test)
		}
	}
	b.WriteString("\n")
	path := filepath.Join("..", "..", "docs", "notebooks.md")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(data), tableBegins)
	_, after, ok2 := strings.Cut(rest, tableEnds)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", path)
	}
	want := before + tableBegins + b.String() + tableEnds + after
	switch {
	case want == string(data):
	case *update:
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("the table in %s is stale: go test ./e2e/hosts -run Table -update", path)
	}
}

// isTest tells whether a test is in this directory or beside it.
func isTest(t *testing.T, name string) bool {
	t.Helper()
	for _, pattern := range []string{"*_test.go", "../jupyter/*_test.go"} {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(data), "func "+name+"(t *testing.T)") {
				return true
			}
		}
	}
	return false
}
