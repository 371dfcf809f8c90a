package storetest_test

import (
	"context"

	"github.com/tokentoss/tokentoss/core"
)

// A leased is a memory store whose locks can be lost, as those of a server can be,
// and are when the store is closed.
type leased struct {
	*memory
	held *leasedLock // by this store
}

func newLeased() *leased { return &leased{memory: newMemory()} }

func (s *leased) reopen() *leased { return &leased{memory: &memory{s.place}} }

func (s *leased) Lock(ctx context.Context, key string) (core.Lease, error) {
	if _, err := s.memory.Lock(ctx, key); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = &leasedLock{store: s, key: key, lost: make(chan struct{})}
	return s.held, nil
}

// lose takes the lock away.
func (s *leased) lose() {
	s.mu.Lock()
	held := s.held
	s.held = nil
	s.mu.Unlock()
	if held != nil {
		close(held.lost)
		s.free(held.key)
	}
}

func (s *leased) Close() error {
	s.lose()
	return nil
}

type leasedLock struct {
	store *leased
	key   string
	lost  chan struct{}
}

func (l *leasedLock) Release() error {
	l.store.mu.Lock()
	first := l.store.held == l
	if first {
		l.store.held = nil
	}
	l.store.mu.Unlock()
	if first {
		l.store.free(l.key)
	}
	return nil
}

func (l *leasedLock) Lost() <-chan struct{} { return l.lost }
