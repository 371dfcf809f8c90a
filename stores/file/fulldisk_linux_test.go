package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest/crashtest"
)

// On a disk without room, or with a little, a refresh gives its token and leaves the old
// session or the new one.
func TestRefreshOnAFullDisk(t *testing.T) {
	crashtest.FullDisk(t, func(t *testing.T, dir string) core.TokenStore { return newStore(t, dir) })
}

// On a full disk the old document stays, nothing unfinished is left, and
// when there is room again the new one is saved. The test runs alone: processes
// that others start hold our open files until they run their program, and the
// space of a file that is removed is free only after that.
func TestFullDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tokentoss")
	must(t, os.Mkdir(dir, 0o700))
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16k,mode=0700"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	s := newStore(t, dir)
	old := save(t, s, "", []byte("old"))
	for range 3 { // what one of them left would make the next fail otherwise
		wantNotSaved(t, s, old, make([]byte, 16<<10), syscall.ENOSPC)
	}
	ballast, err := os.Create(filepath.Join(dir, "ballast"))
	must(t, err)
	if _, err := ballast.Write(make([]byte, 64<<10)); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	must(t, ballast.Close())
	wantNotSaved(t, s, old, []byte("new"), syscall.ENOSPC)
	must(t, os.Remove(filepath.Join(dir, "ballast")))
	save(t, s, old.Revision, []byte("new"))

	must(t, syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	wantNotSaved(t, s, wantDoc(t, s, "new"), []byte("newer"), syscall.EROFS)
}
