package storetest_test

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// A defect is a way to break the memory store, and the check that must see it.
type defect struct {
	name   string
	check  string // the subtest that must fail
	says   string // what its message must say
	broken func(*memory) core.TokenStore
}

func defects() []defect {
	return []defect{
		{"ignores revisions", "SaveFromOldRevision", "core.ErrConflict",
			func(m *memory) core.TokenStore { return ignoresRevisions{m} }},
		{"writes and then conflicts", "SaveFromOldRevision", "must change nothing",
			func(m *memory) core.TokenStore { return writesAnyway{m} }},
		{"compares and swaps in two steps", "ConcurrentSavers", "has lost its document",
			func(m *memory) core.TokenStore { return twoSteps{m} }},
		{"trims", "RoundTrip/trailing_space", "want", func(m *memory) core.TokenStore { return trims{m} }},
		{"keeps the caller's slice", "OwnCopy", "SCRIBBLE", func(m *memory) core.TokenStore { return aliases{m} }},
		{"cannot delete nothing", "Delete", "want no error", func(m *memory) core.TokenStore { return strictDelete{m} }},
		{"one document for all keys", "KeysIndependent", "", func(m *memory) core.TokenStore { return oneKey{m} }},
		{"takes any key", "BadKeys", "core.ErrBadKey", func(m *memory) core.TokenStore { return anyKey{m} }},
		{"ignores ctx", "EndedContext", "context.Canceled", func(m *memory) core.TokenStore { return ignoresCtx{m} }},
		{"lock excludes nobody", "Lock/Excludes", "together", func(m *memory) core.TokenStore { return noLock{m} }},
		{"lock gives up at once", "Lock/WaitsUntilContextEnds", "before its ctx ended",
			func(m *memory) core.TokenStore { return impatient{m} }},
		{"lock waits for ever", "Lock/WaitsUntilContextEnds", "has not returned",
			func(m *memory) core.TokenStore { return patient{m} }},
		{"releases the next holder's lock", "Lock/ReleaseTwice", "next holder",
			func(m *memory) core.TokenStore { return doubleRelease{m} }},
		{"save needs the lock", "Lock/IsAdvisory", "while the lock is held",
			func(m *memory) core.TokenStore { return lockingSave{m} }},
		{"is no locker", "Lock/IsLocker", "storetest.SkipLocking",
			func(m *memory) core.TokenStore { return struct{ core.TokenStore }{m} }},
		{"list is not sorted", "List/SortedNames", "sorted", func(m *memory) core.TokenStore { return unsorted{m} }},
		{"is forgotten", "Reopen/Survives", "Load", func(*memory) core.TokenStore { return newMemory() }},
		{"leaks", "Goroutines", "left over", func(m *memory) core.TokenStore { return leaks{m} }},
	}
}

type ignoresRevisions struct{ *memory }

func (s ignoresRevisions) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	if err := check(ctx, key); err != nil {
		return core.Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(key, r.Data), nil
}

type writesAnyway struct{ *memory }

func (s writesAnyway) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	saved, err := s.memory.Save(ctx, key, r)
	if errors.Is(err, core.ErrConflict) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.put(key, r.Data)
	}
	return saved, err
}

type twoSteps struct{ *memory }

func (s twoSteps) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	if old, err := s.Load(ctx, key); err != nil && !errors.Is(err, core.ErrNotFound) {
		return core.Record{}, err
	} else if old.Revision != r.Revision {
		return core.Record{}, core.ErrConflict
	}
	for range 100 {
		runtime.Gosched()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.put(key, r.Data), nil
}

type trims struct{ *memory }

func (s trims) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	r.Data = bytes.TrimSpace(r.Data)
	return s.memory.Save(ctx, key, r)
}

type aliases struct{ *memory }

func (s aliases) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	saved, err := s.memory.Save(ctx, key, r)
	if err == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.docs[key] = saved
	}
	return saved, err
}

type strictDelete struct{ *memory }

func (s strictDelete) Delete(ctx context.Context, key string) error {
	if _, err := s.Load(ctx, key); err != nil {
		return err
	}
	return s.memory.Delete(ctx, key)
}

type oneKey struct{ *memory }

func one(key string) string {
	if core.CheckKey(key) != nil {
		return key
	}
	return core.DefaultKey
}

func (s oneKey) Load(ctx context.Context, key string) (core.Record, error) {
	return s.memory.Load(ctx, one(key))
}

func (s oneKey) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	return s.memory.Save(ctx, one(key), r)
}

type anyKey struct{ *memory }

func (s anyKey) Load(ctx context.Context, key string) (core.Record, error) {
	return s.memory.Load(ctx, "k"+strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r
		}
		return '0'
	}, key[:min(len(key), 60)]))
}

type ignoresCtx struct{ *memory }

func (s ignoresCtx) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	return s.memory.Save(context.WithoutCancel(ctx), key, r)
}

type noLock struct{ *memory }

func (s noLock) Lock(_ context.Context, key string) (core.Lease, error) {
	return lease(func() {}), core.CheckKey(key)
}

type impatient struct{ *memory }

func (s impatient) Lock(ctx context.Context, key string) (core.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	return s.memory.Lock(ctx, key)
}

type patient struct{ *memory }

func (s patient) Lock(ctx context.Context, key string) (core.Lease, error) {
	return s.memory.Lock(context.WithoutCancel(ctx), key)
}

type doubleRelease struct{ *memory }

func (s doubleRelease) Lock(ctx context.Context, key string) (core.Lease, error) {
	if _, err := s.memory.Lock(ctx, key); err != nil {
		return nil, err
	}
	return lease(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		select {
		case <-s.locks[key]:
		default:
		}
	}), nil
}

type lockingSave struct{ *memory }

func (s lockingSave) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	if err := check(ctx, key); err != nil {
		return core.Record{}, err
	}
	held, err := s.Lock(ctx, key)
	if err != nil {
		return core.Record{}, err
	}
	defer held.Release()
	return s.memory.Save(ctx, key, r)
}

type unsorted struct{ *memory }

func (s unsorted) List(ctx context.Context) ([]string, error) {
	names, err := s.memory.List(ctx)
	if len(names) > 1 {
		names[0], names[1] = names[1], names[0]
	}
	return names, err
}

type leaks struct{ *memory }

func (s leaks) Load(ctx context.Context, key string) (core.Record, error) {
	go func() { select {} }()
	return s.memory.Load(ctx, key)
}

func (s leaks) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	go func() { select {} }()
	return s.memory.Save(ctx, key, r)
}
