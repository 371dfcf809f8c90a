package file_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// trace runs a child under strace and returns its system calls that name
// something in dir, or a file of that which is open; or skips the test.
func trace(t *testing.T, what, dir string) []string {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	log := filepath.Join(t.TempDir(), "log")
	cmd := command(t, what, dir)
	cmd.Args = append([]string{strace, "-f", "-y", "-o", log, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = strace
	if out, err := cmd.CombinedOutput(); err != nil {
		if strings.Contains(string(out), "ptrace") || strings.Contains(string(out), "PTRACE") {
			t.Skipf("strace may not trace here: %s", out)
		}
		t.Fatalf("%v\n%s", err, out)
	}
	data, err := os.ReadFile(log)
	must(t, err)
	var calls []string
	for line := range strings.Lines(string(data)) {
		_, call, _ := strings.Cut(strings.TrimSpace(line), " ") // after the process
		call = strings.TrimSpace(call)
		if strings.Contains(call, dir) && !strings.HasPrefix(call, "execve(") && !strings.HasPrefix(call, "<... ") {
			calls = append(calls, call)
		}
	}
	return calls
}

// The document is on the disk before it gets its name, and the name is
// before Save returns; so a power cut leaves the old document or the new one.
// The new file is private from the moment that it exists.
func TestOrderOfSystemCalls(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	calls := trace(t, "save 022", dir)
	temp := regexp.QuoteMeta(dir) + `/\.tokens\.json\.tmp-\w+`
	steps := []string{
		`^openat\(.*"` + temp + `", O_WRONLY\|O_CREAT\|O_EXCL\|.*, 0600`,
		`^write\(\d+<` + temp + `>, "a document"`,
		`^fsync\(\d+<` + temp + `>`,
		`^rename(at2?)?\(.*"` + temp + `", .*"` + regexp.QuoteMeta(dir) + `/tokens\.json"`,
		`^fsync\(\d+<` + regexp.QuoteMeta(dir) + `>`,
	}
	next := 0
	for _, call := range calls {
		if next < len(steps) && regexp.MustCompile(steps[next]).MatchString(call) {
			next++
		}
	}
	if next < len(steps) {
		t.Errorf("there is no call like %s after those before it, in:\n%s", steps[next], strings.Join(calls, "\n"))
	}
	opened := slices.ContainsFunc(calls, func(call string) bool {
		return strings.HasPrefix(call, "openat") && strings.Contains(call, `/tokens.json"`) && !strings.Contains(call, "O_RDONLY")
	})
	if opened {
		t.Errorf("the document itself was opened to be written:\n%s", strings.Join(calls, "\n"))
	}
}

// A lookup makes the same system calls among one profile and among many: it
// opens the one file, without a lock, and looks at nothing else.
func TestLookupCostIsConstant(t *testing.T) {
	t.Parallel()
	var first []string
	for _, profiles := range []int{1, 500} {
		dir := t.TempDir()
		fillProfiles(t, dir, profiles)
		calls := trace(t, "load p0", dir)
		for i, call := range calls {
			name, _, _ := strings.Cut(call, "(")
			calls[i] = name
		}
		if want := []string{"openat", "fstat", "read", "close"}; !slices.Equal(calls, want) {
			t.Errorf("Load among %d profiles makes the calls %q, want %q", profiles, calls, want)
		}
		if first == nil {
			first = calls
		} else if !slices.Equal(first, calls) {
			t.Errorf("Load among %d profiles makes the calls %q, among one %q", profiles, calls, first)
		}
	}
}

// fillProfiles makes the documents of the keys p0, p1... without syncing each.
func fillProfiles(t testing.TB, dir string, n int) {
	t.Helper()
	s := newStore(t, dir)
	data := document(0)
	for i := range n {
		path := s.Path(fmt.Sprintf("p%d", i))
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, data, 0o600))
	}
}
