package host_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
)

// TestStart has plugins that do not get as far as answering.
func TestStart(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"start-exits": "it ended at once, with exit status 7", "start-exits-0": "it ended at once, with exit status 0",
		"start-panics": "it crashed at its start: panic: with [secret]", "start-killed": "it ended at once, with signal: killed",
		"start-babbles": "no plugin of tokentoss's", "start-floods": "", "start-fields": "no plugin of tokentoss's",
		"start-version": "another version of the protocol", "start-core": "another version of the protocol",
		"start-netrpc": "", "start-nowhere": "", "start-bad-cert": "", "start-plain": "", "start-closes": "",
		"start-litters": "it ended at once, with exit status 3", "start-json": "it ended at once, with exit status 9",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, evil(name))
			_, err := s.host.OpenStore(bounded(t), host.Use{Plugin: name, Request: plugins.Request{Dir: s.dir}})
			wantError(t, err, core.ErrUnavailable, want)
		})
	}
}

// TestStartHangs: the start has a deadline of its own, and heeds the caller's.
func TestStartHangs(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"start-hangs", "start-deaf"} {
		s := newScene(t, evil(name))
		use := host.Use{Plugin: name, Request: plugins.Request{Dir: s.dir}}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := s.host.OpenStore(bounded(t), use)
			wantError(t, err, core.ErrUnavailable, "it did not answer within 10s")
		})
		t.Run(name+"-canceled", func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), short)
			defer cancel()
			_, err := s.host.OpenStore(ctx, use)
			wantError(t, err, core.ErrUnavailable, "it had not started")
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("error %v is not the context's", err)
			}
		})
		t.Run(name+"-canceled-before", func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			_, err := s.host.OpenStore(ctx, use)
			wantError(t, err, core.ErrUnavailable, "it had not started")
			if !errors.Is(err, context.Canceled) {
				t.Errorf("error %v is not the context's", err)
			}
		})
	}
}

// methods call each method of a store.
var methods = map[string]func(context.Context, core.TokenStore) error{
	"load": func(ctx context.Context, s core.TokenStore) error { _, err := s.Load(ctx, "a"); return err },
	"save": func(ctx context.Context, s core.TokenStore) error {
		_, err := s.Save(ctx, "a", core.Record{Data: []byte("{}")})
		return err
	},
	"list": func(ctx context.Context, s core.TokenStore) error { _, err := s.(core.Lister).List(ctx); return err },
	"lock": func(ctx context.Context, s core.TokenStore) error {
		_, err := s.(core.Locker).Lock(ctx, "a")
		return err
	},
}

// TestEnds has plugins that end in the middle of a call. The caller is told at
// once, the next call as well, and Close is no error.
func TestEnds(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		"kill": "with signal: killed", "exit": "with exit status 5", "panic": "it crashed: panic: with [secret]",
	} {
		for method, call := range methods {
			t.Run(fault+"/"+method, func(t *testing.T) {
				t.Parallel()
				s := newScene(t, evil("evil"))
				store := s.open(t, s.use(method, fault))
				wantError(t, call(bounded(t), store), core.ErrUnavailable, want)
				wantError(t, call(bounded(t), store), core.ErrUnavailable, "")
				if err := closeStore(store); err != nil {
					t.Errorf("Close: %v", err)
				}
				s.wantGone(t)
			})
		}
		t.Run(fault+"/open", func(t *testing.T) {
			t.Parallel()
			s := newScene(t, evil("evil"))
			_, err := s.host.OpenStore(bounded(t), s.use("open", fault))
			wantError(t, err, core.ErrUnavailable, want)
			s.wantGone(t)
		})
		t.Run(fault+"/close", func(t *testing.T) {
			t.Parallel()
			s := newScene(t, evil("evil"))
			if err := closeStore(s.open(t, s.use("close", fault))); err != nil {
				t.Errorf("Close of one that is gone: %v", err)
			}
			s.wantGone(t)
		})
	}
}

// TestHangs has plugins that do not return from a call.
func TestHangs(t *testing.T) {
	t.Parallel()
	for method, call := range methods {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, evil("evil"))
			use := s.use(method, "hang")
			use.Timeout = short
			store := s.open(t, use)
			if method != "lock" { // which may wait, as long as its context
				err := call(bounded(t), store)
				wantError(t, err, core.ErrUnavailable, method+": no answer within "+short.String())
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v says nothing of a deadline", err)
				}
			}
			ctx, cancel := context.WithTimeout(bounded(t), short/2)
			defer cancel()
			if err := call(ctx, store); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, core.ErrLocked) && method == "lock" {
				t.Errorf("with the caller's deadline: %v", err)
			}
		})
	}
	t.Run("open", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, evil("evil"))
		use := s.use("open", "hang")
		use.Timeout = short
		_, err := s.host.OpenStore(bounded(t), use)
		wantError(t, err, core.ErrUnavailable, "open: no answer within "+short.String())
		s.wantGone(t)
	})
	t.Run("open-canceled", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, evil("evil"))
		ctx, cancel := context.WithCancel(bounded(t))
		defer cancel()
		opened := make(chan error, 1)
		go func() {
			_, err := s.host.OpenStore(ctx, s.use("open", "hang"))
			opened <- err
		}()
		eventually(t, "the store is being opened", func() bool { _, err := os.Lstat(filepath.Join(s.dir, "where")); return err == nil })
		cancel()
		if err := <-opened; !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want the context's", err)
		}
	})
	t.Run("close", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, evil("evil"))
		err := closeStore(s.open(t, s.use("close", "hang")))
		wantError(t, err, core.ErrUnavailable, "close: no answer within 5s")
		s.wantGone(t)
	})
	t.Run("release", func(t *testing.T) {
		t.Parallel()
		s := newScene(t, evil("evil"))
		store := s.open(t, s.use("release", "hang"))
		lease, err := store.(core.Locker).Lock(bounded(t), "a")
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, lease.Release(), core.ErrUnavailable, "release: no answer within 5s")
	})
}

// TestStopped has a process that is stopped by the system: it answers nothing,
// and does not end by being asked.
func TestStopped(t *testing.T) {
	t.Parallel()
	s := newScene(t, evil("evil"))
	use := s.use("", "")
	use.Timeout = short
	store := s.open(t, use)
	pid, _ := s.where(t)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all threads are stopped", func() bool { return allStopped(t, pid) })
	_, err := store.Load(bounded(t), "a")
	wantError(t, err, core.ErrUnavailable, "no answer within")
	wantError(t, closeStore(store), core.ErrUnavailable, "close: no answer")
	s.wantGone(t)
}

func allStopped(t *testing.T, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("the process has the threads %q, %v", threads, err)
	}
	for _, path := range threads {
		stat, err := os.ReadFile(path)
		if err == nil && !bytes.Contains(stat, []byte(") T ")) {
			return false
		}
	}
	return true
}

// TestKilled kills a process from outside, while a lock is held.
func TestKilled(t *testing.T) {
	t.Parallel()
	s := newScene(t, evil("evil"))
	store := s.open(t, s.use("", ""))
	lease, err := store.(core.Locker).Lock(bounded(t), "a")
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-lease.Lost():
		t.Fatal("the lock is lost at once")
	default:
	}
	pid, _ := s.where(t)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-lease.Lost():
	case <-bounded(t).Done():
		t.Fatal("nobody was told that the lock was lost")
	}
	if err := lease.Release(); err != nil {
		t.Errorf("Release of a lost lock: %v", err)
	}
	_, err = store.Load(bounded(t), "a")
	wantError(t, err, core.ErrUnavailable, "with signal: killed")
	// Another process can have the lock at once.
	again := s.open(t, s.use("", ""))
	other, err := again.(core.Locker).Lock(bounded(t), "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Release(); err != nil {
		t.Error(err)
	}
}

// TestKilledWhileSaving: what was saved before is still there.
func TestKilledWhileSaving(t *testing.T) {
	t.Parallel()
	s := newScene(t, evil("evil"))
	first := s.open(t, s.use("", ""))
	saved, err := first.Save(bounded(t), "a", core.Record{Data: []byte(`{"n":1}`)})
	if err != nil {
		t.Fatal(err)
	}
	if err := closeStore(first); err != nil {
		t.Fatal(err)
	}
	_, err = s.open(t, s.use("save", "kill")).Save(bounded(t), "a", core.Record{Data: []byte(`{"n":2}`), Revision: saved.Revision})
	wantError(t, err, core.ErrUnavailable, "save: it ended, with signal: killed")
	got, err := s.open(t, s.use("", "")).Load(bounded(t), "a")
	if err != nil || string(got.Data) != `{"n":1}` || got.Revision != saved.Revision {
		t.Errorf("it is %v, %v now, was %v", got, err, saved)
	}
}

// TestOutput has plugins that print what they like and go on working.
func TestOutput(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"babble", "json"} {
		for _, method := range []string{"open", "load"} {
			t.Run(fault+"/"+method, func(t *testing.T) {
				t.Parallel()
				s := newScene(t, evil("evil"))
				store := s.open(t, s.use(method, fault))
				if _, err := store.Load(bounded(t), "a"); !errors.Is(err, core.ErrNotFound) {
					t.Errorf("Load: %v", err)
				}
				if err := closeStore(store); err != nil {
					t.Errorf("Close: %v", err)
				}
				log := s.log.String()
				if lines := strings.Count(log, "\n"); lines > 20_000 || len(log) > 8<<20 {
					t.Errorf("%d lines, %d bytes were logged", lines, len(log))
				}
				if fault == "babble" && !strings.Contains(log, "lines of the plugin were left out") {
					t.Error("nobody is told that lines were left out")
				}
				if fault == "json" && !strings.Contains(log, `level=ERROR msg="plugin evil: m"`) {
					t.Error("a log record of the plugin is not one of the host")
				}
			})
		}
	}
}

// TestGrandchild has a plugin that leaves a child with its pipes: it is of the
// group, and ends with it.
func TestGrandchild(t *testing.T) {
	t.Parallel()
	s := newScene(t, evil("evil"))
	store := s.open(t, s.use("load", "grandchild"))
	if _, err := store.Load(bounded(t), "a"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("Load: %v", err)
	}
	if err := closeStore(store); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// TestGiants: what is too large is an error of the call, and no more.
func TestGiants(t *testing.T) {
	t.Parallel()
	s := newScene(t, evil("evil"))
	store := s.open(t, s.use("load", "giant"))
	_, err := store.Load(bounded(t), "a")
	wantError(t, err, core.ErrUnavailable, "its answer has more than")
	if _, err := store.Save(bounded(t), "a", core.Record{Data: make([]byte, 64<<20)}); !errors.Is(err, core.ErrTooLarge) {
		t.Errorf("Save of 64 MiB: %v", err)
	}
	if _, err := store.Save(bounded(t), strings.Repeat("k", 5<<20), core.Record{}); !errors.Is(err, core.ErrTooLarge) {
		t.Errorf("Save with a key of 5 MiB: %v", err)
	}
	for _, bad := range []string{"\xff", "a\xffb"} {
		_, err := store.Load(bounded(t), bad)
		_, lockErr := store.(core.Locker).Lock(bounded(t), bad)
		if !errors.Is(err, core.ErrBadKey) || !errors.Is(lockErr, core.ErrBadKey) || !errors.Is(core.Full(store).Check(bounded(t), bad), core.ErrBadKey) {
			t.Errorf("key %q: %v, %v", bad, err, lockErr)
		}
	}
	if _, err := store.(core.Lister).List(bounded(t)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
