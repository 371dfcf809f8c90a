package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// shared compares the stores that machines share with what etcd's client and pgx do alone:
// benchmarks of the stores, which start their own servers. Documents are encrypted on the
// machine that has the session, which costs more than all else; therefore the store is
// compared without that, and with it to the client library with the same encryption.
func shared(int) ([]row, error) {
	var rows []row
	for _, name := range []string{"etcd", "postgres"} {
		seen, err := benchmarks("./stores/" + name)
		if err != nil {
			return nil, err
		}
		for _, op := range []string{"load", "save", "lock"} {
			plain, full, floor := seen[op+"/store-unencrypted"], seen[op+"/store"], seen[op+"/bare-encrypted"]
			detail := fmt.Sprintf("%.0f/s against %.0f/s", plain["calls/s"], seen[op+"/bare"]["calls/s"])
			rows = append(rows, row{name + " store: " + op + "s of 64 workers against its client library", plain["x-bare"], -0.6, "x", detail})
			if op != "lock" { // which encrypts nothing
				detail = fmt.Sprintf("%.0f/s against %.0f/s; of those without encryption %.2f", full["calls/s"], floor["calls/s"], full["x-bare"])
				rows = append(rows, row{name + " store: the same, encrypted on both sides", full["calls/s"] / floor["calls/s"], -0.6, "x", detail})
			}
		}
		rows = append(rows, row{name + " store: look-up among 100000 sessions against among 100", seen["flat/100to100000"]["x-few"], 1.3, "x", ""})
	}
	return rows, nil
}

// benchmarks runs those of a package once, and returns what they report, by the names below
// the first.
func benchmarks(pkg string) (map[string]map[string]float64, error) {
	var out bytes.Buffer
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", ".", "-benchtime", "1x", "-timeout", "30m", pkg)
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out.String())
	}
	seen := map[string]map[string]float64{}
	for line := range strings.Lines(out.String()) {
		fields := strings.Fields(line)
		_, name, ok := strings.Cut(line, "/")
		if len(fields) < 4 || !strings.HasPrefix(line, "Benchmark") || !ok {
			continue
		}
		name = strings.Fields(name)[0]
		if i := strings.LastIndexByte(name, '-'); i > 0 { // the number of processors, if there are several
			if _, err := strconv.Atoi(name[i+1:]); err == nil {
				name = name[:i]
			}
		}
		seen[name] = map[string]float64{}
		for i := 2; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				seen[name][fields[i+1]] = v
			}
		}
	}
	if len(seen) == 0 {
		return nil, fmt.Errorf("%s: no benchmark reported anything:\n%s", pkg, out.String())
	}
	return seen, nil
}
