package storetest_test

import (
	"context"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest"
)

// A fault is a way to break a store, and what the kit must say of it.
type fault struct {
	name string // "a store that ..."
	says string
	open func(*memory) core.TokenStore

	// reopen opens the place of a store again; nil: with the same fault.
	reopen func(core.TokenStore) core.TokenStore
	opts   []storetest.Option
}

// at tells where the documents are, for a second store over the same place.
func (m *memory) at() *memory { return &memory{m.place} }

// A patched is a store of which some calls are others.
type patched struct {
	*memory
	load   func(context.Context, string) (core.Record, error)
	save   func(context.Context, string, core.Record) (core.Record, error)
	delete func(context.Context, string) error
	list   func(context.Context) ([]string, error)
	lock   func(context.Context, string) (core.Lease, error)
	close  func() error
}

func (p *patched) Load(ctx context.Context, key string) (core.Record, error) {
	if p.load != nil {
		return p.load(ctx, key)
	}
	return p.memory.Load(ctx, key)
}

func (p *patched) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	if p.save != nil {
		return p.save(ctx, key, r)
	}
	return p.memory.Save(ctx, key, r)
}

func (p *patched) Delete(ctx context.Context, key string) error {
	if p.delete != nil {
		return p.delete(ctx, key)
	}
	return p.memory.Delete(ctx, key)
}

func (p *patched) List(ctx context.Context) ([]string, error) {
	if p.list != nil {
		return p.list(ctx)
	}
	return p.memory.List(ctx)
}

func (p *patched) Lock(ctx context.Context, key string) (core.Lease, error) {
	if p.lock != nil {
		return p.lock(ctx, key)
	}
	return p.memory.Lock(ctx, key)
}

func (p *patched) Close() error {
	if p.close != nil {
		return p.close()
	}
	return nil
}

// patch is a fault of a patched store.
func patch(name, says string, how func(*memory, *patched)) fault {
	return fault{name: name, says: says, open: func(m *memory) core.TokenStore {
		p := &patched{memory: m}
		how(m, p)
		return p
	}}
}

func faults() []fault {
	var all []fault
	for _, list := range [][]fault{documentFaults(), keyFaults(), contextFaults(), saveFaults(), lockFaults(), listFaults(), capabilityFaults(), lifeFaults()} {
		all = append(all, list...)
	}
	return all
}
