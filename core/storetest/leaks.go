package storetest

import (
	"context"
	"os"
	"regexp"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
)

// settleTime is how long what a call began may take to end after it, on a busy machine.
const settleTime = 10 * time.Second

// An operation is a call whose outcome does not matter, only what it leaves behind.
type operation struct {
	name string
	call func(ctx context.Context, k *kit, s *guarded)
}

func operations() []operation {
	return []operation{
		{"Open", func(context.Context, *kit, *guarded) {}},
		{"Load", func(ctx context.Context, _ *kit, s *guarded) { _, _ = s.Load(ctx, key) }},
		{"Load of nothing", func(ctx context.Context, _ *kit, s *guarded) { _, _ = s.Load(ctx, otherKey) }},
		{"Save", func(ctx context.Context, _ *kit, s *guarded) {
			r, _ := s.Load(ctx, key)
			_, _ = s.Save(ctx, key, core.Record{Data: []byte("next"), Revision: r.Revision})
		}},
		{"Save that conflicts", func(ctx context.Context, _ *kit, s *guarded) {
			_, _ = s.Save(ctx, key, core.Record{Data: []byte("next"), Revision: "no-such-revision"})
		}},
		{"Delete", func(ctx context.Context, _ *kit, s *guarded) { _ = s.Delete(ctx, otherKey) }},
		{"Check", func(ctx context.Context, _ *kit, s *guarded) { _ = core.Full(s.TokenStore).Check(ctx, key) }},
		{"List", func(ctx context.Context, k *kit, s *guarded) {
			if s.lists() && k.noListing == "" {
				_, _ = s.list(ctx)
			}
		}},
		{"Lock and Release", func(ctx context.Context, k *kit, s *guarded) {
			if !s.locks() || k.noLocking != "" {
				return
			}
			if held, err := s.lock(ctx, key); err == nil {
				_ = held.Release()
			}
		}},
		{"Lock that waits in vain", func(ctx context.Context, k *kit, s *guarded) {
			if !s.locks() || k.noLocking != "" {
				return
			}
			held, err := s.lock(ctx, key)
			if err != nil {
				return
			}
			short, cancel := context.WithTimeout(ctx, shortWait/10)
			defer cancel()
			if second, err := s.lock(short, key); err == nil {
				_ = second.Release()
			}
			_ = held.Release()
		}},
	}
}

// leakChecks call each part of a store several times and look for goroutines and open
// files that grow with the calls, or outlive the store.
func leakChecks() []check {
	list := []check{{"Once", checkWarm}}
	for _, op := range operations() {
		list = append(list, check{op.name, func(t *testing.T, k *kit) { k.checkLeaks(t, op) }})
	}
	return list
}

// checkWarm uses all once: what a process opens for good is no leak of any call.
func checkWarm(t *testing.T, k *kit) {
	s := k.store(t)
	k.save(t, s, key, "", []byte("first"))
	for _, op := range operations() {
		op.call(k.ctx(t), k, s)
	}
}

func (k *kit) checkLeaks(t *testing.T, op operation) {
	// A file that nobody closes is closed when it is collected, which hides it.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	calls := 2 + k.rounds
	known := goleak.IgnoreCurrent()
	files := openFiles()
	t.Run("use", func(t *testing.T) {
		s := k.store(t)
		k.save(t, s, key, "", []byte("first"))
		op.call(k.ctx(t), k, s)
		// What was still ending when they were counted must not hide one: half is enough.
		most := (calls + 1) / 2
		batch := func() (left string) {
			routines, open := runtime.NumGoroutine(), openFiles()
			for range calls {
				op.call(k.ctx(t), k, s)
			}
			if !settles(func() bool { return runtime.NumGoroutine() < routines+most }) {
				return "leaves a goroutine behind"
			}
			if !settles(func() bool { return openFiles() < open+most }) {
				return "leaves a file or connection open"
			}
			return ""
		}
		if batch() == "" {
			return
		}
		// It may have been something that is opened once, such as a connection to another
		// server: then it is not opened again.
		if left := batch(); left != "" {
			k.fail(t, "%s %s, each time", op.name, left)
		}
	})
	if t.Failed() || k.broken {
		return
	}
	var left error
	if !settles(func() bool { left = goleak.Find(known); return left == nil }) {
		k.fail(t, "after %s and Close, a goroutine is left over%s", op.name, where(left.Error()))
	}
	if !settles(func() bool { return openFiles() <= files }) {
		k.fail(t, "after %s and Close, a file or connection is left open", op.name)
	}
}

// settles waits until ok, and tells whether that came.
func settles(ok func() bool) bool {
	for deadline := time.Now().Add(settleTime); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

// openFiles counts the files and sockets that this process has open, where the system
// tells; otherwise it is 0.
func openFiles() int {
	if runtime.GOOS == "windows" {
		return 0 // Wine shows the directory, with files of its own in it
	}
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	return len(names)
}

var onTop = regexp.MustCompile(`with (\S+) on top of the stack`)

// where names the function that a goroutine is in.
func where(leak string) string {
	if m := onTop.FindStringSubmatch(leak); m != nil {
		return ", in " + m[1]
	}
	return ""
}
