package agent

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
)

// stores are those that the agent has open, by name.
type stores struct {
	server *Server

	mu     sync.Mutex
	stamps []stamp
	open   map[string]*entry
}

// An entry is an open store.
type entry struct {
	name  string
	ready chan struct{} // closed when the store is open, or cannot be
	store core.TokenStore
	err   error

	mu      sync.Mutex
	askers  []asker // those who wait for the store, last come last
	users   int     // stores.mu
	dropped bool    // stores.mu; closed when nobody uses it
}

// get returns an open store, which it opens if it must. The caller puts it back.
func (s *stores) get(ctx context.Context, name string, first asker) (*entry, error) {
	s.mu.Lock()
	if now := stampsOf(s.server.Watched); !slices.Equal(now, s.stamps) {
		s.stamps = now
		for _, e := range s.open {
			s.forget(e)
		}
	}
	e, ok := s.open[name]
	if !ok {
		e = &entry{name: name, ready: make(chan struct{})}
		s.open[name] = e
	}
	e.users++
	s.mu.Unlock()
	if !ok {
		e.push(first)
		// Others may wait for the same store: it does not end with this caller.
		e.store, e.err = s.server.Open(context.WithoutCancel(ctx), name, e.ask)
		e.pop(first.c)
		close(e.ready)
	}
	<-e.ready
	if e.err != nil {
		s.drop(e)
		s.put(e)
		return nil, e.err
	}
	return e, nil
}

// put gives a store back.
func (s *stores) put(e *entry) {
	s.mu.Lock()
	e.users--
	last := e.users == 0 && e.dropped
	s.mu.Unlock()
	if last {
		s.close(e)
	}
}

// drop has the next caller open the store anew.
func (s *stores) drop(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[e.name] == e {
		s.forget(e)
	}
}

// forget takes an entry out. s.mu is held.
func (s *stores) forget(e *entry) {
	delete(s.open, e.name)
	e.dropped = true
	if e.users == 0 {
		s.server.serving.Go(func() { s.close(e) })
	}
}

func (s *stores) close(e *entry) {
	if e.store != nil {
		if err := core.Full(e.store).Close(); err != nil {
			s.server.Log.Warn("a store could not be closed", "store", e.name, "error", err)
		}
	}
}

// closeAll closes what is open when nobody calls any more.
func (s *stores) closeAll() {
	s.mu.Lock()
	open := s.open
	s.open = make(map[string]*entry)
	s.mu.Unlock()
	for _, e := range open {
		s.close(e)
	}
}

// An asker is a connection whose other side may be asked.
type asker struct {
	c      *conn
	canAsk bool
}

func (e *entry) push(a asker) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if a.canAsk {
		e.askers = append(e.askers, a)
	}
}

func (e *entry) pop(c *conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := slices.IndexFunc(e.askers, func(a asker) bool { return a.c == c }); i >= 0 {
		e.askers = slices.Delete(e.askers, i, i+1)
	}
}

// ask puts a question of the store to the last who came: a person who waits.
func (e *entry) ask(ctx context.Context, question string) (core.Secret, error) {
	e.mu.Lock()
	var who *conn
	if n := len(e.askers); n > 0 {
		who = e.askers[n-1].c
	}
	e.mu.Unlock()
	if who == nil {
		return "", fmt.Errorf("%w: there is nobody to ask", core.ErrSealed)
	}
	if err := who.send(&response{Question: question}); err != nil {
		return "", fmt.Errorf("%w: nobody is there any more", core.ErrSealed)
	}
	var a answer
	if err := who.receive(&a); err != nil {
		return "", fmt.Errorf("%w: nobody answered", core.ErrSealed)
	}
	return core.Secret(a.Text), a.Error.Err()
}

// A stamp tells whether a file is still the same.
type stamp struct {
	size int64
	at   time.Time
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.Size(), info.ModTime()}
}

func stampsOf(paths []string) []stamp {
	list := make([]stamp, len(paths))
	for i, p := range paths {
		list[i] = stampOf(p)
	}
	return list
}

// busyness ends the agent when it was idle for long.
type busyness struct {
	idle time.Duration
	end  func()

	mu    sync.Mutex
	calls int
	timer *time.Timer
}

func (b *busyness) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.timer != nil {
		b.timer.Stop()
	}
}

func (b *busyness) done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls--; b.calls == 0 {
		b.timer = time.AfterFunc(b.idle, b.end)
	}
}

func (b *busyness) stopTimer() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timer != nil {
		b.timer.Stop()
	}
}
