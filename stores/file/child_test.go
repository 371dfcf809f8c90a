package file_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/storetest/crashtest"
	"github.com/tokentoss/tokentoss/stores/file"
)

// childEnv tells a copy of this test binary to be a process that uses a store.
const childEnv = "TOKENTOSS_FILE_TEST_CHILD"

func TestMain(m *testing.M) {
	crashtest.Child(func(_ context.Context, dir string) (core.TokenStore, error) { return file.New(dir) })
	if what := os.Getenv(childEnv); what != "" {
		if err := child(what, os.Args[len(os.Args)-1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child does what, with the store over dir.
func child(what, dir string) error {
	s, err := file.New(dir)
	if err != nil {
		return err
	}
	ctx := context.Background()
	what, arg, _ := strings.Cut(what, " ")
	switch what {
	case "save-loop": // prints each number whose document is saved, until killed
		return saveLoop(ctx, s)
	case "save": // with the umask arg
		if err := setUmask(arg); err != nil {
			return err
		}
		_, err = s.Save(ctx, core.DefaultKey, core.Record{Data: []byte("a document")})
		return err
	case "load": // the document of the key arg
		_, err := s.Load(ctx, arg)
		return err
	case "hold": // the lock, until killed or until standard input ends
		held, err := s.Lock(ctx, core.DefaultKey)
		if err != nil {
			return err
		}
		fmt.Println("held")
		_, _ = io.Copy(io.Discard, os.Stdin)
		return held.Release()
	}
	return fmt.Errorf("unknown child %q", what)
}

func saveLoop(ctx context.Context, s *file.Store) error {
	r, err := s.Load(ctx, core.DefaultKey)
	if err != nil {
		return err
	}
	n, err := number(r.Data)
	if err != nil {
		return err
	}
	for {
		n++
		if r, err = s.Save(ctx, core.DefaultKey, core.Record{Data: document(n), Revision: r.Revision}); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// document is one whose damage [number] sees. Its length depends on n.
func document(n int) []byte {
	body := strconv.Itoa(n) + " " + strings.Repeat("x", 3000+n%7*1000)
	return fmt.Appendf(nil, "%s %08x", body, crc32.ChecksumIEEE([]byte(body)))
}

func number(data []byte) (int, error) {
	i := strings.LastIndexByte(string(data), ' ')
	if i < 0 || string(data[i+1:]) != fmt.Sprintf("%08x", crc32.ChecksumIEEE(data[:i])) {
		return 0, fmt.Errorf("damaged document of %d bytes", len(data))
	}
	first, _, _ := strings.Cut(string(data), " ")
	return strconv.Atoi(first)
}

// startable tells whether a process of this executable can start another: not where it is
// emulated, and the kernel does not know that.
var startable = sync.OnceValue(func() bool {
	exe, err := os.Executable()
	return err == nil && !errors.Is(exec.Command(exe, "-test.list=^$").Run(), syscall.ENOEXEC)
})

func needChild(t testing.TB) {
	t.Helper()
	if !startable() {
		t.Skip("this executable cannot be started by another: it is emulated")
	}
}

// command prepares a child process.
func command(t testing.TB, what, dir string) *exec.Cmd {
	t.Helper()
	needChild(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, dir)
	cmd.Env = append(os.Environ(), childEnv+"="+what)
	return cmd
}

// startHolder returns a process that holds the lock, and what to close to have
// it release the lock and end.
func startHolder(t *testing.T, dir string) (*exec.Cmd, io.Closer) {
	t.Helper()
	cmd := command(t, "hold", dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the child said %q (%v), want that it holds the lock", line, err)
	}
	return cmd, in
}

// ctx bounds a test's calls.
func bounded(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// save saves the document of the default key, which must succeed.
func save(t testing.TB, s *file.Store, revision string, data []byte) core.Record {
	t.Helper()
	r, err := s.Save(bounded(t), core.DefaultKey, core.Record{Data: data, Revision: revision})
	if err != nil {
		t.Fatalf("Save: %v", err)
	}
	return r
}

// wantDoc checks the stored document of the default key.
func wantDoc(t testing.TB, s *file.Store, want string) core.Record {
	t.Helper()
	r, err := s.Load(bounded(t), core.DefaultKey)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if string(r.Data) != want {
		t.Errorf("Load gives %.40q, want %.40q", r.Data, want)
	}
	return r
}

// wantNoTemps checks that a directory has no unfinished files.
func wantNoTemps(t testing.TB, dir string) {
	t.Helper()
	temps, err := filepath.Glob(filepath.Join(dir, ".*.tmp-*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(temps) > 0 {
		t.Errorf("unfinished files are left: %q", temps)
	}
}

// wantMode checks the permissions of a file or directory, where there are any.
func wantMode(t testing.TB, path string, want os.FileMode) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return
	}
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != want {
		t.Errorf("%s has mode %04o, want %04o", path, info.Mode().Perm(), want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
