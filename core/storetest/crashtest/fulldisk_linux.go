package crashtest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

const (
	page = 4096

	// diskPages and diskFiles are what the small disk has room for.
	diskPages = 64
	diskFiles = 64

	// enough is how much room a refresh needs, of either.
	enough = 6
)

// FullDisk has processes refresh a session over the store that open opens at a directory, on
// a disk that has no room, and a little more room each time: for data, and for files. Each
// must get its token, leave the old session or the new one, and be in nobody's way when
// there is room again. It needs root, who may mount such a disk, and runs alone: processes
// that others start hold open files until they run their program.
func FullDisk(t *testing.T, open func(t *testing.T, dir string) core.TokenStore) {
	if os.Geteuid() != 0 {
		t.Skip("only root can mount a small disk")
	}
	dir := filepath.Join(t.TempDir(), "tokentoss")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,nr_inodes=%d,mode=0700", diskPages*page, diskFiles)); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	k, end := signedIn(t, dir, open(t, dir))
	defer end()
	k.live()
	for what, fill := range map[string]func(dir string, room int) error{"pages": fillPages, "files": fillFiles} {
		saved := 0
		for room := range enough + 1 {
			ballast := filepath.Join(dir, "ballast")
			k.must(os.Mkdir(ballast, 0o700))
			k.must(fill(ballast, room))
			cmd, stderr := k.command()
			k.start(cmd)
			err := cmd.Wait()
			before := k.session.Generation
			k.check()
			switch now := k.session.Generation; {
			case err != nil:
				t.Fatalf("with room for %d %s: %v: %s", room, what, err, stderr)
			case now > before:
				saved++
			case !bytes.Contains(stderr.Bytes(), []byte("could not be saved")):
				t.Errorf("with room for %d %s nothing was saved, and nothing said: %s", room, what, stderr)
			}
			k.must(os.RemoveAll(ballast))
			k.live()
		}
		if saved == 0 || saved > enough {
			t.Errorf("%d of %d processes saved with little room for %s; the test tests nothing", saved, enough+1, what)
		}
	}
}

// fillPages writes all data that there is room for, but for some pages.
func fillPages(dir string, room int) error {
	f, err := os.Create(filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	defer f.Close()
	size := int64(0)
	for ; ; size += page {
		if _, err := f.WriteAt(make([]byte, page), size); errors.Is(err, syscall.ENOSPC) {
			break
		} else if err != nil {
			return err
		}
	}
	return f.Truncate(max(0, size-int64(room)*page))
}

// fillFiles makes all files that there is room for, but for some.
func fillFiles(dir string, room int) error {
	n := 0
	for ; ; n++ {
		err := os.WriteFile(filepath.Join(dir, fmt.Sprint(n)), nil, 0o600)
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		if err != nil {
			return err
		}
	}
	for i := range min(n, room) {
		if err := os.Remove(filepath.Join(dir, fmt.Sprint(i))); err != nil {
			return err
		}
	}
	return nil
}
