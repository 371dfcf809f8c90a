package core_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/tokentoss/tokentoss/core"
)

// A mapStore keeps sessions for as long as the program runs. It is all that a
// TokenStore must be: documents by key, and a revision that each Save compares.
type mapStore struct {
	mu    sync.Mutex
	docs  map[string]core.Record
	saves int
}

func (m *mapStore) Load(ctx context.Context, key string) (core.Record, error) {
	if err := usable(ctx, key); err != nil {
		return core.Record{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.docs[key]
	if !ok {
		return core.Record{}, fmt.Errorf("session %s: %w", key, core.ErrNotFound)
	}
	r.Data = bytes.Clone(r.Data)
	return r, nil
}

func (m *mapStore) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	if err := usable(ctx, key); err != nil {
		return core.Record{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.docs[key].Revision != r.Revision { // "" when there is none
		return core.Record{}, fmt.Errorf("session %s: %w", key, core.ErrConflict)
	}
	if m.docs == nil {
		m.docs = make(map[string]core.Record)
	}
	m.saves++
	r.Revision = strconv.Itoa(m.saves)
	m.docs[key] = core.Record{Data: bytes.Clone(r.Data), Revision: r.Revision}
	return r, nil
}

func (m *mapStore) Delete(ctx context.Context, key string) error {
	if err := usable(ctx, key); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.docs, key)
	return nil
}

// usable tells whether a call makes sense at all.
func usable(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return core.CheckKey(key)
}

// Any place that can compare before it writes can be a store. Package storetest
// checks the whole contract.
func ExampleTokenStore() {
	ctx := context.Background()
	var store core.TokenStore = &mapStore{}

	_, err := store.Load(ctx, core.DefaultKey)
	fmt.Println("there is none:", errors.Is(err, core.ErrNotFound))

	first, _ := store.Save(ctx, core.DefaultKey, core.Record{Data: []byte("first")})
	second, _ := store.Save(ctx, core.DefaultKey, core.Record{Data: []byte("second"), Revision: first.Revision})
	fmt.Println(second)

	_, err = store.Save(ctx, core.DefaultKey, core.Record{Data: []byte("late"), Revision: first.Revision})
	fmt.Println("from an old revision:", errors.Is(err, core.ErrConflict))
	// Output:
	// there is none: true
	// record 2, 6 bytes
	// from an old revision: true
}
