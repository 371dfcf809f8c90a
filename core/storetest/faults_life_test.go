package storetest_test

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/tokentoss/tokentoss/core"
)

// leak begins a goroutine that nobody ends.
func leak() { go func() { select {} }() }

// leakFile opens a file that nobody closes.
func leakFile() {
	f, err := os.Open(os.DevNull)
	if err != nil {
		panic(err)
	}
	leaked.Lock()
	defer leaked.Unlock()
	leaked.files = append(leaked.files, f)
}

var leaked struct {
	sync.Mutex
	files []*os.File
}

// lifeFaults are those of closing and of what is left behind.
func lifeFaults() []fault {
	return []fault{
		patch("leaks a goroutine in Load", "Load leaves a goroutine behind", func(m *memory, p *patched) {
			p.load = func(ctx context.Context, key string) (core.Record, error) { leak(); return m.Load(ctx, key) }
		}),
		patch("leaks a goroutine in List", "List leaves a goroutine behind", func(m *memory, p *patched) {
			p.list = func(ctx context.Context) ([]string, error) { leak(); return m.List(ctx) }
		}),
		patch("leaks a goroutine in Load until Close", "Load leaves a goroutine behind", func(m *memory, p *patched) {
			closed := make(chan struct{})
			p.load = func(ctx context.Context, key string) (core.Record, error) {
				go func() { <-closed }()
				return m.Load(ctx, key)
			}
			p.close = sync.OnceValue(func() error { close(closed); return nil })
		}),
		patch("leaks a goroutine for a lock that was waited for in vain", "Lock that waits in vain leaves a goroutine", func(m *memory, p *patched) {
			p.lock = func(ctx context.Context, key string) (core.Lease, error) {
				held, err := m.Lock(ctx, key)
				if err != nil {
					leak()
				}
				return held, err
			}
		}),
		{name: "leaks a goroutine when it is opened", says: "after Open", open: func(m *memory) core.TokenStore { leak(); return &patched{memory: m} }},
		patch("leaks a file in Load", "Load leaves a file", func(m *memory, p *patched) {
			p.load = func(ctx context.Context, key string) (core.Record, error) { leakFile(); return m.Load(ctx, key) }
		}),
		patch("leaks a file in a Save that conflicts", "Save that conflicts leaves a file", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				saved, err := m.Save(ctx, key, r)
				if err != nil {
					leakFile()
				}
				return saved, err
			}
		}),
		patch("panics when it is closed twice", "Close panicked", func(_ *memory, p *patched) {
			closed := make(chan struct{})
			p.close = func() error { close(closed); return nil }
		}),
		patch("gives an error when it is closed twice", "called again", func(_ *memory, p *patched) {
			n := 0
			p.close = func() error {
				if n++; n > 1 {
					return fmt.Errorf("already closed")
				}
				return nil
			}
		}),
		patch("hangs in Close", "Close hangs", func(_ *memory, p *patched) { p.close = func() error { select {} } }),
		afterClose("panics in Load after Close", "Load panicked", func(_ *memory, p *patched) {
			p.load = func(context.Context, string) (core.Record, error) { panic("closed") }
		}),
		afterClose("hangs in Lock after Close", "Lock hangs", func(_ *memory, p *patched) {
			p.lock = func(context.Context, string) (core.Lease, error) { select {} }
		}),
		afterClose("says that there is no document after Close", "core.ErrNotFound", func(_ *memory, p *patched) {
			p.load = func(context.Context, string) (core.Record, error) { return core.Record{}, core.ErrNotFound }
		}),
		afterClose("forgets what is saved after Close", "Save after Close", func(_ *memory, p *patched) {
			p.save = func(_ context.Context, _ string, r core.Record) (core.Record, error) { return r, nil }
		}),
		{name: "is forgotten when it is opened again", says: "opened again", open: func(m *memory) core.TokenStore { return m },
			reopen: func(core.TokenStore) core.TokenStore { return newMemory() }},
		{name: "has other revisions when it is opened again", says: "take it for a change", open: func(m *memory) core.TokenStore { return m },
			reopen: func(s core.TokenStore) core.TokenStore {
				m := s.(*memory).at()
				return &patched{memory: m, load: func(ctx context.Context, key string) (core.Record, error) {
					r, err := m.Load(ctx, key)
					r.Revision += "-again"
					return r, err
				}}
			}},
	}
}

// afterClose is a fault that only a closed store has.
func afterClose(name, says string, how func(*memory, *patched)) fault {
	return patch(name, says, func(m *memory, p *patched) { p.close = func() error { how(m, p); return nil } })
}
