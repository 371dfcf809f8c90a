package core_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

// A memory is a store and a Locker in memory. Several sessions over one memory
// are what processes over one directory are. It counts its calls and can fail.
type memory struct {
	mu       sync.Mutex
	docs     map[string]core.Record
	locks    map[string]chan struct{}
	revision int
	calls    map[string]int // by method
	faults   map[string]error
	hooks    map[string]func()
}

func newMemory() *memory {
	return &memory{
		docs: map[string]core.Record{}, locks: map[string]chan struct{}{}, calls: map[string]int{},
		faults: map[string]error{}, hooks: map[string]func(){},
	}
}

// fail makes a method ("Load", "Save", "Delete", "Lock") return err; nil heals it.
func (m *memory) fail(method string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults[method] = err
}

// before has hook called when a method begins.
func (m *memory) before(method string, hook func()) { m.setHook("before "+method, hook) }

// after has hook called when a method has done its work and before it returns.
func (m *memory) after(method string, hook func()) { m.setHook("after "+method, hook) }

func (m *memory) setHook(when string, hook func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hooks[when] = hook
}

func (m *memory) callHook(when string) {
	m.mu.Lock()
	hook := m.hooks[when]
	m.mu.Unlock()
	if hook != nil {
		hook()
	}
}

// count returns how often the methods were called since the last reset.
func (m *memory) count(methods ...string) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, method := range methods {
		n += m.calls[method]
	}
	return n
}

func (m *memory) resetCalls() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.calls)
}

// begin counts a call and returns its fault.
func (m *memory) begin(ctx context.Context, method string) error {
	m.callHook("before " + method)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[method]++
	if err := ctx.Err(); err != nil {
		return err
	}
	return m.faults[method]
}

func (m *memory) Load(ctx context.Context, key string) (core.Record, error) {
	if err := m.begin(ctx, "Load"); err != nil {
		return core.Record{}, err
	}
	m.mu.Lock()
	r, ok := m.docs[key]
	m.mu.Unlock()
	m.callHook("after Load")
	if !ok {
		return core.Record{}, fmt.Errorf("key %s: %w", key, core.ErrNotFound)
	}
	return core.Record{Data: bytes.Clone(r.Data), Revision: r.Revision}, nil
}

func (m *memory) Save(ctx context.Context, key string, r core.Record) (core.Record, error) {
	if err := m.begin(ctx, "Save"); err != nil {
		return core.Record{}, err
	}
	m.mu.Lock()
	if m.docs[key].Revision != r.Revision {
		m.mu.Unlock()
		return core.Record{}, fmt.Errorf("key %s: %w", key, core.ErrConflict)
	}
	saved := m.put(key, r.Data)
	m.mu.Unlock()
	m.callHook("after Save")
	return saved, nil
}

// put stores without a check; m.mu is held.
func (m *memory) put(key string, data []byte) core.Record {
	m.revision++
	r := core.Record{Data: bytes.Clone(data), Revision: "r" + strconv.Itoa(m.revision)}
	m.docs[key] = r
	return r
}

func (m *memory) Delete(ctx context.Context, key string) error {
	if err := m.begin(ctx, "Delete"); err != nil {
		return err
	}
	m.mu.Lock()
	delete(m.docs, key)
	m.mu.Unlock()
	m.callHook("after Delete")
	return nil
}

// Lock hangs until ctx ends when its fault is errHang.
func (m *memory) Lock(ctx context.Context, key string) (core.Lease, error) {
	err := m.begin(ctx, "Lock")
	if err == errHang {
		<-ctx.Done()
		return nil, fmt.Errorf("key %s: %w: %w", key, core.ErrLocked, ctx.Err())
	}
	if err != nil {
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
		return &lease{lock: lock}, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("key %s: %w: %w", key, core.ErrLocked, ctx.Err())
	}
}

// errHang is the fault of a lock that is never to be had.
var errHang = fmt.Errorf("hang")

type lease struct {
	lock chan struct{}
	once sync.Once
}

func (l *lease) Release() error {
	l.once.Do(func() { <-l.lock })
	return nil
}

func (l *lease) Lost() <-chan struct{} { return nil }

// raw returns the stored bytes of a key, nil when there are none.
func (m *memory) raw(key string) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.docs[key].Data)
}

// setRaw stores bytes under a key.
func (m *memory) setRaw(key string, data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(key, data)
}

// doc returns the stored document of the default key as JSON.
func (m *memory) doc(t *testing.T) map[string]any {
	t.Helper()
	var d map[string]any
	if err := json.Unmarshal(m.raw(core.DefaultKey), &d); err != nil {
		t.Fatalf("stored document: %v", err)
	}
	return d
}

// edit changes the stored document as another program would.
func (m *memory) edit(t *testing.T, change func(d map[string]any)) {
	t.Helper()
	d := m.doc(t)
	change(d)
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	m.setRaw(core.DefaultKey, data)
}

// field returns a text of the stored document.
func (m *memory) field(t *testing.T, name string) string {
	t.Helper()
	s, _ := m.doc(t)[name].(string)
	return s
}

// keys returns what is stored.
func (m *memory) keys() map[string]core.Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.docs)
}

// Stores with other powers than memory's.
type (
	// lockless is a store that is no Locker.
	lockless struct{ core.TokenStore }

	// checking is a store that knows beforehand whether it can be written.
	checking struct {
		core.TokenStore
		err error
	}

	// moving is a store that can set a damaged document aside.
	moving struct {
		*memory
		moved [][]byte
	}

	// closing is a store that must be closed.
	closing struct {
		*memory
		closed chan struct{}
	}

	// located is a store that can name a document's place.
	located struct{ *memory }
)

func (c checking) Check(context.Context, string) error { return c.err }

func (m *moving) Quarantine(ctx context.Context, key string) (string, error) {
	m.moved = append(m.moved, m.raw(key))
	m.fail("Load", nil)
	return key + ".damaged", m.Delete(ctx, key)
}

func (c *closing) Close() error {
	close(c.closed)
	return nil
}

func (located) Path(key string) string { return "/home/ada/" + key + ".json" }
