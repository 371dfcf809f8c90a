// Command platforms keeps docs/platforms.md true. It reads what "go test -json" says of
// one system, shows what failed, and compares the system's table on that page with what
// was tested: for each package, the tests that were skipped, with their reasons, and the
// test files that are not for that system. The page cannot say more than was seen.
//
//	platforms [-write] NAME GOOS/GOARCH <FILE
//
// NAME is that of the table. A table that is stale is an error, or is written anew.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
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
)

func main() {
	write := flag.Bool("write", false, "write the table")
	flag.Parse()
	if err := run(os.Stdin, flag.Args(), *write); err != nil {
		fmt.Fprintln(os.Stderr, "platforms:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, args []string, write bool) error {
	if len(args) != 2 {
		return errors.New("usage: platforms [-write] NAME GOOS/GOARCH <FILE")
	}
	list, err := read(in)
	if err != nil {
		return err
	}
	rows := make([]string, 0, len(list))
	for _, name := range slices.Sorted(maps.Keys(list)) {
		files, err := foreign(name, args[1])
		if err != nil {
			return err
		}
		rows = append(rows, list[name].row(name, files))
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	begin, end := "<!-- "+args[0]+" -->\n", "<!-- end -->\n"
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
	return fmt.Errorf("%s does not say what was tested: PLATFORMS=-write writes it", page)
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
	passed  []string
	skipped map[string][]string // by reason
	said    map[string][]string // by a test that runs
}

// event is one of "go doc test2json".
type event struct{ Action, Package, Test, Output string }

// read shows what fails, and returns what ran, by package.
func read(in io.Reader) (map[string]*tests, error) {
	list, failed := map[string]*tests{}, []string{}
	for lines := json.NewDecoder(bufio.NewReader(in)); ; {
		var e event
		switch err := lines.Decode(&e); {
		case errors.Is(err, io.EOF) && len(failed) > 0:
			return nil, fmt.Errorf("failed: %s", strings.Join(failed, ", "))
		case errors.Is(err, io.EOF) && len(list) == 0:
			return nil, errors.New("no test was run")
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, err
		}
		name := strings.TrimPrefix(e.Package, module)
		p := list[name]
		if p == nil && e.Test != "" {
			p = &tests{skipped: map[string][]string{}, said: map[string][]string{}}
			list[name] = p
		}
		switch {
		case e.Action == "build-output", e.Action == "output" && e.Test == "":
			if strings.HasPrefix(e.Output, "ok ") || strings.HasPrefix(e.Output, "FAIL") || e.Action == "build-output" {
				fmt.Print(e.Output)
			}
		case e.Action == "output":
			p.said[e.Test] = append(p.said[e.Test], e.Output)
		case e.Action == "fail":
			failed = append(failed, cmp.Or(strings.Trim(name+"."+e.Test, "."), "a build"))
			if e.Test != "" {
				fmt.Print(strings.Join(p.said[e.Test], ""))
			}
		case e.Action == "pass" && e.Test != "":
			p.passed = append(p.passed, e.Test)
		case e.Action == "skip" && e.Test != "":
			p.skip(e.Test)
		}
	}
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

// row is the line of a package; files are those of its tests that are not for the system.
func (p *tests) row(name string, files []string) string {
	var cell []string
	if name == "e2e" { // of which only some are run
		cell = append(cell, "all but "+strings.Join(slices.Sorted(slices.Values(p.passed)), ", "))
		files = nil
	}
	for _, reason := range slices.Sorted(maps.Keys(p.skipped)) {
		cell = append(cell, fmt.Sprintf("%s (%s)", strings.ReplaceAll(reason, "|", `\|`), strings.Join(slices.Sorted(slices.Values(p.skipped[reason])), ", ")))
	}
	if len(files) > 0 {
		cell = append(cell, "files for other systems: "+strings.Join(files, ", "))
	}
	return fmt.Sprintf("| %s | %s |\n", cmp.Or(name, "."), strings.Join(cell, "; "))
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
