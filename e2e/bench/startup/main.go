//go:build unix

// Command startup runs commands in turn, many times, and prints what each took:
//
//	startup ROUNDS [NAME=VALUE...] COMMAND [ARGS...] [-- ...]...
//
// It is a program of its own, and a small one, since Linux counts the memory of
// the process that starts another to the other's peak.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Result is what one command took, the median of all rounds.
type Result struct {
	WallNS int64 // from start to exit
	CPUNS  int64 // user and system time, with that of the processes it waited for
	PeakKB int64 // resident memory
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "startup:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 2 {
		return fmt.Errorf("usage: startup ROUNDS COMMAND [ARGS] [-- COMMAND [ARGS]] and so on")
	}
	rounds, err := strconv.Atoi(args[0])
	if err != nil || rounds < 1 {
		return fmt.Errorf("%q is not a number of rounds", args[0])
	}
	var commands [][]string
	for rest := args[1:]; len(rest) > 0; {
		end := slices.Index(rest, "--")
		if end < 0 {
			end = len(rest)
		}
		commands = append(commands, rest[:end])
		rest = rest[min(end+1, len(rest)):]
	}
	wall, cpu, peak := make([][]int64, len(commands)), make([][]int64, len(commands)), make([][]int64, len(commands))
	for range rounds {
		for i, c := range commands {
			env := 0 // variables stand before the command, as for env(1)
			for strings.Contains(c[env], "=") {
				env++
			}
			cmd := exec.Command(c[env], c[env+1:]...)
			cmd.Env = append(os.Environ(), c[:env]...)
			began := time.Now()
			if err := cmd.Run(); err != nil {
				return fmt.Errorf("%v: %w", c, err)
			}
			wall[i] = append(wall[i], int64(time.Since(began)))
			cpu[i] = append(cpu[i], int64(cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()))
			if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
				peak[i] = append(peak[i], int64(u.Maxrss))
			}
		}
	}
	results := make([]Result, len(commands))
	for i := range commands {
		results[i] = Result{WallNS: median(wall[i]), CPUNS: median(cpu[i]), PeakKB: median(peak[i])}
	}
	return json.NewEncoder(os.Stdout).Encode(results)
}

func median(v []int64) int64 {
	if len(v) == 0 {
		return 0
	}
	slices.Sort(v)
	return v[len(v)/2]
}
