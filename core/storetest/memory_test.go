package storetest_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/tokentoss/tokentoss/core"
)

// A place is what memory stores are over, as a directory is for files.
type place struct {
	mu       sync.Mutex
	docs     map[string]core.Record
	locks    map[string]chan struct{}
	revision int
}

// memory is a store that keeps to the contract. Faults embed it and break it.
type memory struct {
	*place
}

func newMemory() *memory {
	return &memory{&place{docs: map[string]core.Record{}, locks: map[string]chan struct{}{}}}
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return core.CheckKey(key)
}

func (m *memory) Load(ctx context.Context, key string) (core.Record, error) {
	if err := check(ctx, key); err != nil {
		return core.Record{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.docs[key]
	if !ok {
		return core.Record{}, fmt.Errorf("key %s: %w", key, core.ErrNotFound)
	}
	return core.Record{Data: bytes.Clone(r.Data), Revision: r.Revision}, nil
}

func (m *memory) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	if err := check(ctx, key); err != nil {
		return core.Record{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.docs[key].Revision != r.Revision {
		return core.Record{}, fmt.Errorf("key %s: %w", key, core.ErrConflict)
	}
	return m.put(key, r.Data), nil
}

// put stores without a check.
func (m *memory) put(key string, data []byte) core.Record {
	m.revision++
	m.docs[key] = core.Record{Data: bytes.Clone(data), Revision: "r" + strconv.Itoa(m.revision)}
	return core.Record{Data: data, Revision: m.docs[key].Revision}
}

func (m *memory) Delete(ctx context.Context, key string) error {
	if err := check(ctx, key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.docs, key)
	return nil
}

func (m *memory) List(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.docs)), nil
}

func (m *memory) Lock(ctx context.Context, key string) (core.Lease, error) {
	if err := core.CheckKey(key); err != nil {
		return nil, err
	}
	m.mu.Lock()
	lock, ok := m.locks[key]
	if !ok {
		lock = make(chan struct{}, 1)
		m.locks[key] = lock
	}
	m.mu.Unlock()
	select {
	case lock <- struct{}{}:
		var once sync.Once
		return lease(func() { once.Do(func() { <-lock }) }), nil
	case <-ctx.Done():
		return nil, fmt.Errorf("key %s: %w: %w", key, core.ErrLocked, ctx.Err())
	}
}

// A lease is the function that releases it.
type lease func()

func (l lease) Release() error {
	l()
	return nil
}

func (l lease) Lost() <-chan struct{} { return nil }
