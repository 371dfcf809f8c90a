package pass_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins/plugintest"
)

const secret = "1//a-refresh-token-that-nobody-sees"

// A document is in no file, no argument, no environment and no log.
func TestNothingInClear(t *testing.T) {
	for _, c := range plugintest.Carriers() {
		t.Run(string(c), func(t *testing.T) { testNothingInClear(t, c) })
	}
}

func testNothingInClear(t *testing.T, c plugintest.Carrier) {
	r := place(t)
	var log bytes.Buffer
	r.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	bin, seen := t.TempDir(), t.TempDir()
	for _, program := range []string{"pass", "gpg"} {
		real, err := exec.LookPath(program)
		if err != nil {
			t.Fatal(err)
		}
		writeScript(t, filepath.Join(bin, program), fmt.Sprintf("(echo \"$@\"; env) >>%s/%s.$$\nexec %s \"$@\"\n", seen, program, real))
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	t.Setenv("TMPDIR", t.TempDir())
	s := open(t, c, r)
	saved := save(t, s, "", secret)
	save(t, s, saved.Revision, secret+" and more")
	if got, err := s.Load(t.Context(), core.DefaultKey); err != nil || !strings.HasPrefix(string(got.Data), secret) {
		t.Fatalf("Load gives %q, %v", got.Data, err)
	}
	for _, dir := range []string{dirOf(t, r), seen, os.Getenv("GNUPGHOME"), os.Getenv("TMPDIR")} {
		wantNowhere(t, dir)
	}
	if calls, _ := filepath.Glob(filepath.Join(seen, "gpg.*")); len(calls) < 3 {
		t.Errorf("gpg was seen %d times; the test tests nothing", len(calls))
	}
	if err := core.Full(s).Close(); err != nil { // and with it its log
		t.Error(err)
	}
	if !strings.Contains(log.String(), "ran pass") || strings.Contains(log.String(), secret) {
		t.Errorf("the log has the secret, or nothing:\n%s", log.String())
	}
}

func wantNowhere(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte(secret)) {
			t.Errorf("%s has the secret", path)
		}
		if info, ierr := d.Info(); ierr == nil && dir != os.Getenv("GNUPGHOME") && strings.HasSuffix(path, ".gpg") && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %04o", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// The entries are the person's own: pass shows them, and what the person writes is
// a document. Other recipients are no other document.
func TestAsPassSeesIt(t *testing.T) {
	r := place(t)
	dir := dirOf(t, r)
	s := open(t, plugintest.InProcess, r)
	saved := save(t, s, "", "document")
	if got := command(t, dir, "show", "tokentoss/default"); got != "document" {
		t.Errorf("pass shows %q", got)
	}
	if got := command(t, dir, "ls"); strings.Contains(got, ".lock") || strings.Contains(got, ".new") || !strings.Contains(got, "default") {
		t.Errorf("pass lists\n%s", got)
	}
	command(t, dir, "init", "--path=tokentoss", ada)
	got, err := s.Load(t.Context(), core.DefaultKey)
	if err != nil || got.Revision != saved.Revision {
		t.Errorf("after pass init: %v, %v", got, err)
	}
	command(t, dir, "cp", "tokentoss/default", "tokentoss/copy")
	keys, err := s.(core.Lister).List(t.Context())
	if err != nil || !slices.Equal(keys, []string{"copy", core.DefaultKey}) {
		t.Errorf("List gives %q, %v", keys, err)
	}
}

// In a git repository pass commits what it does, and is left with nothing to do.
func TestGit(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	r := place(t)
	dir := dirOf(t, r)
	for name, value := range map[string]string{
		"GIT_AUTHOR_NAME": "ada", "GIT_AUTHOR_EMAIL": ada, "GIT_COMMITTER_NAME": "ada", "GIT_COMMITTER_EMAIL": ada, "GIT_CONFIG_GLOBAL": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	command(t, dir, "git", "init", "--quiet")
	s := open(t, plugintest.InProcess, r)
	saved := save(t, s, "", "one")
	save(t, s, saved.Revision, "two")
	if got := command(t, dir, "show", "tokentoss/default"); got != "two" {
		t.Errorf("pass shows %q", got)
	}
	wantClean := func(files string) {
		t.Helper()
		if got := command(t, dir, "git", "status", "--porcelain", "--untracked-files=no"); got != "" {
			t.Errorf("git has something to commit:\n%s", got)
		}
		if got := strings.Fields(command(t, dir, "git", "ls-files", "tokentoss")); strings.Join(got, " ") != files {
			t.Errorf("git has %q, want %q", got, files)
		}
	}
	wantClean("tokentoss/default.gpg")
	if err := s.Delete(t.Context(), core.DefaultKey); err != nil {
		t.Fatal(err)
	}
	wantClean("")
}
