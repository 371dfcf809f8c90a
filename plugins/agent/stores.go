package agent

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/environment"
)

// maxSame is how many environments a store is open for at a time. The one that was not
// used for the longest makes way.
const maxSame = 8

// stores are those that the agent has open.
type stores struct {
	server *Server

	mu      sync.Mutex
	fileIDs []fileID
	uses    int
	open    map[place]*entry
}

// A place is what a store is open for: its name and an environment.
type place struct{ name, environment string }

// An entry is an open store.
type entry struct {
	place
	ready chan struct{} // closed when the store is open, or cannot be
	store core.TokenStore
	err   error

	mu      sync.Mutex
	callers []caller // those who wait for the store, last come last
	users   int      // stores.mu
	used    int      // stores.mu; the number of the last use
	dropped bool     // stores.mu; closed when nobody uses it
}

// get returns an open store, which it opens if it must. The caller puts it back.
func (s *stores) get(ctx context.Context, m request, first caller) (*entry, error) {
	at := place{m.Store, environment.Same(m.Environ)}
	s.mu.Lock()
	if now := fileIDsOf(s.server.Watched); !slices.Equal(now, s.fileIDs) {
		s.fileIDs = now
		for _, e := range s.open {
			s.forget(e)
		}
	}
	e, ok := s.open[at]
	if !ok {
		s.makeRoom(at.name)
		e = &entry{place: at, ready: make(chan struct{})}
		s.open[at] = e
	}
	e.users++
	s.uses++
	e.used = s.uses
	s.mu.Unlock()
	if !ok {
		e.push(first)
		// Others may wait for the same store: it does not end with this caller.
		e.store, e.err = s.server.Open(context.WithoutCancel(ctx), Opening{
			Name: m.Store, Environ: m.Environ, Ask: e.ask, Log: slog.New(&logHandler{e: e}),
		})
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

// makeRoom forgets the store of that name that was not used for the longest, if there
// are as many as there may be. s.mu is held.
func (s *stores) makeRoom(name string) {
	var oldest *entry
	same := 0
	for _, e := range s.open {
		if e.name != name {
			continue
		}
		same++
		if oldest == nil || e.used < oldest.used {
			oldest = e
		}
	}
	if same >= maxSame {
		s.forget(oldest)
	}
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
	if s.open[e.place] == e {
		s.forget(e)
	}
}

// forget takes an entry out. s.mu is held.
func (s *stores) forget(e *entry) {
	delete(s.open, e.place)
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
	s.open = make(map[place]*entry)
	s.mu.Unlock()
	for _, e := range open {
		s.close(e)
	}
}

// A caller is a connection whose other side waits for a store.
type caller struct {
	c       *conn
	canAsk  bool // it may be asked
	verbose bool // it wants to see what the store logs
}

func (e *entry) push(a caller) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.callers = append(e.callers, a)
}

func (e *entry) pop(c *conn) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := slices.IndexFunc(e.callers, func(a caller) bool { return a.c == c }); i >= 0 {
		e.callers = slices.Delete(e.callers, i, i+1)
	}
}

// watchers are those who want to see what the store logs.
func (e *entry) watchers() []*conn {
	e.mu.Lock()
	defer e.mu.Unlock()
	var list []*conn
	for _, a := range e.callers {
		if a.verbose && !slices.Contains(list, a.c) {
			list = append(list, a.c)
		}
	}
	return list
}

// ask puts a question of the store to the last who came: a person who waits.
func (e *entry) ask(ctx context.Context, question string) (core.Secret, error) {
	e.mu.Lock()
	var who *conn
	for _, a := range e.callers {
		if a.canAsk {
			who = a.c
		}
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

// A fileID tells whether a file is still the same.
type fileID struct {
	size int64
	at   time.Time
}

func fileIDOf(path string) fileID {
	info, err := os.Stat(path)
	if err != nil {
		return fileID{}
	}
	return fileID{info.Size(), info.ModTime()}
}

func fileIDsOf(paths []string) []fileID {
	list := make([]fileID, len(paths))
	for i, p := range paths {
		list[i] = fileIDOf(p)
	}
	return list
}

// idleTimer ends the agent when it was idle for long.
type idleTimer struct {
	idle time.Duration
	end  func()

	mu    sync.Mutex
	calls int
	timer *time.Timer
}

func (b *idleTimer) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.timer != nil {
		b.timer.Stop()
	}
}

func (b *idleTimer) done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.calls--; b.calls == 0 {
		b.timer = time.AfterFunc(b.idle, b.end)
	}
}

func (b *idleTimer) stopTimer() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timer != nil {
		b.timer.Stop()
	}
}
