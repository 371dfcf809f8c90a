//go:build unix

package privatefile_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
)

const nobody = 65534

// other makes path another user's. Only root can give a file away.
func other(t *testing.T, path string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give a file away")
	}
	must(t, os.Lchown(path, nobody, nobody))
}

// asNobody runs the test again in a process of an unprivileged user, where it returns
// true. Root may do too much to be kept from anything. What root does beforehand in the
// home of that user is prepare.
func asNobody(t *testing.T, prepare ...func(home string)) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return true
	}
	dir, err := os.MkdirTemp("", "tokentoss-nobody-")
	must(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	exe, err := os.Executable()
	must(t, err)
	data, err := os.ReadFile(exe)
	must(t, err)
	self := filepath.Join(dir, "test")
	must(t, os.WriteFile(self, data, 0o755))
	must(t, os.Chown(dir, nobody, nobody))
	for _, f := range prepare {
		f(dir)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.ENOEXEC) {
		t.Skip("this executable cannot be started by another: it is emulated")
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Errorf("as user %d: %v\n%s", nobody, err, out)
	}
	return false
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// write writes a file with that mode, whatever the umask.
func write(t *testing.T, path, text string, mode fs.FileMode) string {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
	must(t, os.Chmod(path, mode))
	return path
}

// dir makes a directory with that mode, whatever the umask.
func dir(t *testing.T, path string, mode fs.FileMode) string {
	t.Helper()
	must(t, os.Mkdir(path, 0o700))
	must(t, os.Chmod(path, mode))
	return path
}

func link(t *testing.T, target, path string) string {
	t.Helper()
	must(t, os.Symlink(target, path))
	return path
}

// inTime calls f, which must not wait for anything.
func inTime(t *testing.T, f func() error) error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(20 * time.Second):
		t.Fatal("it hangs")
		return nil
	}
}

// A stranger is something that is not a regular file of the user.
type stranger struct {
	name string
	make func(t *testing.T, path string)
	kind fault.Kind
}

// strangers stand where a file should be. They are refused whatever the file is for.
func strangers() []stranger {
	return []stranger{
		{"named pipe", func(t *testing.T, path string) { must(t, syscall.Mkfifo(path, 0o600)) }, fault.Corrupt},
		{"socket", func(t *testing.T, path string) {
			l, err := net.Listen("unix", path)
			must(t, err)
			t.Cleanup(func() { l.Close() })
		}, fault.Corrupt},
		{"directory", func(t *testing.T, path string) { dir(t, path, 0o700) }, fault.Corrupt},
		{"device", func(t *testing.T, path string) {
			if err := syscall.Mknod(path, syscall.S_IFCHR|0o600, 1<<8|5); err != nil {
				t.Skipf("this user cannot make a device: %v", err)
			}
		}, fault.Corrupt},
		{"another user's", func(t *testing.T, path string) { other(t, write(t, path, "theirs", 0o600)) }, fault.Insecure},
		{"group can write", func(t *testing.T, path string) { write(t, path, "x", 0o620) }, fault.Insecure},
		{"all can write", func(t *testing.T, path string) { write(t, path, "x", 0o606) }, fault.Insecure},
		{"another user's link", func(t *testing.T, path string) {
			other(t, link(t, write(t, path+".real", "x", 0o600), path))
		}, fault.Insecure},
		{"link to another user's", func(t *testing.T, path string) {
			link(t, path+".real", path)
			other(t, write(t, path+".real", "theirs", 0o600))
		}, fault.Insecure},
		{"link to a named pipe", func(t *testing.T, path string) {
			must(t, syscall.Mkfifo(path+".pipe", 0o600))
			link(t, path+".pipe", path)
		}, ""},
		{"circle of links", func(t *testing.T, path string) {
			link(t, path+".b", path)
			link(t, path, path+".b")
		}, ""},
		{"2 MiB", func(t *testing.T, path string) { write(t, path, strings.Repeat("x", 2<<20), 0o600) }, fault.TooLarge},
		{"endless", func(t *testing.T, path string) {
			write(t, path, "", 0o600)
			must(t, os.Truncate(path, 1<<40)) // a hole
		}, fault.TooLarge},
	}
}

// wantRefused checks that err is of that kind, names path, says what to do, and has no
// remedy that removes anything.
func wantRefused(t *testing.T, err error, kind fault.Kind, path string) {
	t.Helper()
	if err == nil || kind != "" && !errors.Is(err, kind) {
		t.Fatalf("error is %v, want one of kind %q", err, kind)
	}
	var e *fault.Error
	if !errors.As(err, &e) || !strings.Contains(err.Error(), filepath.Dir(path)) {
		t.Errorf("error is %v (%T), want a *fault.Error that names %s", err, err, path)
	}
	remedy := fault.RemedyOf(err).String()
	if remedy == "" || strings.Contains(remedy, "rm ") || strings.Contains(remedy, "delete") || strings.Contains(remedy, "remove") {
		t.Errorf("the remedy of %v is %q, want one that removes nothing", err, remedy)
	}
}

// wantNoLeftovers checks that no file that was being written is left.
func wantNoLeftovers(t *testing.T, dir string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, ".*.tmp-*"))
	if err != nil || len(names) > 0 {
		t.Errorf("left behind: %q, %v", names, err)
	}
}

func wantMode(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Perm() != mode {
		t.Errorf("%s: mode %v, error %v, want %v", path, info.Mode(), err, mode)
	}
}

func wantText(t *testing.T, path, text string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != text {
		t.Errorf("%s has %q, %v, want %q", path, got, err, text)
	}
}
