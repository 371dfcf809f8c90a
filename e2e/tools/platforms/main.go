// Command platforms keeps docs/platforms.md true. It reads what "go test -json" says of
// one system, shows what failed, and compares the system's table on that page with what
// was tested: for each package, the tests that were skipped, with their reasons, and the
// test files that are not for that system. The page cannot say more than was seen.
//
//	platforms [-write | -tell] table NAME GOOS/GOARCH <FILE
//	platforms packages NAME
//	platforms skipped NAME
//	platforms failed NAME <FILE
//
// NAME is that of the table. A table that is stale is an error, or is told, or is written
// anew. What is
// not run is in the file NAME.txt beside this one, if there is one, with its reason, which
// gets into the table: packages prints those of the workspace that are run, and skipped a pattern of the
// tests that are not, for go test -skip. failed prints the packages in which a test failed;
// what they do when they are run once more counts, and may follow in FILE.
package main

import (
	"bufio"
	"cmp"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

const (
	page   = "docs/platforms.md"
	module = "github.com/tokentoss/tokentoss/"
	usage  = "usage: platforms [-write | -tell] table NAME GOOS/GOARCH <FILE, or packages NAME, or skipped NAME, or failed NAME <FILE"
)

var errStale = errors.New(page + " does not say what was tested: PLATFORMS=-write writes it")

func main() {
	write := flag.Bool("write", false, "write the table")
	tell := flag.Bool("tell", false, "a stale table is no error")
	flag.Parse()
	err := run(os.Stdin, os.Stdout, flag.Args(), *write)
	if *tell && errors.Is(err, errStale) {
		fmt.Fprintln(os.Stderr, "platforms:", err)
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "platforms:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, args []string, write bool) error {
	if len(args) < 2 {
		return errors.New(usage)
	}
	omitted, err := readOmitted(args[1])
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case args[0] == "packages" && len(args) == 2:
		return omitted.packages(out)
	case args[0] == "skipped" && len(args) == 2:
		_, err := fmt.Fprintln(out, omitted.pattern())
		return err
	case args[0] == "failed" && len(args) == 2:
		list, err := read(in)
		for _, name := range failures(list) {
			fmt.Fprintln(out, module+name)
		}
		return err
	case args[0] == "table" && len(args) == 3:
		return table(in, args[1], args[2], omitted, write)
	}
	return errors.New(usage)
}

// table compares or writes a system's table.
func table(in io.Reader, name, system string, omitted omissions, write bool) error {
	list, err := read(in)
	if err != nil {
		return err
	}
	if failed := failures(list); len(failed) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(failed, ", "))
	}
	passed := 0
	for _, p := range list {
		passed += len(p.passed)
	}
	fmt.Printf("%s: %d tests passed, of %d packages\n", name, passed, len(list))
	for _, o := range omitted {
		if o.test == "" && list[o.pkg] == nil {
			list[o.pkg] = &tests{omitted: o.reason}
		}
	}
	rows := make([]string, 0, len(list))
	for _, pkg := range slices.Sorted(maps.Keys(list)) {
		row, err := list[pkg].row(pkg, system, omitted)
		if err != nil {
			return err
		}
		rows = append(rows, row)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- end -->\n"
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no lines %q and %q", page, strings.TrimSpace(begin), strings.TrimSpace(end))
	}
	table := "| package | not tested there, and why |\n|---|---|\n" + strings.Join(rows, "")
	switch {
	case old == table:
		return nil
	case write:
		return os.WriteFile(page, []byte(before+begin+table+end+after), 0o644)
	}
	difference(old, table)
	return errStale
}

//go:embed *.txt
var files embed.FS

// An omission is what is not run on a system: a package, all below one (DIR/...), or a test
// of a package.
type omission struct{ pkg, test, reason string }

type omissions []omission

// readOmitted reads the lines "PACKAGE [TEST]: REASON" of a system's file.
func readOmitted(name string) (list omissions, err error) {
	text, err := files.ReadFile(strings.ReplaceAll(name, "/", "_") + ".txt")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		what, reason, ok := strings.Cut(line, ": ")
		words := strings.Fields(what)
		if !ok || len(words) == 0 || len(words) > 2 {
			return nil, fmt.Errorf("%s.txt: %q is not PACKAGE [TEST]: REASON", name, line)
		}
		o := omission{pkg: words[0], reason: reason}
		if len(words) == 2 {
			o.test = words[1]
		}
		list = append(list, o)
	}
	return list, nil
}

// covers tells whether a package is not run.
func (o omission) covers(pkg string) bool {
	dir, all := strings.CutSuffix(o.pkg, "...")
	return o.test == "" && (o.pkg == pkg || all && strings.HasPrefix(pkg, dir))
}

// packages prints the packages with tests that are not omitted.
func (l omissions) packages(out io.Writer) error {
	cmd := exec.Command("go", "list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}", "work")
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go list: %w", err)
	}
	seen := map[string]bool{}
	for _, path := range strings.Fields(string(text)) {
		pkg := strings.TrimPrefix(path, module)
		seen[pkg] = true
		if !slices.ContainsFunc(l, func(o omission) bool { return o.covers(pkg) }) {
			fmt.Fprintln(out, path)
		}
	}
	for _, o := range l {
		if !seen[o.pkg] && !strings.HasSuffix(o.pkg, "/...") {
			return fmt.Errorf("%s, which is not run, has no tests there", o.pkg)
		}
	}
	return nil
}

// pattern matches the tests that are omitted, and no name if there is none.
func (l omissions) pattern() string {
	var names []string
	for _, o := range l {
		if o.test != "" {
			names = append(names, regexp.QuoteMeta(o.test))
		}
	}
	return "^(" + strings.Join(names, "|") + ")$"
}

func difference(old, table string) {
	for line := range strings.Lines(old) {
		if !strings.Contains(table, line) {
			fmt.Print("-", line)
		}
	}
	for line := range strings.Lines(table) {
		if !strings.Contains(old, line) {
			fmt.Print("+", line)
		}
	}
}

// tests are those of a package.
type tests struct {
	omitted string // why none was run
	passed  []string
	failed  []string            // a test, or "" for the package
	skipped map[string][]string // by reason
	said    map[string][]string // by a test, or "" for the package
	ended   map[string]bool     // those that passed or were skipped
	before  []string            // failed in a run that was repeated
}

// event is one of "go doc test2json".
type event struct{ Action, Package, Test, Output string }

// read returns what ran, by package. Of a package that ran twice, the second run counts.
func read(in io.Reader) (map[string]*tests, error) {
	list := map[string]*tests{}
	for lines := json.NewDecoder(bufio.NewReader(in)); ; {
		var e event
		switch err := lines.Decode(&e); {
		case errors.Is(err, io.EOF) && len(list) == 0:
			return nil, errors.New("no test was run")
		case errors.Is(err, io.EOF):
			maps.DeleteFunc(list, func(_ string, p *tests) bool { return len(p.ended)+len(p.failed) == 0 }) // no tests
			return list, nil
		case err != nil:
			return nil, err
		}
		name := strings.TrimPrefix(e.Package, module)
		switch {
		case e.Action == "build-output":
			fmt.Fprint(os.Stderr, e.Output)
			continue
		case e.Action == "build-fail":
			continue // the package fails, too
		case list[name] == nil || e.Action == "start":
			p := &tests{skipped: map[string][]string{}, said: map[string][]string{}, ended: map[string]bool{}}
			if list[name] != nil {
				p.before = list[name].failed
			}
			list[name] = p
		}
		list[name].note(e)
	}
}

// note keeps what is known of an event.
func (p *tests) note(e event) {
	switch {
	case e.Action == "output":
		p.said[e.Test] = append(p.said[e.Test], e.Output)
	case e.Action == "fail":
		p.failed = append(p.failed, e.Test)
	case e.Action == "pass" && e.Test != "":
		p.passed = append(p.passed, e.Test)
		p.ended[e.Test] = true
	case e.Action == "skip" && e.Test != "":
		p.skip(e.Test)
		p.ended[e.Test] = true
	}
}

// failures shows what failed, and returns the packages in which something did.
func failures(list map[string]*tests) (packages []string) {
	for _, name := range slices.Sorted(maps.Keys(list)) {
		p := list[name]
		if len(p.before) > 0 {
			fmt.Fprintf(os.Stderr, "platforms: %s was run twice, since this failed: %s\n", name, strings.TrimSpace(strings.Join(p.before, " ")))
		}
		if len(p.failed) == 0 {
			continue
		}
		packages = append(packages, name)
		for _, test := range slices.Sorted(maps.Keys(p.said)) {
			if !p.ended[test] {
				fmt.Fprint(os.Stderr, strings.Join(p.said[test], ""))
			}
		}
	}
	return packages
}

// said is a line that a test logged: "    file_test.go:17: the reason".
var said = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)`)

// skip notes why a test was skipped.
func (p *tests) skip(test string) {
	reason := "no reason is given"
	for _, line := range p.said[test] {
		if m := said.FindStringSubmatch(strings.TrimRight(line, "\r\n")); m != nil {
			reason = m[1]
		}
	}
	top, _, _ := strings.Cut(test, "/")
	if !slices.Contains(p.skipped[reason], top) {
		p.skipped[reason] = append(p.skipped[reason], top)
	}
}

// row is the line of a package.
func (p *tests) row(name, system string, omitted omissions) (string, error) {
	var cell []string
	switch {
	case p.omitted != "":
		cell = append(cell, "not run: "+p.omitted)
	case name == "e2e", slices.ContainsFunc(omitted, func(o omission) bool { return o.pkg == name && o.test == "" }): // of which only some are run
		cell = append(cell, "all but "+p.few())
	default:
		files, err := foreign(name, system)
		if err != nil {
			return "", err
		}
		for _, o := range omitted {
			if o.pkg == name {
				cell = append(cell, fmt.Sprintf("%s (%s, not run)", o.reason, o.test))
			}
		}
		for _, reason := range slices.Sorted(maps.Keys(p.skipped)) {
			cell = append(cell, fmt.Sprintf("%s (%s)", strings.ReplaceAll(reason, "|", `\|`), strings.Join(slices.Sorted(slices.Values(p.skipped[reason])), ", ")))
		}
		if len(files) > 0 {
			cell = append(cell, "files for other systems: "+strings.Join(files, ", "))
		}
	}
	return fmt.Sprintf("| %s | %s |\n", cmp.Or(name, "."), strings.Join(cell, "; ")), nil
}

// stopped is why a terminal session was not played to its end.
var stopped = regexp.MustCompile(`(?m)^\s*stop: (.*?)\s*$`)

// few names the tests that passed, and the terminal sessions that did.
func (p *tests) few() string {
	const scripts = "TestScripts/"
	var names, sessions []string
	for _, test := range slices.Sorted(slices.Values(p.passed)) {
		if script, ok := strings.CutPrefix(test, scripts); ok {
			if m := stopped.FindStringSubmatch(strings.Join(p.said[test], "")); m != nil {
				script += " (in part: " + m[1] + ")"
			}
			sessions = append(sessions, script)
		} else if !strings.Contains(test, "/") && test+"/" != scripts {
			names = append(names, test)
		}
	}
	if len(sessions) > 0 {
		names = append(names, "the scripts "+strings.Join(sessions, ", "))
	}
	return strings.Join(names, ", ")
}

// foreign returns the test files of a package that are not for a system.
func foreign(name, system string) ([]string, error) {
	goos, goarch, _ := strings.Cut(system, "/")
	cmd := exec.Command("go", "list", "-f", `{{join .IgnoredGoFiles "\n"}}`, module+name)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "GOARCH="+goarch)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", name, err)
	}
	files := strings.Fields(string(out))
	return slices.DeleteFunc(files, func(f string) bool {
		return !strings.HasSuffix(f, "_test.go") || goos != "linux" && strings.HasSuffix(f, "_"+goos+"_test.go")
	}), nil
}
