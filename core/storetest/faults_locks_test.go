package storetest_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest"
)

// onLock changes how a lock is taken.
func onLock(name, says string, lock func(m *memory, ctx context.Context, key string) (core.Lease, error)) fault {
	return patch(name, says, func(m *memory, p *patched) {
		p.lock = func(ctx context.Context, key string) (core.Lease, error) { return lock(m, ctx, key) }
	})
}

// A changedLease is a lease of which some calls are others.
type changedLease struct {
	core.Lease
	release func() error
	lost    <-chan struct{}
}

func (l changedLease) Release() error {
	if l.release != nil {
		return l.release()
	}
	return l.Lease.Release()
}

func (l changedLease) Lost() <-chan struct{} { return l.lost }

// free gives the lock of key to the next, whoever has it.
func (m *memory) free(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.locks[key]:
	default:
	}
}

func lockFaults() []fault {
	return []fault{
		onLock("locks nobody out", "somebody else has", func(_ *memory, _ context.Context, key string) (core.Lease, error) {
			return lease(func() {}), core.CheckKey(key)
		}),
		onLock("gives up at once", "before its ctx ended", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			ctx, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
			defer cancel()
			return m.Lock(ctx, key)
		}),
		onLock("ignores ctx in Lock", "Lock hangs", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			return m.Lock(context.WithoutCancel(ctx), key)
		}),
		onLock("does not say that it is locked", "core.ErrLocked", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			held, err := m.Lock(ctx, key)
			if errors.Is(err, core.ErrLocked) {
				err = ctx.Err()
			}
			return held, err
		}),
		onLock("does not say why it stopped waiting", "context.DeadlineExceeded", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			held, err := m.Lock(ctx, key)
			if errors.Is(err, core.ErrLocked) {
				err = core.ErrLocked
			}
			return held, err
		}),
		onLock("returns neither a lease nor an error", "neither a lease nor an error", func(*memory, context.Context, string) (core.Lease, error) { return nil, nil }),
		onLock("does not release", "which was released", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			held, err := m.Lock(ctx, key)
			return changedLease{Lease: held, release: func() error { return nil }}, err
		}),
		onLock("hangs in Release", "Release hangs", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			held, err := m.Lock(ctx, key)
			return changedLease{Lease: held, release: func() error { select {} }}, err
		}),
		onLock("gives an error when it is released twice", "want no error", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			held, err := m.Lock(ctx, key)
			var once sync.Once
			return changedLease{Lease: held, release: func() error {
				err := errors.New("not held")
				once.Do(func() { err = held.Release() })
				return err
			}}, err
		}),
		onLock("panics when it is released twice", "Release panicked", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			held, err := m.Lock(ctx, key)
			done := make(chan struct{})
			return changedLease{Lease: held, release: func() error { close(done); return held.Release() }}, err
		}),
		onLock("releases the lock of the next holder", "next holder", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			held, err := m.Lock(ctx, key)
			return changedLease{Lease: held, release: func() error { m.free(key); return nil }}, err
		}),
		onLock("holds a lock for as long as the ctx of Lock", "must outlive that ctx", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			held, err := m.Lock(ctx, key)
			if err == nil {
				context.AfterFunc(ctx, func() { _ = held.Release() })
			}
			return held, err
		}),
		onLock("lets go of a lock some time after the ctx of Lock", "must outlive that ctx", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			held, err := m.Lock(ctx, key)
			if err == nil {
				context.AfterFunc(ctx, func() { time.AfterFunc(120*time.Millisecond, func() { _ = held.Release() }) })
			}
			return held, err
		}),
		onLock("calls a lock lost when the ctx of Lock ends", "was lost when the ctx of Lock ended", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			held, err := m.Lock(ctx, key)
			return changedLease{Lease: held, lost: ctx.Done()}, err
		}),
		onLock("cannot release after the ctx of Lock", "Release after the ctx of Lock ended", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			held, err := m.Lock(ctx, key)
			return changedLease{Lease: held, release: func() error { return errors.Join(ctx.Err(), held.Release()) }}, err
		}),
		onLock("calls a lock lost that was just taken", "Lost is closed", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			held, err := m.Lock(ctx, key)
			lost := make(chan struct{})
			close(lost)
			return changedLease{Lease: held, lost: lost}, err
		}),
		onLock("has one lock for all keys", "another key is locked", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			if err := core.CheckKey(key); err != nil {
				return nil, err
			}
			return m.Lock(ctx, core.DefaultKey)
		}),
		onLock("locks any key", "Lock(", func(m *memory, ctx context.Context, key string) (core.Lease, error) {
			if core.CheckKey(key) != nil {
				key = core.DefaultKey
			}
			return m.Lock(ctx, key)
		}),
		patch("saves under the lock", "the lock is advisory", func(m *memory, p *patched) {
			p.save = func(ctx context.Context, key string, r core.Record) (core.Record, error) {
				if err := check(ctx, key); err != nil {
					return core.Record{}, err
				}
				held, err := m.Lock(ctx, key)
				if err != nil {
					return core.Record{}, err
				}
				defer held.Release()
				return m.Save(ctx, key, r)
			}
		}),
		{name: "locks in its own process only", says: "by another store over the same place",
			open: func(m *memory) core.TokenStore { return ownLocks{m, newMemory()} },
			reopen: func(s core.TokenStore) core.TokenStore {
				return ownLocks{s.(ownLocks).memory.at(), newMemory()}
			}},
		leasedFault("never tells that a lock is lost", "Lost was not closed", func(l *leased, held core.Lease, _ string) core.Lease {
			return changedLease{Lease: held, lost: make(chan struct{})}
		}),
		leasedFault("says that a lock cannot be lost", "Lost is nil", func(l *leased, held core.Lease, _ string) core.Lease {
			return changedLease{Lease: held}
		}),
		leasedFault("releases late what is another's", "had lost the lock released that of the next one", func(l *leased, held core.Lease, key string) core.Lease {
			var once sync.Once
			return changedLease{Lease: held, lost: held.Lost(), release: func() error { once.Do(func() { l.free(key) }); return nil }}
		}),
		{name: "lets go of its locks on Close and tells nobody", says: "somebody else has the lock",
			open:   func(m *memory) core.TokenStore { return &forgetful{leased: &leased{memory: m}} },
			reopen: func(s core.TokenStore) core.TokenStore { return &forgetful{leased: s.(*forgetful).reopen()} }},
	}
}

// An ownLocks keeps its locks to itself.
type ownLocks struct {
	*memory
	own *memory
}

func (s ownLocks) Lock(ctx context.Context, key string) (core.Lease, error) {
	return s.own.Lock(ctx, key)
}

// leasedFault is a fault of the leases of a store whose locks can be lost.
func leasedFault(name, says string, change func(*leased, core.Lease, string) core.Lease) fault {
	return fault{
		name: name, says: says,
		open:   func(m *memory) core.TokenStore { return &changedLeases{&leased{memory: m}, change} },
		reopen: func(s core.TokenStore) core.TokenStore { return &changedLeases{s.(*changedLeases).reopen(), change} },
		opts: []storetest.Option{storetest.WithLoss(func(_ *testing.T, s core.TokenStore) {
			s.(*changedLeases).lose()
		})},
	}
}

type changedLeases struct {
	*leased
	change func(*leased, core.Lease, string) core.Lease
}

func (s *changedLeases) Lock(ctx context.Context, key string) (core.Lease, error) {
	held, err := s.leased.Lock(ctx, key)
	if err != nil {
		return nil, err
	}
	return s.change(s.leased, held, key), nil
}

// A forgetful lets go of its locks on Close, and tells nobody.
type forgetful struct{ *leased }

func (s *forgetful) Lock(ctx context.Context, key string) (core.Lease, error) {
	held, err := s.leased.Lock(ctx, key)
	if err != nil {
		return nil, err
	}
	return changedLease{Lease: held, lost: make(chan struct{})}, nil
}

// onList changes what List returns.
func onList(name, says string, list func(m *memory, names []string) []string) fault {
	return patch(name, says, func(m *memory, p *patched) {
		p.list = func(ctx context.Context) ([]string, error) {
			names, err := m.List(ctx)
			return list(m, names), err
		}
	})
}

func listFaults() []fault {
	deleted := func(m *memory, p *patched, then func(key string)) {
		p.delete = func(ctx context.Context, key string) error { then(key); return m.Delete(ctx, key) }
	}
	return []fault{
		onList("lists in no order", "sorted", func(_ *memory, names []string) []string {
			if len(names) > 1 {
				names[0], names[1] = names[1], names[0]
			}
			return names
		}),
		onList("lists a name twice", "sorted", func(_ *memory, names []string) []string {
			if len(names) > 0 {
				return append(names[:1:1], names...)
			}
			return names
		}),
		onList("lists a first page only", "these were saved", func(_ *memory, names []string) []string { return names[:min(len(names), 4)] }),
		onList("lists locks", "a lock is held", func(m *memory, names []string) []string {
			m.mu.Lock()
			defer m.mu.Unlock()
			for key := range m.locks {
				names = append(names, key+".lock")
			}
			return names
		}),
		onList("reads the documents for a list", "must not read them", func(m *memory, names []string) []string {
			for _, name := range names {
				_, _ = m.Load(context.Background(), name)
			}
			return names
		}),
		patch("lists what was deleted", "the others were deleted", func(m *memory, p *patched) {
			ghosts := map[string]bool{}
			deleted(m, p, func(key string) {
				m.mu.Lock()
				defer m.mu.Unlock()
				if _, ok := m.docs[key]; ok {
					ghosts[key] = true
				}
			})
			p.list = func(ctx context.Context) ([]string, error) {
				names, err := m.List(ctx)
				if ghosts["b"] {
					names = append(names, "b")
				}
				return names, err
			}
		}),
		patch("lists what was only looked for", "loaded and deleted", func(m *memory, p *patched) {
			var looked atomic.Bool
			p.load = func(ctx context.Context, key string) (core.Record, error) {
				r, err := m.Load(ctx, key)
				if errors.Is(err, core.ErrNotFound) {
					looked.Store(true)
				}
				return r, err
			}
			p.list = func(ctx context.Context) ([]string, error) {
				names, err := m.List(ctx)
				if looked.Load() && len(names) == 0 {
					names = []string{core.DefaultKey}
				}
				return names, err
			}
		}),
		patch("lists from a slice that it keeps", "changed the slice", func(m *memory, p *patched) {
			var kept []string
			p.list = func(ctx context.Context) ([]string, error) {
				names, err := m.List(ctx)
				if len(names) != len(kept) {
					kept = names
				}
				return kept, err
			}
		}),
		patch("ignores ctx in List", "List with a ctx that has ended", func(m *memory, p *patched) {
			p.list = func(ctx context.Context) ([]string, error) { return m.List(context.WithoutCancel(ctx)) }
		}),
		patch("panics in List", "List panicked", func(_ *memory, p *patched) {
			p.list = func(context.Context) ([]string, error) { panic("nil map") }
		}),
		patch("hangs in List", "List hangs", func(_ *memory, p *patched) { p.list = func(context.Context) ([]string, error) { select {} } }),
	}
}

func capabilityFaults() []fault {
	plain := func(m *memory) core.TokenStore { return &patched{memory: m} }
	return []fault{
		{name: "has no lock and does not say so", says: "storetest.SkipLocking", open: func(m *memory) core.TokenStore {
			return struct {
				core.TokenStore
				core.Lister
			}{m, m}
		}, reopen: func(s core.TokenStore) core.TokenStore { return s }},
		{name: "has no list and does not say so", says: "storetest.SkipListing", open: func(m *memory) core.TokenStore {
			return struct {
				core.TokenStore
				core.Locker
			}{m, m}
		}, reopen: func(s core.TokenStore) core.TokenStore { return s }},
		{name: "has a lock and denies it", says: "is a core.Locker", open: plain, opts: []storetest.Option{storetest.SkipLocking("nobody needs it")}},
		{name: "has a list and denies it", says: "is a core.Lister", open: plain, opts: []storetest.Option{storetest.SkipListing("nobody needs it")}},
		{name: "writes to find out whether it can", says: "after Check", open: func(m *memory) core.TokenStore { return &writingCheck{patched{memory: m}} }},
		{name: "cannot be saved to, as it says", says: "where Save works", open: func(m *memory) core.TokenStore { return &refusingCheck{patched{memory: m}} }},
		{name: "moves a document away and keeps it", says: "after Quarantine", open: func(m *memory) core.TokenStore { return &idleQuarantine{patched{memory: m}} }},
		{name: "moves all documents away", says: "Quarantine of another key", open: func(m *memory) core.TokenStore { return &wideQuarantine{patched{memory: m}} }},
		{name: "tells what it moved away", says: "which is secret", open: func(m *memory) core.TokenStore { return &tellingQuarantine{patched{memory: m}} }},
	}
}

type writingCheck struct{ patched }

func (s *writingCheck) Check(ctx context.Context, key string) error {
	r, _ := s.memory.Load(ctx, key)
	_, err := s.memory.Save(ctx, key, r)
	return err
}

type refusingCheck struct{ patched }

func (s *refusingCheck) Check(context.Context, string) error { return core.ErrReadOnly }

type idleQuarantine struct{ patched }

func (s *idleQuarantine) Quarantine(context.Context, string) (string, error) { return "elsewhere", nil }

type wideQuarantine struct{ patched }

func (s *wideQuarantine) Quarantine(context.Context, string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.docs)
	return "elsewhere", nil
}

type tellingQuarantine struct{ patched }

func (s *tellingQuarantine) Quarantine(ctx context.Context, key string) (string, error) {
	r, _ := s.memory.Load(ctx, key)
	return fmt.Sprintf("was %s", r.Data), s.memory.Delete(ctx, key)
}
