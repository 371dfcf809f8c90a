// Command plugins compares a store that is a plugin of tokentoss's with one that is a
// plugin as go-plugin's own example has it, both over the same file store:
//
//	plugins ROUNDS
//
// It serves both itself, so that they load the same packages, and is a program of its
// own so that these are no more than a plugin has.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
	"github.com/tokentoss/tokentoss/stores/file"
)

// sessionSize is about what a session has, in bytes.
const sessionSize = 2300

// warmCalls is how many calls follow each other: a warm one is one after another.
const warmCalls = 50

// A Result is what both took, the median of all rounds, in nanoseconds: a warm call, and
// a start with the first call and the end.
type Result struct{ Ours, Stock, OursLife, StockLife int64 }

// ours is the file store as a plugin, which this program serves to itself.
func ours() plugins.Plugin {
	return plugins.Store(plugins.Info{Name: "files", Version: "v0.1.0", Locking: true, Listing: true},
		func(_ context.Context, o plugins.Opening[struct{}]) (core.TokenStore, error) { return file.New(o.Dir) })
}

func main() {
	if plugins.Started() {
		plugins.Serve(ours())
		return
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "plugins:", err)
		os.Exit(1)
	}
}

func run(arg string) error {
	if os.Getenv(stockHandshake.MagicCookieKey) != "" {
		store, err := file.New(arg)
		if err != nil {
			return err
		}
		serveStock(store)
		return nil
	}
	rounds, err := strconv.Atoi(arg)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tokentoss-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	result, err := compare(context.Background(), dir, rounds)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

// A side starts its plugin.
type side func() (load func(context.Context) error, end func(), err error)

func compare(ctx context.Context, dir string, rounds int) (Result, error) {
	direct, err := file.New(dir)
	if err != nil {
		return Result{}, err
	}
	if _, err := direct.Save(ctx, core.DefaultKey, core.Record{Data: bytes.Repeat([]byte("x"), sessionSize)}); err != nil {
		return Result{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return Result{}, err
	}
	h := &host.Host{Dir: dir, Bundled: []plugins.Plugin{ours()}}
	sides := []side{
		func() (func(context.Context) error, func(), error) {
			s, err := h.OpenStore(ctx, host.Use{Plugin: "files", Request: plugins.Request{Dir: dir}})
			if err != nil {
				return nil, nil, err
			}
			return func(ctx context.Context) error { _, err := s.Load(ctx, core.DefaultKey); return err }, func() { _ = core.Full(s).Close() }, nil
		},
		func() (func(context.Context) error, func(), error) { return openStock(self, dir) },
	}
	warm, err := warm(ctx, sides, rounds)
	if err != nil {
		return Result{}, err
	}
	lives, err := lives(ctx, sides, rounds)
	return Result{Ours: warm[0], Stock: warm[1], OursLife: lives[0], StockLife: lives[1]}, err
}

// warm has both sides, once started, make calls in turn.
func warm(ctx context.Context, sides []side, rounds int) (medians [2]int64, err error) {
	var loads [2]func(context.Context) error
	for i, start := range sides {
		load, end, err := start()
		if err != nil {
			return medians, err
		}
		defer end()
		loads[i] = load
	}
	var times [2][]int64
	for range rounds {
		for i, load := range loads {
			for range warmCalls {
				began := time.Now()
				if err := load(ctx); err != nil {
					return medians, err
				}
				times[i] = append(times[i], int64(time.Since(began)))
			}
		}
	}
	return [2]int64{median(times[0]), median(times[1])}, nil
}

// lives has both sides start, make one call and end, in turn.
func lives(ctx context.Context, sides []side, rounds int) (medians [2]int64, err error) {
	var times [2][]int64
	for range rounds {
		for i, start := range sides {
			began := time.Now()
			load, end, err := start()
			if err != nil {
				return medians, err
			}
			err = load(ctx)
			end()
			if err != nil {
				return medians, err
			}
			times[i] = append(times[i], int64(time.Since(began)))
		}
	}
	return [2]int64{median(times[0]), median(times[1])}, nil
}

func median(v []int64) int64 {
	slices.Sort(v)
	return v[len(v)/2]
}
