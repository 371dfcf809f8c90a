// Command bench measures what tokentoss promises about speed. It runs both sides
// of each comparison in turn in one run and prints ratios: a ratio holds on any
// machine, a time only on one.
//
// It builds what it measures, signs in to the emulator in a directory of its
// own, and touches nothing else. Run it on a machine that does nothing beside;
// -v shows the times too.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

// A row is one comparison.
type row struct {
	name   string
	ratio  float64
	budget float64 // of the ratio, at most; negative: at least, without the sign; 0: none
	unit   string  // "x" for a ratio
	detail string
}

func main() {
	verbose := flag.Bool("v", false, "show times too")
	rounds := flag.Int("rounds", 200, "how often each command is started")
	only := flag.String("only", "", "run only `NAME`: startup, transport, store, shared, plugin, proxy, run, tunnel, notebook, mcp")
	if played, err := play(); played {
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		return
	}
	flag.Parse()
	ok, err := run(*rounds, *verbose, *only)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	if !ok {
		os.Exit(1)
	}
}

func run(rounds int, verbose bool, only string) (ok bool, err error) {
	ok = true
	for _, part := range []struct {
		name string
		run  func(rounds int) ([]row, error)
	}{{"startup", startup}, {"transport", transport}, {"store", store}, {"shared", shared}, {"plugin", plugin}, {"proxy", reverseProxies}, {"run", runs}, {"tunnel", tunnels}, {"notebook", notebook}, {"mcp", mcpBridge}} {
		if only != "" && only != part.name {
			continue
		}
		rows, err := part.run(rounds)
		if err != nil {
			return false, fmt.Errorf("%s: %w", part.name, err)
		}
		for _, r := range rows {
			ok = r.print(verbose) && ok
		}
	}
	return ok, nil
}

// print shows a row and tells whether it is within its budget.
func (r row) print(verbose bool) bool {
	mark, budget := "", ""
	within := r.budget == 0 || r.ratio <= r.budget
	switch {
	case r.budget > 0:
		budget = fmt.Sprintf("(budget %g %s)", r.budget, r.unit)
	case r.budget < 0:
		budget, within = fmt.Sprintf("(at least %g %s)", -r.budget, r.unit), r.ratio >= -r.budget
	}
	if !within {
		mark = "  MISSED"
	}
	detail := ""
	if verbose {
		detail = "  " + r.detail
	}
	fmt.Println(strings.TrimRight(fmt.Sprintf("%-62s %6.2f %-3s %-18s%s%s", r.name, r.ratio, r.unit, budget, mark, detail), " "))
	return within
}
