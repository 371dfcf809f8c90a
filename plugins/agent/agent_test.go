package agent_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest"
	"github.com/tokentoss/tokentoss/plugins/agent"
	"github.com/tokentoss/tokentoss/stores/file"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is a machine with one configuration directory, and agents for it.
type world struct {
	t      *testing.T
	dir    string
	change func(*agent.Server)

	opens  atomic.Int32
	starts atomic.Int32
	agents sync.WaitGroup
	ended  chan error // of agents
	cancel context.CancelFunc
	ctx    context.Context
}

func newWorld(t *testing.T, change func(*agent.Server)) *world {
	t.Helper()
	if agent.NotHere != "" {
		t.Skip(agent.NotHere)
	}
	dir := "/tmp" // whose name is short
	if runtime.GOOS == "windows" {
		dir = ""
	}
	base, err := os.MkdirTemp(dir, "ag")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", base)
	t.Setenv("LocalAppData", base)
	w := &world{t: t, dir: t.TempDir(), change: change, ended: make(chan error, 100)}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	t.Cleanup(func() {
		w.cancel()
		w.agents.Wait()
		_ = os.RemoveAll(base)
	})
	return w
}

// start is [agent.Client.Start]: it runs an agent in this process.
func (w *world) start(socket string) error {
	w.starts.Add(1)
	s := &agent.Server{
		Socket: socket,
		Open: func(_ context.Context, o agent.Opening) (core.TokenStore, error) {
			w.opens.Add(1)
			if o.Name == "nothing" {
				return nil, fmt.Errorf("%w: %s", agent.ErrUnknownStore, o.Name)
			}
			return file.New(filepath.Join(w.dir, o.Name))
		},
	}
	if w.change != nil {
		w.change(s)
	}
	w.agents.Go(func() { w.ended <- s.Run(w.ctx) })
	return nil
}

func (w *world) client() *agent.Client { return &agent.Client{Dir: w.dir, Start: w.start} }

func (w *world) open(name string) core.TokenStore {
	w.t.Helper()
	s, err := w.client().Open(w.t.Context(), name, "")
	if err != nil {
		w.t.Fatalf("opening store %s: %v", name, err)
	}
	w.t.Cleanup(func() { _ = core.Full(s).Close() })
	return s
}

func TestConformance(t *testing.T) {
	w := newWorld(t, nil)
	var n atomic.Int32
	var mu sync.Mutex
	names := map[core.TokenStore]string{}
	open := func(t *testing.T, name string) core.TokenStore {
		s, err := w.client().Open(t.Context(), name, "")
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		names[s] = name
		mu.Unlock()
		return s
	}
	open(t, "first") // the agent stays; what it runs is not the store's
	storetest.Run(t,
		func(t *testing.T) core.TokenStore { return open(t, fmt.Sprintf("store-%d", n.Add(1))) },
		storetest.WithReopen(func(t *testing.T, first core.TokenStore) core.TokenStore {
			mu.Lock()
			name := names[first]
			mu.Unlock()
			return open(t, name)
		}))
	if got := w.starts.Load(); got != 1 {
		t.Errorf("%d agents were started, want 1", got)
	}
}

// However many processes find no agent, one starts it.
func TestOneAgentIsStarted(t *testing.T) {
	w := newWorld(t, nil)
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			s, err := w.client().Open(t.Context(), "same", "")
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := s.Load(t.Context(), "default"); !errors.Is(err, core.ErrNotFound) {
				t.Errorf("Load: %v, want core.ErrNotFound", err)
			}
			_ = core.Full(s).Close()
		})
	}
	wg.Wait()
	if got := w.starts.Load(); got != 1 {
		t.Errorf("%d agents were started, want 1", got)
	}
	if got := w.opens.Load(); got != 1 {
		t.Errorf("the store was opened %d times, want 1", got)
	}
}

func TestNoAgent(t *testing.T) {
	w := newWorld(t, nil)
	_, err := (&agent.Client{Dir: w.dir}).Open(t.Context(), "any", "")
	if !errors.Is(err, agent.ErrNoAgent) {
		t.Errorf("without a way to start one: %v, want ErrNoAgent", err)
	}
	failing := &agent.Client{Dir: w.dir, Start: func(string) error { return errors.New("no such program") }}
	if _, err := failing.Open(t.Context(), "any", ""); !errors.Is(err, agent.ErrNoAgent) || !strings.Contains(err.Error(), "no such program") {
		t.Errorf("with a start that fails: %v, want ErrNoAgent and the reason", err)
	}
	if err := (&agent.Client{Dir: w.dir}).Stop(t.Context()); err != nil {
		t.Errorf("Stop without an agent: %v, want no error", err)
	}
}

func TestUnknownStore(t *testing.T) {
	w := newWorld(t, nil)
	if _, err := w.client().Open(t.Context(), "nothing", ""); !errors.Is(err, agent.ErrUnknownStore) {
		t.Errorf("error %v, want ErrUnknownStore", err)
	}
	w.open("something") // the agent goes on
}

// The agent is idle for its time, and ends: files gone, and the next call starts
// another, over the same Store as well.
func TestIdleAgentEnds(t *testing.T) {
	w := newWorld(t, func(s *agent.Server) { s.Idle = 50 * time.Millisecond })
	s := w.open("one")
	r, err := s.Save(t.Context(), "default", core.Record{Data: []byte("kept")})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-w.ended; err != nil {
		t.Fatalf("the agent ended with %v", err)
	}
	socket, err := agent.Socket(w.dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(socket); err == nil {
		t.Error("the socket is still there")
	}
	got, err := s.Load(t.Context(), "default")
	if err != nil || string(got.Data) != "kept" || got.Revision != r.Revision {
		t.Errorf("Load by a new agent: %v, error %v, want the document", got, err)
	}
}

// A lock that is held keeps the agent from being idle, and is free when its holder
// is gone.
func TestLockKeepsTheAgent(t *testing.T) {
	w := newWorld(t, func(s *agent.Server) { s.Idle = 50 * time.Millisecond })
	l := w.open("one").(core.Locker)
	lease, err := l.Lock(t.Context(), "default")
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-w.ended:
		t.Error("the agent ended while a lock was held")
	case <-time.After(200 * time.Millisecond):
	}
	if err := lease.Release(); err != nil {
		t.Error(err)
	}
	if err := <-w.ended; err != nil {
		t.Error(err)
	}
}

func TestLockIsLostWithTheAgent(t *testing.T) {
	w := newWorld(t, nil)
	lease, err := w.open("one").(core.Locker).Lock(t.Context(), "default")
	if err != nil {
		t.Fatal(err)
	}
	w.cancel()
	select {
	case <-lease.Lost():
	case <-time.After(10 * time.Second):
		t.Fatal("the agent has ended, and its lock is not lost")
	}
	if err := lease.Release(); err != nil {
		t.Errorf("Release of a lock that was lost: %v", err)
	}
}

// A process that dies gives its lock back by dying.
func TestLockEndsWithItsHolder(t *testing.T) {
	w := newWorld(t, nil)
	s := w.open("one")
	socket, _ := agent.Socket(w.dir)
	holder, err := agent.DialSocket(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(holder, `{"v":2,"op":"lock","store":"one","key":"default"}`)
	if _, err := holder.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.(core.Locker).Lock(ctx, "default"); !errors.Is(err, core.ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while the holder lives: %v, want core.ErrLocked and its cause", err)
	}
	holder.Close()
	lease, err := s.(core.Locker).Lock(t.Context(), "default")
	if err != nil {
		t.Fatalf("after the holder died: %v", err)
	}
	_ = lease.Release()
}

// New settings: the stores are opened anew. A new executable: the agent makes way.
func TestChanges(t *testing.T) {
	var settings, executable string
	w := newWorld(t, func(s *agent.Server) { s.Watched, s.Executable = []string{settings}, executable })
	settings, executable = filepath.Join(w.dir, "config.toml"), filepath.Join(w.dir, "tokentoss-host")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(executable, "old")
	s := w.open("one")
	load := func() {
		t.Helper()
		if _, err := s.Load(t.Context(), "default"); !errors.Is(err, core.ErrNotFound) {
			t.Fatalf("Load: %v, want core.ErrNotFound", err)
		}
	}
	load()
	if got := w.opens.Load(); got != 1 {
		t.Fatalf("opened %d times, want 1", got)
	}
	write(settings, "agent_idle = '1h'")
	load()
	if got := w.opens.Load(); got != 2 {
		t.Errorf("opened %d times after a change of the settings, want 2", got)
	}
	write(executable, "newer")
	load()
	if got := w.starts.Load(); got != 2 {
		t.Errorf("%d agents after a change of the executable, want a second", got)
	}
	if err := <-w.ended; err != nil {
		t.Errorf("the old agent ended with %v", err)
	}
}

func TestStop(t *testing.T) {
	w := newWorld(t, nil)
	w.open("one")
	if err := w.client().Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-w.ended; err != nil {
		t.Error(err)
	}
	if got := w.starts.Load(); got != 1 {
		t.Errorf("Stop started an agent: %d", got)
	}
}

// Two agents for one directory: the second goes.
func TestSecondAgentGoes(t *testing.T) {
	w := newWorld(t, nil)
	w.open("one")
	socket, _ := agent.Socket(w.dir)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := (&agent.Server{Socket: socket}).Run(ctx); !errors.Is(err, agent.ErrRunning) {
		t.Errorf("a second agent: %v, want ErrRunning", err)
	}
	w.open("two") // the first still answers
}

// Garbage on the socket ends that connection, and nothing else.
func TestGarbage(t *testing.T) {
	w := newWorld(t, nil)
	s := w.open("one")
	socket, _ := agent.Socket(w.dir)
	for _, garbage := range []string{"\n", "not JSON\n", "[]\n", `{"v":2,"op":"fly","store":"one"}` + "\n", strings.Repeat("x", 3<<20)} {
		c, err := agent.DialSocket(t.Context(), socket)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte(garbage))
		_ = c.Close()
	}
	if _, err := s.Load(t.Context(), "default"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Load after garbage: %v, want core.ErrNotFound", err)
	}
}

// The document that comes with the opening is the first Load's, and only that.
func TestLoadedAhead(t *testing.T) {
	w := newWorld(t, nil)
	ctx := t.Context()
	first := w.open("one")
	r, err := first.Save(ctx, "default", core.Record{Data: []byte("first")})
	if err != nil {
		t.Fatal(err)
	}
	open := func() core.TokenStore {
		t.Helper()
		s, err := w.client().Open(ctx, "one", "default")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = core.Full(s).Close() })
		return s
	}
	want := func(what string, s core.TokenStore, key, data string) {
		t.Helper()
		got, err := s.Load(ctx, key)
		if data == "" && !errors.Is(err, core.ErrNotFound) || data != "" && string(got.Data) != data {
			t.Errorf("%s: %v, error %v, want %q", what, got, err, data)
		}
	}
	ahead, other, saved := open(), open(), open()
	if _, err := first.Save(ctx, "default", core.Record{Data: []byte("second"), Revision: r.Revision}); err != nil {
		t.Fatal(err)
	}
	want("the first Load", ahead, "default", "first")
	want("the second Load", ahead, "default", "second")
	want("the first Load, of another key", other, "work", "")
	want("a Load after it", other, "default", "second")
	if _, err := saved.Save(ctx, "default", core.Record{Data: []byte("third"), Revision: r.Revision}); !errors.Is(err, core.ErrConflict) {
		t.Errorf("Save from what came with the opening, which is old: %v, want core.ErrConflict", err)
	}
	want("a Load after that", saved, "default", "second")
}

// What a store may see of the environment is what its caller has, not what the first
// caller had when the agent was started.
func TestStoreSeesTheEnvironmentOfItsCaller(t *testing.T) {
	w := newWorld(t, func(s *agent.Server) {
		s.Open = func(_ context.Context, o agent.Opening) (core.TokenStore, error) {
			if len(o.Environ) == 0 {
				return nil, fmt.Errorf("%w: PGPASSWORD is not set", core.ErrRefused)
			}
			return &fixed{text: strings.Join(o.Environ, " ")}, nil
		}
	})
	load := func(environ ...string) (string, error) {
		c := w.client()
		c.Environ = environ
		s, err := c.Open(t.Context(), "pg", "")
		if err != nil {
			return "", err
		}
		defer core.Full(s).Close()
		r, err := s.Load(t.Context(), core.DefaultKey)
		return string(r.Data), err
	}
	if _, err := load(); !errors.Is(err, core.ErrRefused) {
		t.Errorf("without a password: error %v, want core.ErrRefused", err)
	}
	for _, environ := range []string{"PGPASSWORD=one", "PGPASSWORD=two", "PGPASSWORD=one"} {
		if got, err := load(environ); got != environ || err != nil {
			t.Errorf("with %s the store sees %q, error %v", environ, got, err)
		}
	}
	if got := w.starts.Load(); got != 1 {
		t.Errorf("%d agents were started, want 1", got)
	}
}

// A store is open for a few environments at a time, and no more.
func TestFewEnvironmentsAtATime(t *testing.T) {
	var open, most atomic.Int32
	w := newWorld(t, func(s *agent.Server) {
		s.Open = func(_ context.Context, o agent.Opening) (core.TokenStore, error) {
			most.Store(max(most.Load(), open.Add(1)))
			return &fixed{text: o.Environ[0], closed: func() { open.Add(-1) }}, nil
		}
	})
	for i := range 30 {
		c := w.client()
		c.Environ = []string{fmt.Sprintf("PGPASSWORD=%d", i)}
		s, err := c.Open(t.Context(), "pg", "")
		if err != nil {
			t.Fatal(err)
		}
		_ = core.Full(s).Close()
	}
	if got := most.Load(); got > 10 {
		t.Errorf("%d stores were open at a time", got)
	}
}

// A fixed is a store with one document for all keys.
type fixed struct {
	core.TokenStore
	text   string
	log    *slog.Logger
	closed func()
}

func (s *fixed) Load(ctx context.Context, _ string) (core.Record, error) {
	if s.log != nil {
		s.log.With("plugin", "pg").DebugContext(ctx, "loading", "rows", 1)
	}
	return core.Record{Data: []byte(s.text), Revision: "1"}, nil
}

func (s *fixed) Close() error {
	if s.closed != nil {
		s.closed()
	}
	return nil
}

// What a store logs goes to the callers who want to see it, and to no other.
func TestLogGoesToTheVerboseCaller(t *testing.T) {
	w := newWorld(t, func(s *agent.Server) {
		s.Open = func(_ context.Context, o agent.Opening) (core.TokenStore, error) {
			o.Log.Info("opening")
			return &fixed{text: "x", log: o.Log}, nil
		}
	})
	var out strings.Builder
	verbose, silent := w.client(), w.client()
	verbose.Log = slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, c := range []*agent.Client{verbose, silent, verbose} {
		s, err := c.Open(t.Context(), "pg", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Load(t.Context(), core.DefaultKey); err != nil {
			t.Errorf("Load: %v", err)
		}
		_ = core.Full(s).Close()
	}
	if got := strings.Count(out.String(), "msg=opening"); got != 1 {
		t.Errorf("the opening was shown %d times:\n%s", got, out.String())
	}
	if got := strings.Count(out.String(), "msg=loading plugin=pg rows=1"); got != 2 {
		t.Errorf("two calls of the verbose caller were shown %d times:\n%s", got, out.String())
	}
}
