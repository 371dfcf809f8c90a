package privatefile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/windows"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// hold opens a file that others may share so far.
func hold(t *testing.T, path string, share uint32) *os.File {
	t.Helper()
	name, err := windows.UTF16PtrFromString(path)
	if err != nil {
		t.Fatal(err)
	}
	h, err := windows.CreateFile(name, windows.GENERIC_READ, share, nil, windows.OPEN_EXISTING, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(h), path)
	t.Cleanup(func() { f.Close() })
	return f
}

const (
	shareAll  = windows.FILE_SHARE_READ | windows.FILE_SHARE_WRITE | windows.FILE_SHARE_DELETE
	shareRead = windows.FILE_SHARE_READ
)

func create(t *testing.T, path, text string) {
	t.Helper()
	if err := privatefile.Create(t.Context(), path, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func wantText(t *testing.T, path, want string) {
	t.Helper()
	if data, _, err := privatefile.Read(path); err != nil || string(data) != want {
		t.Errorf("%s has %q, %v, want %q", path, data, err, want)
	}
}

// A file that is removed while somebody reads it is not there any more, and another one can
// have its name, which stays when the reader is done.
func TestRemovedWhileItIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	create(t, path, "old")
	reader := hold(t, path, shareAll)
	if err := privatefile.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, _, err := privatefile.Read(path); !errors.Is(err, fault.NotFound) {
		t.Errorf("Read of what was removed: %v, want fault.NotFound", err)
	}
	create(t, path, "new")
	old := make([]byte, 3)
	if _, err := reader.Read(old); err != nil || string(old) != "old" {
		t.Errorf("the reader has %q, %v", old, err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	wantText(t, path, "new")
}

// What a virus scanner has open without sharing it is replaced, set aside and removed when
// it is done; a reader of ours waits as well.
func TestScannersAreWaitedFor(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"replaced":  func(path string) error { return privatefile.Replace(path, []byte("new")) },
		"set aside": func(path string) error { _, err := privatefile.SetAside(path); return err },
		"removed":   privatefile.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "file")
			create(t, path, "old")
			scanner := hold(t, path, shareRead)
			time.AfterFunc(50*time.Millisecond, func() { scanner.Close() })
			if err := privatefile.Exclusively(t.Context(), path, func() error { return change(path) }); err != nil {
				t.Fatal(err)
			}
			if name == "replaced" {
				wantText(t, path, "new")
			} else if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("it is still there: %v", err)
			}
		})
	}
	t.Run("read", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "file")
		create(t, path, "old")
		scanner := hold(t, path, 0)
		time.AfterFunc(50*time.Millisecond, func() { scanner.Close() })
		wantText(t, path, "old")
	})
}

// What somebody keeps open without sharing it stays as it is, and that is said.
func TestHeldForGood(t *testing.T) {
	if windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil {
		t.Skip("Wine lets names be taken away from files that are not shared")
	}
	path := filepath.Join(t.TempDir(), "file")
	create(t, path, "old")
	hold(t, path, shareRead)
	for name, change := range map[string]func() error{
		"Replace": func() error { return privatefile.Replace(path, []byte("new")) },
		"Remove":  func() error { return privatefile.Remove(path) },
	} {
		err := privatefile.Exclusively(t.Context(), path, change)
		if !errors.Is(err, fault.ReadOnly) || fault.RemedyOf(err).String() == "" {
			t.Errorf("%s: %v, want fault.ReadOnly and a remedy", name, err)
		}
		wantText(t, path, "old")
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*.tmp-*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %q, %v", left, err)
	}
}

// A path may be longer than the 260 characters of old.
func TestLongPaths(t *testing.T) {
	dir := t.TempDir()
	for len(dir) < 400 {
		dir = filepath.Join(dir, "a-directory-with-a-name-of-some-length")
	}
	if err := privatefile.MakeDir(dir, true); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "file")
	create(t, path, "old")
	if err := privatefile.Exclusively(t.Context(), path, func() error { return privatefile.Replace(path, []byte("new")) }); err != nil {
		t.Fatal(err)
	}
	wantText(t, path, "new")
	unlock, err := privatefile.Lock(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := unlock(); err != nil {
		t.Fatal(err)
	}
	if err := privatefile.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// A device is no file, whatever directory its name stands in.
func TestReservedNames(t *testing.T) {
	for _, name := range []string{"NUL", "nul", "CON", "con.json", "COM1", "aux"} {
		path := filepath.Join(t.TempDir(), name)
		if err := privatefile.Create(t.Context(), path, []byte("text")); err == nil {
			t.Errorf("Create(%q) says that it is kept", name)
		}
		if data, _, err := privatefile.Read(path); err == nil {
			t.Errorf("Read(%q) = %q", name, data)
		}
	}
}
