//go:build unix

package file_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/core"
)

const nobody = 65534

func setUmask(text string) error {
	mask, err := strconv.ParseInt(text, 8, 32)
	if err != nil {
		return err
	}
	syscall.Umask(int(mask))
	return nil
}

// killed tells whether a process was ended by Kill.
func killed(s *os.ProcessState) bool { return s.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL }

// strangers are files of kinds that a system has.
func strangers() []refusal {
	return []refusal{
		{"named pipe", replaceBy(func(path string) error { return syscall.Mkfifo(path, 0o600) }),
			core.ErrCorrupt, []string{"a named pipe", "move "}},
		{"socket", replaceBy(func(path string) error {
			l, err := net.Listen("unix", path)
			if err == nil {
				l.(*net.UnixListener).SetUnlinkOnClose(false)
				err = l.Close()
			}
			return err
		}), core.ErrCorrupt, []string{"a socket", "move "}},
	}
}

// asNobody runs the calling test again as a user without privileges if it runs
// as root, for whom permissions do not count. It returns whether the caller is
// that user, or was one from the start; otherwise the test is done.
func asNobody(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return true
	}
	needChild(t)
	dir, err := os.MkdirTemp("", "tokentoss-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	exe := filepath.Join(dir, "test")
	copyFile(t, exe)
	if err := os.Chown(dir, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	args := []string{"-test.run=^" + t.Name() + "$", "-test.v"}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Errorf("as user %d: %v\n%s", nobody, err, out)
	}
	return false
}

// copyFile copies this test binary, which is where only its owner can reach it.
func copyFile(t *testing.T, to string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(to, 0o755); err != nil {
		t.Fatal(err)
	}
}

// In a read-only directory the old document can be loaded and not replaced,
// and nothing needs to be written to forget a document that is not there.
func TestReadOnlyDirectory(t *testing.T) {
	if !asNobody(t) {
		return
	}
	dir := t.TempDir()
	s := newStore(t, dir)
	old := save(t, s, "", []byte("old"))
	must(t, os.Chmod(dir, 0o500))
	t.Cleanup(func() { _ = os.Chmod(dir, 0o700) })
	wantNotSaved(t, s, old, []byte("new"), fs.ErrPermission)
	wantMode(t, dir, 0o500)
	if _, err := s.Lock(bounded(t), core.DefaultKey); !errors.Is(err, core.ErrReadOnly) {
		t.Errorf("Lock: error is %v, want core.ErrReadOnly", err)
	}
	if err := s.Delete(bounded(t), core.DefaultKey); !errors.Is(err, core.ErrReadOnly) {
		t.Errorf("Delete of a document: error is %v, want core.ErrReadOnly", err)
	}
	if err := s.Delete(bounded(t), "absent"); err != nil {
		t.Errorf("Delete of nothing: %v", err)
	}
	if _, err := s.Quarantine(bounded(t), core.DefaultKey); !errors.Is(err, core.ErrReadOnly) {
		t.Errorf("SetAside: error is %v, want core.ErrReadOnly", err)
	}
	wantNotSaved(t, newStore(t, filepath.Join(dir, "below")), core.Record{}, []byte("new"), fs.ErrPermission)
}

// A holder that is stopped keeps the lock. Others are told so when their
// time is over, and can load and save without it.
func TestHolderIsStopped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := newStore(t, dir)
	cmd, in := startHolder(t, dir)
	must(t, cmd.Process.Signal(syscall.SIGSTOP))
	wantHeld(t, s)
	save(t, s, "", []byte("saved meanwhile"))
	wantDoc(t, s, "saved meanwhile")
	must(t, cmd.Process.Signal(syscall.SIGCONT))
	must(t, in.Close())
	held, err := s.Lock(bounded(t), core.DefaultKey)
	if err != nil {
		t.Fatalf("Lock after its holder went on: %v", err)
	}
	must(t, held.Release())
}

// Paths in commands are words of a shell, whatever they contain.
func TestCommandsAreQuoted(t *testing.T) {
	t.Parallel()
	s := newStore(t, filepath.Join(t.TempDir(), "it's $(mine)"))
	save(t, s, "", []byte("x"))
	must(t, os.Chmod(s.Path(core.DefaultKey), 0o644))
	_, err := s.Load(bounded(t), core.DefaultKey)
	if want := `it'\''s $(mine)/tokens.json'`; err == nil || !strings.HasSuffix(withRemedy(err), want) {
		t.Errorf("error is %v, want a command that ends in %s", err, want)
	}
}
