package crashtest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

// PowerCut records the system calls of a process that saves, over the store that open opens
// at a directory, and of one that refreshes a session; and looks at every disk that a power
// cut between two of them could have left. There must be the old document or the new one,
// where there was none none or the new one, and once the process has been told that it is
// saved, the new one. It needs strace, and is skipped where that may not trace.
//
// The disk is one that keeps nothing that was not asked for: what was written to a file is
// there, is not, or half of it is, until fsync of the file; and a name is there or not,
// independently of all others, until fsync of its directory.
func PowerCut(t *testing.T, open func(t *testing.T, dir string) core.TokenStore) {
	t.Run("first save", func(t *testing.T) {
		dir := t.TempDir()
		document := bytes.Repeat([]byte("the first document "), 500)
		record(t, errand{Place: dir, Document: document}, dir).replay(t, func(t *testing.T, dir string, saved bool) {
			r, err := open(t, dir).Load(t.Context(), core.DefaultKey)
			switch {
			case errors.Is(err, core.ErrNotFound) && !saved, err == nil && bytes.Equal(r.Data, document):
			default:
				t.Errorf("saved: %t; there is %.40q, %v", saved, r.Data, err)
			}
		})
	})
	t.Run("refresh", func(t *testing.T) {
		dir := t.TempDir()
		k, end := signedIn(t, dir, open(t, dir))
		defer end()
		load := func(dir string) ([]byte, error) {
			r, err := open(t, dir).Load(t.Context(), core.DefaultKey)
			return r.Data, err
		}
		before, err := load(dir)
		k.must(err)
		disk := record(t, k.errand(), dir)
		k.check()
		after, err := load(dir)
		k.must(err)
		if bytes.Equal(before, after) {
			t.Fatal("the refresh saved nothing")
		}
		disk.replay(t, func(t *testing.T, dir string, saved bool) {
			if now, err := load(dir); err != nil || !bytes.Equal(now, after) && (saved || !bytes.Equal(now, before)) {
				t.Errorf("saved: %t; there is neither the old session nor the new one: %v", saved, err)
			}
		})
	})
}

// record runs an errand and returns the disk below dir, as it was before, with what the
// errand did to it.
func record(t *testing.T, e errand, dir string) *disk {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	d := readDisk(t, dir)
	log := filepath.Join(t.TempDir(), "log")
	cmd := e.command(t)
	cmd.Args = []string{strace, "-f", "-y", "-xx", "-s", "10000000", "-e", "trace=file,desc", "-o", log, cmd.Path}
	cmd.Path = strace
	if out, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(strings.ToLower(string(out)), "ptrace") {
			t.Skipf("strace may not trace here: %s", out)
		}
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range parseCalls(string(data)) {
		if err := d.note(c); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// replay calls check for each disk that a power cut could leave: before each of the calls,
// and, with saved, after them all.
func (d *disk) replay(t *testing.T, check func(t *testing.T, dir string, saved bool)) {
	t.Helper()
	disks, writes := 0, 0
	seen := map[string]bool{}
	for cut := range len(d.changes) + 1 {
		saved := cut == len(d.changes)
		if !saved && d.changes[cut].kind == write {
			writes++
		}
		for _, state := range d.states(cut) {
			name := state.String()
			if seen[name] && !saved {
				continue
			}
			seen[name] = true
			disks++
			dir := t.TempDir()
			if err := state.write(dir); err != nil {
				t.Fatal(err)
			}
			if check(t, dir, saved); t.Failed() {
				t.Fatalf("after %d of %d changes, with what is on the disk: %s", cut, len(d.changes), state.names())
			}
		}
	}
	if writes == 0 {
		t.Fatal("nothing was written; the test tests nothing")
	}
	t.Logf("%d changes, %d disks", len(d.changes), disks)
}
