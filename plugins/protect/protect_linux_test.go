package protect_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/plugins/environment"
	"github.com/tokentoss/tokentoss/plugins/protect"
)

// roleEnv says what a process that a test started does.
const roleEnv = "TOKENTOSS_PROTECT_ROLE"

// nobody is the user who owns nothing. Root may read everything: what is closed is seen
// by others only.
const nobody = 65534

func TestMain(m *testing.M) {
	switch os.Getenv(roleEnv) {
	case "":
		os.Exit(m.Run())
	case "protected":
		protect.Memory()
	case "plugin":
		fmt.Fprintln(os.Stderr, protect.Plugin())
	case "again": // as tokentoss starts itself
		protect.Memory()
		serve("again", "/proc/self/exe", "child")
	case "files": // inherited files stay from children
		protect.Memory()
		environment.KeepFiles()
		serve("files", "/bin/sh", "-c", "ls /proc/self/fd | wc -l; ulimit -c")
	}
	if len(os.Args) > 1 && os.Args[1] == "child" {
		os.Exit(0)
	}
	fmt.Println("ready")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func serve(what, program string, args ...string) {
	cmd := exec.Command(program, args...)
	cmd.Env = []string{roleEnv + "=plain"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		fmt.Fprintln(os.Stderr, what, err)
		os.Exit(1)
	}
	fmt.Print(string(out))
	os.Exit(0)
}

// process starts this test as an unprivileged user, in a role.
func process(t *testing.T, role string, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(env, roleEnv+"="+role, "PATH=/usr/bin:/bin", "SECRET=needle")
	if os.Geteuid() == 0 {
		// What others can neither enter nor execute is copied.
		dir, err := os.MkdirTemp("", "protect")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		data, err := os.ReadFile(self)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Path = filepath.Join(dir, "test")
		cmd.Args = []string{cmd.Path}
		if err := os.WriteFile(cmd.Path, data, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	cmd.Dir = "/"
	return cmd
}

// readableBySame tells whether another process of the same user can read the
// environment of a process in a role.
func readableBySame(t *testing.T, role string, env ...string) bool {
	t.Helper()
	cmd := process(t, role, env...)
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
	defer func() { _ = in.Close(); _ = cmd.Wait() }()
	if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
		t.Fatalf("the process in the role %s did not begin: %v", role, err)
	}
	reader := exec.Command("cat", "/proc/"+strconv.Itoa(cmd.Process.Pid)+"/environ")
	reader.SysProcAttr = cmd.SysProcAttr
	data, err := reader.Output()
	return err == nil && bytes.Contains(data, []byte("needle"))
}

func TestMemoryIsClosedToOtherProcessesOfTheUser(t *testing.T) {
	t.Parallel()
	if !readableBySame(t, "plain") {
		t.Skip("processes of one user cannot read each other here at all")
	}
	if readableBySame(t, "protected") {
		t.Error("another process of the user reads the environment of a protected one")
	}
	if readableBySame(t, "plugin") {
		t.Error("another process of the user reads the environment of a plugin")
	}
	if !readableBySame(t, "plugin", protect.DebugVariable+"=1") {
		t.Error("a plugin whose author debugs it is closed")
	}
}

func TestProtectedProcessStartsItself(t *testing.T) {
	t.Parallel()
	if out, err := process(t, "again").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// What is closed is this process. A program that it starts may dump core as it pleases,
// and inherits none of its files.
func TestChildrenAreTheirOwn(t *testing.T) {
	t.Parallel()
	cmd := process(t, "files")
	extra, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer extra.Close()
	cmd.ExtraFiles = []*os.File{extra}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_CORE, &limit); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	lines := strings.Fields(string(out))
	if err != nil || len(lines) != 2 {
		t.Fatalf("%v\n%s", err, out)
	}
	if lines[0] != "4" { // the three streams, and the directory that is listed
		t.Errorf("a child has %s open files, want 4", lines[0])
	}
	want := "unlimited"
	if limit.Cur != ^uint64(0) {
		want = strconv.FormatUint(limit.Cur/512, 10)
	}
	if lines[1] != want {
		t.Errorf("a child may write core dumps of %s blocks, want %s as before", lines[1], want)
	}
}
