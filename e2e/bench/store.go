package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/stores/file"
)

// accounts is how many profiles the crowded store has.
const accounts = 100_000

// store compares a look-up among many accounts with one among a single one, and
// a look-up with reading the file.
func store(int) ([]row, error) {
	ctx := context.Background()
	lone, err := makeStore("lone", 1)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(lone)
	crowd, err := makeStore("crowd", accounts)
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(crowd)
	one, err := file.New(lone)
	if err != nil {
		return nil, err
	}
	many, err := file.New(crowd)
	if err != nil {
		return nil, err
	}
	path := one.Path(name(0))
	var read, single, among []float64
	for round := range 15 {
		// Not always the same account: neighbours must not be in the way either.
		key := name(round * accounts / 15)
		read = append(read, each(func() error { _, err := os.ReadFile(path); return err }))
		single = append(single, each(func() error { _, err := one.Load(ctx, name(0)); return err }))
		among = append(among, each(func() error { _, err := many.Load(ctx, key); return err }))
	}
	r, s, m := middle(read), middle(single), middle(among)
	return []row{
		{fmt.Sprintf("file store: look-up among %d accounts against among one", accounts), m / s, 1.3, "x", fmt.Sprintf("%.1f us against %.1f us", m/1e3, s/1e3)},
		{"file store: look-up of 4 KB against os.ReadFile", s / r, 1.3, "x", fmt.Sprintf("%.1f us against %.1f us", s/1e3, r/1e3)},
	}, nil
}

func name(i int) string {
	if i == 0 {
		return core.DefaultKey + "-0"
	}
	return fmt.Sprintf("account-%06d", i)
}

// makeStore makes a directory with n documents of 4 KB, by hand: by the store
// each would be written down to the disk.
func makeStore(label string, n int) (string, error) {
	dir, err := os.MkdirTemp("", "tokentoss-bench-"+label)
	if err != nil {
		return "", err
	}
	data := bytes.Repeat([]byte("x"), 4096)
	for i := range n {
		at := filepath.Join(dir, "profiles", name(i))
		if err := os.MkdirAll(at, 0o700); err != nil {
			return dir, err
		}
		if err := os.WriteFile(filepath.Join(at, "tokens.json"), data, 0o600); err != nil {
			return dir, err
		}
	}
	return dir, nil
}

// each returns the nanoseconds that f takes, over a few thousand calls.
func each(f func() error) float64 {
	const calls = 3000
	began := time.Now()
	for range calls {
		if err := f(); err != nil {
			panic(err)
		}
	}
	return float64(time.Since(began)) / calls
}
