package plugins_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
	"github.com/tokentoss/tokentoss/stores/file"
)

// A faultyConfig names what the store does when it is asked for a document.
type faultyConfig struct {
	Fault string `json:"fault"`
}

// faulty is the file store with a fault. It leaves the number of its process in its directory.
func faulty() plugins.Plugin {
	return plugins.Store(plugins.Info{Name: "faulty", Version: "v0.0.1", Locking: true, Listing: true},
		func(_ context.Context, o plugins.Opening[faultyConfig]) (core.TokenStore, error) {
			s, err := file.New(filepath.Join(o.Dir, "documents"))
			if err != nil {
				return nil, err
			}
			return &faultyStore{s, o.Config.Fault}, os.WriteFile(filepath.Join(o.Dir, "pid"), []byte(strconv.Itoa(os.Getpid())), 0o600)
		})
}

type faultyStore struct {
	*file.Store
	fault string
}

// Load implements [core.TokenStore].
func (s *faultyStore) Load(ctx context.Context, key string) (core.Record, error) {
	switch s.fault {
	case "exit":
		os.Exit(5)
	case "hang":
		select {}
	case "stop":
		stopProcess()
		select {} // until the other threads have stopped, too
	}
	return s.Store.Load(ctx, key)
}

// openFaulty starts the store in dir, and returns its process, too, which is gone after t.
func openFaulty(t *testing.T, dir, fault string, timeout time.Duration) (core.TokenStore, int) {
	t.Helper()
	h := &host.Host{Dir: t.TempDir(), Bundled: []plugins.Plugin{faulty()}}
	s, err := h.OpenStore(bounded(t), host.Use{Plugin: "faulty", Timeout: timeout, Request: plugins.Request{
		Dir: dir, Settings: fmt.Appendf(nil, `{"fault":%q}`, fault),
	}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = core.Full(s).Close()
		for ctx := bounded(t); alive(pid); time.Sleep(5 * time.Millisecond) {
			if ctx.Err() != nil {
				t.Fatalf("the plugin's process %d is still there", pid)
			}
		}
	})
	return s, pid
}

// TestStoreIsKilled: who holds a lock is told, the next call fails, and another process has
// the lock and what was saved.
func TestStoreIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, pid := openFaulty(t, dir, "", 0)
	saved, err := s.Save(bounded(t), "a", core.Record{Data: []byte(`{"n":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	lease, err := s.(core.Locker).Lock(bounded(t), "a")
	if err != nil {
		t.Fatal(err)
	}
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-lease.Lost():
	case <-bounded(t).Done():
		t.Fatal("nobody was told that the lock was lost")
	}
	if _, err := s.Load(bounded(t), "a"); !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("Load: %v", err)
	}
	again, _ := openFaulty(t, dir, "", 0)
	if lease, err = again.(core.Locker).Lock(bounded(t), "a"); err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(); err != nil {
		t.Error(err)
	}
	if got, err := again.Load(bounded(t), "a"); err != nil || got.Revision != saved.Revision || string(got.Data) != string(saved.Data) {
		t.Errorf("Load: %v, %v; saved was %v", got, err, saved)
	}
}

// TestStoreEndsInACall: the caller is told how it ended, at once.
func TestStoreEndsInACall(t *testing.T) {
	t.Parallel()
	s, _ := openFaulty(t, t.TempDir(), "exit", 0)
	if _, err := s.Load(bounded(t), "a"); !errors.Is(err, core.ErrUnavailable) || !strings.Contains(err.Error(), "exit status 5") {
		t.Errorf("Load: %v", err)
	}
}

// TestStoreHangs: a call has its timeout, whether the store or its whole process stands
// still, and what stands still ends with the store.
func TestStoreHangs(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"hang", "stop"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			s, _ := openFaulty(t, t.TempDir(), fault, 3*time.Second)
			_, err := s.Load(bounded(t), "a")
			if !errors.Is(err, core.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "no answer within 3s") {
				t.Errorf("Load: %v", err)
			}
		})
	}
}
