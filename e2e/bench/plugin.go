package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// plugin compares a store in a process of its own, loaded as tokentoss loads it, with one
// by go-plugin as its own example has it, with AutoMTLS: a call of one that runs, and all
// that a command costs that finds none running.
func plugin(rounds int) ([]row, error) {
	dir, err := os.MkdirTemp("", "tokentoss-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "plugins")
	if err := build(program, "./e2e/bench/plugins"); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	cmd := exec.Command(program, strconv.Itoa(rounds))
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	var r struct{ Ours, Stock, OursLife, StockLife int64 }
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return nil, fmt.Errorf("%s printed %q", cmd.Path, out.String())
	}
	against := func(a, b int64) string { return fmt.Sprintf("%s against %s", time.Duration(a), time.Duration(b)) }
	return []row{
		{"a call of a plugin store, warm, against stock go-plugin", ratio(r.Ours, r.Stock), 1, "x", against(r.Ours, r.Stock)},
		{"its start, first call and end, against stock go-plugin", ratio(r.OursLife, r.StockLife), 0.7, "x", against(r.OursLife, r.StockLife)},
	}, nil
}
