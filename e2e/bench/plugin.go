package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
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

// filePlugin is the file store as a plugin, which this program serves to itself.
func filePlugin() plugins.Plugin {
	return plugins.Store(plugins.Info{Name: "files", Version: "v0.1.0", Locking: true, Listing: true},
		func(_ context.Context, o plugins.Opening[struct{}]) (core.TokenStore, error) { return file.New(o.Dir) })
}

// plugin compares a call of a store in another process, loaded as tokentoss loads
// it, with the same call in this one.
func plugin(rounds int) ([]row, error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "tokentoss-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	direct, err := file.New(dir)
	if err != nil {
		return nil, err
	}
	if _, err := direct.Save(ctx, core.DefaultKey, core.Record{Data: bytes.Repeat([]byte("x"), sessionSize)}); err != nil {
		return nil, err
	}
	h := &host.Host{Dir: dir, Bundled: []plugins.Plugin{filePlugin()}}
	remote, err := h.OpenStore(ctx, host.Use{Plugin: "files", Request: plugins.Request{Dir: dir}})
	if err != nil {
		return nil, err
	}
	defer core.Full(remote).Close()
	var near, far []int64
	for range rounds {
		for _, side := range []struct {
			store core.TokenStore
			times *[]int64
		}{{direct, &near}, {remote, &far}} {
			for range warmCalls {
				began := time.Now()
				if _, err := side.store.Load(ctx, core.DefaultKey); err != nil {
					return nil, err
				}
				*side.times = append(*side.times, int64(time.Since(began)))
			}
		}
	}
	slices.Sort(near)
	slices.Sort(far)
	a, b := near[len(near)/2], far[len(far)/2]
	return []row{{"a call of a plugin store, warm", float64(b) / 1e3, 150, "us", fmt.Sprintf("%s against %s in this process", time.Duration(b), time.Duration(a))}}, nil
}
