//go:build unix

package privatefile_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
)

// TestCreate: a new file is private, and one that is there is left alone.
func TestCreate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	must(t, privatefile.Create(t.Context(), path, []byte("one")))
	wantMode(t, path, 0o600)
	if err := privatefile.Create(t.Context(), path, []byte("two")); !errors.Is(err, fault.Conflict) {
		t.Errorf("error %v, want fault.Conflict", err)
	}
	wantText(t, path, "one")
	wantNoLeftovers(t, filepath.Dir(path))
}

// TestSetAside: a file that stands in the way is kept, private, under another name. What
// is no file is not ours to move.
func TestSetAside(t *testing.T) {
	t.Parallel()
	path := write(t, filepath.Join(t.TempDir(), "f"), "old", 0o644)
	first, err := privatefile.SetAside(path)
	must(t, err)
	wantText(t, first, "old")
	wantMode(t, first, 0o600)
	must(t, os.Symlink("f", write(t, path, "new", 0o600)+".link"))
	second, err := privatefile.SetAside(path)
	if err != nil || first == second {
		t.Errorf("SetAside in the same second: %s, %v", second, err)
	}
	if link, err := privatefile.SetAside(path + ".link"); err != nil || link == path+".link" {
		t.Errorf("SetAside of a link: %s, %v", link, err)
	}
	for _, make := range []func(path string, mode uint32) error{syscall.Mkfifo, syscall.Mkdir} {
		other := filepath.Join(t.TempDir(), "other")
		must(t, make(other, 0o700))
		if _, err := privatefile.SetAside(other); !errors.Is(err, fault.Corrupt) {
			t.Errorf("SetAside of what is no file: error %v, want fault.Corrupt", err)
		}
		if _, err := os.Lstat(other); err != nil {
			t.Errorf("it was moved: %v", err)
		}
	}
	if _, err := privatefile.SetAside(path); !errors.Is(err, fault.NotFound) {
		t.Errorf("SetAside of nothing: error %v, want fault.NotFound", err)
	}
}

// set makes an edit that sets the text.
func set(text string) func([]byte) ([]byte, error) {
	return func([]byte) ([]byte, error) { return []byte(text), nil }
}

// TestEditKeepsModeAndLink: a file that a person edits is written where it is, and keeps
// its mode; one that did not exist is private.
func TestEditKeepsModeAndLink(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	real := write(t, filepath.Join(dir(t, filepath.Join(base, "dotfiles"), 0o755), "f"), "old", 0o644)
	path := link(t, "dotfiles/f", filepath.Join(base, "f"))
	must(t, privatefile.Edit(t.Context(), path, set("new")))
	if target, err := os.Readlink(path); err != nil || target != "dotfiles/f" {
		t.Errorf("the link is %q, %v", target, err)
	}
	wantText(t, real, "new")
	wantMode(t, real, 0o644)
	wantNoLeftovers(t, filepath.Dir(real))

	fresh := filepath.Join(base, "made", "f")
	must(t, privatefile.Edit(t.Context(), fresh, set("new")))
	wantMode(t, fresh, 0o600)
	wantMode(t, filepath.Dir(fresh), 0o700)

	dangling := link(t, "dotfiles/later", filepath.Join(base, "g"))
	must(t, privatefile.Edit(t.Context(), dangling, set("new")))
	wantText(t, filepath.Join(base, "dotfiles", "later"), "new")
}

// TestEditRefuses: nothing is written where a file would be refused, or where the person
// said no.
func TestEditRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range strangers() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "f")
			s.make(t, path)
			before, _ := os.Lstat(path)
			if err := inTime(t, func() error { return privatefile.Edit(t.Context(), path, set("new")) }); err == nil {
				t.Error("no error")
			}
			if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) || after.Size() != before.Size() {
				t.Errorf("it was changed: %v", err)
			}
		})
	}
	path := write(t, filepath.Join(t.TempDir(), "f"), "old", 0o444)
	if err := privatefile.Edit(t.Context(), path, set("new")); !errors.Is(err, fault.ReadOnly) {
		t.Errorf("a read-only file: error %v, want fault.ReadOnly", err)
	}
	must(t, privatefile.Edit(t.Context(), path, set("old"))) // which changes nothing
	no := errors.New("no")
	if err := privatefile.Edit(t.Context(), path, func([]byte) ([]byte, error) { return nil, no }); err != no {
		t.Errorf("error %v, want that of the change", err)
	}
	wantText(t, path, "old")
}

// TestEditsTogether: edits see each other's outcome.
func TestEditsTogether(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	var edits sync.WaitGroup
	for range 8 {
		edits.Go(func() {
			err := privatefile.Edit(context.Background(), path, func(old []byte) ([]byte, error) { return append(old, 'x'), nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	edits.Wait()
	wantText(t, path, "xxxxxxxx")
}

// TestOutputOfOnesOwn: what a person named is replaced whole, through a link, and is
// private if it holds a secret.
func TestOutputOfOnesOwn(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	must(t, os.Chmod(base, 0o777)) // a place that many share
	real := write(t, filepath.Join(base, "real"), "old", 0o644)
	path := link(t, "real", filepath.Join(base, "f"))
	must(t, privatefile.ReplaceOutput(path, func(old []byte) ([]byte, error) { return append(old, " new"...), nil }))
	wantText(t, real, "old new")
	wantMode(t, real, 0o600)

	log, err := privatefile.OpenLog(path)
	must(t, err)
	_, err = log.WriteString(" line")
	must(t, errors.Join(err, log.Close()))
	wantText(t, real, "old new line")

	must(t, os.Chmod(real, 0o640))
	out, err := privatefile.CreateOutput(path, 0o666)
	must(t, err)
	_, err = out.WriteString("answer")
	must(t, err)
	wantText(t, real, "old new line") // until it is whole
	must(t, out.Commit())
	wantText(t, real, "answer")
	wantMode(t, real, 0o640)

	out, err = privatefile.CreateOutput(path, 0o666)
	must(t, err)
	_, err = out.WriteString("half")
	must(t, err)
	out.Abort()
	wantText(t, real, "answer")
	wantNoLeftovers(t, base)
}

// TestOutputRefuses: what is not the user's own is neither replaced nor removed, and no
// link of another user is followed.
func TestOutputRefuses(t *testing.T) {
	t.Parallel()
	writers := map[string]func(path string) error{
		"replace": func(path string) error { return privatefile.ReplaceOutput(path, set("new")) },
		"log": func(path string) error {
			f, err := privatefile.OpenLog(path)
			if err == nil {
				f.Close()
			}
			return err
		},
		"answer": func(path string) error {
			o, err := privatefile.CreateOutput(path, 0o666)
			if err == nil {
				err = o.Commit()
			}
			return err
		},
	}
	for name, write := range writers {
		for _, s := range strangers() {
			if s.kind != fault.Insecure && s.name != "directory" && s.name != "circle of links" || strings.Contains(s.name, "can write") {
				continue
			}
			t.Run(name+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				path := filepath.Join(t.TempDir(), "f")
				s.make(t, path)
				before, _ := os.Lstat(path)
				if err := inTime(t, func() error { return write(path) }); err == nil {
					t.Error("no error")
				}
				if after, err := os.Lstat(path); err != nil || !os.SameFile(before, after) {
					t.Errorf("it was replaced: %v", err)
				}
				wantNoLeftovers(t, filepath.Dir(path))
			})
		}
	}
}

// TestOutputToDevices: a device and a pipe are written to as they are, and stay.
func TestOutputToDevices(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/dev/null", "/dev/stderr"} {
		o, err := privatefile.CreateOutput(path, 0o666)
		must(t, err)
		must(t, o.Commit())
		if _, err := os.Lstat(path); err != nil {
			t.Errorf("%s is gone: %v", path, err)
		}
		f, err := privatefile.OpenLog(path)
		must(t, err)
		f.Close()
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	must(t, syscall.Mkfifo(pipe, 0o600))
	if err := inTime(t, func() error { _, err := privatefile.OpenLog(pipe); return err }); err == nil {
		t.Error("a log to a pipe that nobody reads: no error")
	}
	got := make(chan string, 1)
	go func() {
		r, err := os.Open(pipe)
		if err != nil {
			got <- err.Error()
			return
		}
		data, _ := io.ReadAll(r)
		got <- string(data)
	}()
	o, err := privatefile.CreateOutput(pipe, 0o666)
	must(t, err)
	_, err = o.WriteString("answer")
	must(t, errors.Join(err, o.Commit()))
	if text := <-got; text != "answer" {
		t.Errorf("the reader got %q", text)
	}
	if info, err := os.Lstat(pipe); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("the pipe was replaced: %v, %v", info, err)
	}
}

// TestReplaceOutputRefusesDevices: a secret that is replaced needs a file.
func TestReplaceOutputRefusesDevices(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/dev/null", "/dev/stdout"} {
		if err := privatefile.ReplaceOutput(path, set("new")); err == nil {
			t.Errorf("%s: no error", path)
		}
	}
}

// TestLockIsExclusive: one holder at a time, and who waits does so no longer than its
// context.
func TestLockIsExclusive(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	unlock, err := privatefile.Lock(t.Context(), path)
	must(t, err)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := privatefile.Lock(ended, path); !errors.Is(err, fault.Locked) || !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want fault.Locked and the context's", err)
	}
	must(t, unlock())
	unlock, err = privatefile.Lock(t.Context(), path)
	must(t, err)
	must(t, unlock())
}

// TestLocked: whether a lock is held is told without waiting for it, and without making a
// file.
func TestLocked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "f")
	want := func(want bool) {
		t.Helper()
		if got, err := privatefile.Locked(path); err != nil || got != want {
			t.Errorf("locked: %v, %v; want %v", got, err, want)
		}
	}
	want(false)
	if list, err := os.ReadDir(filepath.Dir(path)); err != nil || len(list) > 0 {
		t.Errorf("asking made %v, %v", list, err)
	}
	unlock, err := privatefile.Lock(t.Context(), path)
	must(t, err)
	want(true)
	must(t, unlock())
	want(false)
}

// TestLockFollowsNoLink: a link in the place of a lock file would make a file elsewhere.
func TestLockFollowsNoLink(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	link(t, filepath.Join(base, "elsewhere"), filepath.Join(base, ".f.write"))
	if err := privatefile.Create(t.Context(), filepath.Join(base, "f"), []byte("x")); err == nil {
		t.Error("no error")
	}
	if _, err := os.Lstat(filepath.Join(base, "elsewhere")); err == nil {
		t.Error("a file was made elsewhere")
	}
}

// TestRemoveOutput: what a person named is removed only with the content that it was given.
func TestRemoveOutput(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	path := write(t, filepath.Join(base, "f"), "mine", 0o600)
	must(t, privatefile.RemoveOutput(path, []byte("another")))
	wantText(t, path, "mine")
	alias := link(t, "f", filepath.Join(base, "link"))
	must(t, privatefile.RemoveOutput(alias, []byte("mine")))
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if _, err := os.Lstat(alias); err != nil {
		t.Errorf("the link is gone: %v", err)
	}
	must(t, syscall.Mkfifo(path, 0o600))
	if err := inTime(t, func() error { return privatefile.RemoveOutput(path, nil) }); err == nil {
		t.Error("a named pipe was removed")
	}
}

// TestCheckPrivate: a socket is the user's alone, or is not used.
func TestCheckPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(short(t), "s")
	l, err := net.Listen("unix", path)
	must(t, err)
	defer l.Close()
	must(t, os.Chmod(path, 0o600))
	must(t, privatefile.CheckPrivate(path, fs.ModeSocket))
	must(t, os.Chmod(path, 0o660))
	if err := privatefile.CheckPrivate(path, fs.ModeSocket); !errors.Is(err, fault.Insecure) {
		t.Errorf("one that the group can use: error %v", err)
	}
	must(t, os.Chmod(path, 0o600))
	for _, bad := range []string{link(t, path, path+".link"), write(t, path+".file", "", 0o600)} {
		if err := privatefile.CheckPrivate(bad, fs.ModeSocket); !errors.Is(err, fault.Insecure) {
			t.Errorf("%s: error %v", bad, err)
		}
	}
	must(t, privatefile.CheckOwner(path))
	other(t, path)
	for name, check := range map[string]func() error{
		"CheckPrivate": func() error { return privatefile.CheckPrivate(path, fs.ModeSocket) },
		"CheckOwner":   func() error { return privatefile.CheckOwner(path) },
	} {
		if err := check(); !errors.Is(err, fault.Insecure) {
			t.Errorf("%s of another user's: error %v", name, err)
		}
	}
}
