// Package memory keeps sessions for as long as the process runs, and writes nothing
// anywhere. It is for programs that must leave no session behind, and for tests.
package memory

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"github.com/tokentoss/tokentoss/core"
)

// maxSize is what a document may have, in bytes, as in a file.
const maxSize = 1 << 20

// A Store is a [core.TokenStore] in memory. Make one with [New]. Its methods may be
// called by many goroutines at once, and by several sessions.
type Store struct {
	mu    sync.Mutex
	docs  map[string]core.Record
	locks map[string]chan struct{} // each has room for its one holder
	saves int
}

var (
	_ core.TokenStore  = (*Store)(nil)
	_ core.Locker      = (*Store)(nil)
	_ core.Lister      = (*Store)(nil)
	_ core.Quarantiner = (*Store)(nil)
	_ core.Describer   = (*Store)(nil)
)

// New returns a store that has nothing.
func New() *Store {
	return &Store{docs: make(map[string]core.Record), locks: make(map[string]chan struct{})}
}

// Describe implements [core.Describer].
func (s *Store) Describe() string { return "memory of this process, and nowhere else" }

// Load implements [core.TokenStore].
func (s *Store) Load(ctx context.Context, key string) (core.Record, error) {
	if err := usable(ctx, key); err != nil {
		return core.Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.docs[key]
	if !ok {
		return core.Record{}, fmt.Errorf("memory store: session %s: %w", key, core.ErrNotFound)
	}
	r.Data = bytes.Clone(r.Data)
	return r, nil
}

// Save implements [core.TokenStore].
func (s *Store) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	if err := usable(ctx, key); err != nil {
		return core.Record{}, err
	}
	if len(r.Data) > maxSize {
		return core.Record{}, fmt.Errorf("memory store: session %s: %w: %d bytes", key, core.ErrTooLarge, len(r.Data))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.docs[key].Revision != r.Revision { // empty when there is none
		return core.Record{}, fmt.Errorf("memory store: session %s: %w", key, core.ErrConflict)
	}
	s.saves++
	r.Revision = strconv.Itoa(s.saves)
	s.docs[key] = core.Record{Data: bytes.Clone(r.Data), Revision: r.Revision}
	return r, nil
}

// Delete implements [core.TokenStore].
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := usable(ctx, key); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.docs, key)
	return nil
}

// List implements [core.Lister].
func (s *Store) List(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.docs)), nil
}

// Quarantine implements [core.Quarantiner]: what is damaged is of no use to anybody, and
// is forgotten.
func (s *Store) Quarantine(ctx context.Context, key string) (string, error) {
	return "nowhere: it was in memory", s.Delete(ctx, key)
}

// Lock implements [core.Locker].
func (s *Store) Lock(ctx context.Context, key string) (core.Lease, error) {
	if err := core.CheckKey(key); err != nil {
		return nil, fmt.Errorf("memory store: %w", err)
	}
	s.mu.Lock()
	lock, ok := s.locks[key]
	if !ok {
		lock = make(chan struct{}, 1)
		s.locks[key] = lock
	}
	s.mu.Unlock()
	err := ctx.Err()
	if err == nil {
		select {
		case lock <- struct{}{}:
			return &lease{lock: lock}, nil
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	return nil, errors.Join(fmt.Errorf("memory store: session %s: %w", key, core.ErrLocked), err)
}

// A lease is a lock that is held.
type lease struct {
	lock chan struct{}
	once sync.Once
}

// Release implements [core.Lease].
func (l *lease) Release() error {
	l.once.Do(func() { <-l.lock })
	return nil
}

// Lost implements [core.Lease]. It cannot happen.
func (l *lease) Lost() <-chan struct{} { return nil }

func usable(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := core.CheckKey(key); err != nil {
		return fmt.Errorf("memory store: %w", err)
	}
	return nil
}
