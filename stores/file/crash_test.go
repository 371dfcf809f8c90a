package file_test

import (
	"bufio"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest/crashtest"
)

// A process that is killed while it saves leaves the old document or the
// new one, private and whole, and never loses one whose Save returned. The next
// save removes what was left unfinished.
func TestKilledWhileSaving(t *testing.T) {
	t.Parallel()
	needChild(t)
	kills := 150                                      // in each of two directories
	if testing.Short() || runtime.GOOS == "windows" { // where a process takes its time to begin
		kills = 20
	}
	var wg sync.WaitGroup
	for range 2 {
		dir := t.TempDir()
		wg.Go(func() {
			for range kills {
				if !killOneSaver(t, dir) {
					return
				}
			}
		})
	}
	wg.Wait()
}

// A process that is killed at any moment of a refresh leaves the session that was there, or
// the next one, and no lock.
func TestKilledRefresh(t *testing.T) {
	t.Parallel()
	needChild(t)
	dir := t.TempDir()
	crashtest.Kill(t, crashtest.Rounds(t), dir, newStore(t, dir))
	wantNoTemps(t, dir)
}

// A power cut leaves the old session or the new one.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	needChild(t)
	crashtest.PowerCut(t, func(t *testing.T, dir string) core.TokenStore { return newStore(t, dir) })
}

// killOneSaver starts a process that saves in a loop, kills it at a random
// moment and looks at what it left.
func killOneSaver(t *testing.T, dir string) bool {
	s := newStore(t, dir)
	before, err := s.Load(t.Context(), core.DefaultKey)
	if errors.Is(err, core.ErrNotFound) {
		before, err = s.Save(t.Context(), core.DefaultKey, core.Record{Data: document(0)})
	}
	if err != nil {
		t.Errorf("before the kill: %v", err)
		return false
	}
	cmd := command(t, "save-loop", dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Error(err)
		return false
	}
	lines := bufio.NewScanner(out)
	lines.Scan() // it is running
	last := lines.Text()
	timer := time.AfterFunc(rand.N(4*time.Millisecond), func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	for lines.Scan() {
		last = lines.Text()
	}
	_ = cmd.Wait()
	if !killed(cmd.ProcessState) {
		t.Errorf("the child ended by itself: %v", cmd.ProcessState)
		return false
	}

	after, err := s.Load(t.Context(), core.DefaultKey)
	if err != nil {
		t.Errorf("after the kill: %v", err)
		return false
	}
	n, err := number(after.Data)
	acknowledged, _ := strconv.Atoi(last)
	if err != nil || n < acknowledged || n > acknowledged+1 {
		t.Errorf("after the kill there is document %d (%v), want %d, which was saved, or the next", n, err, acknowledged)
	}
	if before.Revision == after.Revision {
		t.Error("the child saved nothing; the test tests nothing")
	}
	wantMode(t, s.Path(core.DefaultKey), 0o600)
	if _, err := s.Save(t.Context(), core.DefaultKey, core.Record{Data: document(n + 1), Revision: after.Revision}); err != nil {
		t.Errorf("Save after the kill: %v", err)
	}
	wantNoTemps(t, dir)
	return !t.Failed()
}

// Unfinished files of killed writers go with the next save and with Delete,
// since there may be tokens in them. Files of others stay.
func TestUnfinishedFilesAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newStore(t, dir)
	leave := func() {
		must(t, os.WriteFile(filepath.Join(dir, ".tokens.json.tmp-LEFTOVER"), []byte("half"), 0o600))
	}
	other := filepath.Join(dir, ".config.toml.tmp-1")
	must(t, os.WriteFile(other, nil, 0o600))
	leave()
	save(t, s, "", []byte("x"))
	if _, err := os.Stat(filepath.Join(dir, ".tokens.json.tmp-LEFTOVER")); err == nil {
		t.Error("Save has left what a killed writer did not finish")
	}
	for range 2 { // with a document and without
		leave()
		must(t, s.Delete(bounded(t), core.DefaultKey))
		if _, err := os.Stat(filepath.Join(dir, ".tokens.json.tmp-LEFTOVER")); err == nil {
			t.Error("Delete has left what a killed writer did not finish")
		}
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("a file that is not the store's is gone: %v", err)
	}
}

// When the holder of the lock is killed, the next one has it at once.
func TestHolderIsKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newStore(t, dir)
	cmd, _ := startHolder(t, dir)
	wantHeld(t, s)
	must(t, cmd.Process.Kill())
	held, err := s.Lock(bounded(t), core.DefaultKey)
	if err != nil {
		t.Fatalf("Lock after its holder was killed: %v", err)
	}
	must(t, held.Release())
}

// wantHeld checks that somebody else has the lock, and what the error says.
func wantHeld(t *testing.T, s core.Locker) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := s.Lock(ctx, core.DefaultKey)
	if !errors.Is(err, core.ErrLocked) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), ".tokens.json.lock") {
		t.Errorf("Lock: error is %v, want core.ErrLocked, the deadline and the file that is locked", err)
	}
}
