//go:build unix

package file_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/stores/file"
)

// Whatever the umask, the file has mode 0600 and its directories 0700,
// and so has the file that is locked.
func TestModesUnderAnyUmask(t *testing.T) {
	t.Parallel()
	for _, umask := range []string{"0", "022", "077", "0777"} {
		t.Run(umask, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "config", "tokentoss")
			if os.Geteuid() != 0 && umask == "0777" {
				t.Skip("only root can go on in a directory with mode 0")
			}
			if out, err := command(t, "save "+umask, dir).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			wantMode(t, dir, 0o700)
			wantMode(t, filepath.Join(dir, "tokens.json"), 0o600)
			info, err := os.Stat(filepath.Join(dir, ".tokens.json.write"))
			if err != nil || info.Mode().Perm()&0o077 != 0 {
				t.Errorf("the file that is locked: %v, mode %v; want at most 0600", err, info.Mode())
			}
			wantNoTemps(t, dir)
		})
	}
}

// Profiles have private directories too.
func TestProfileModes(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "tokentoss")
	s := newStore(t, dir)
	if _, err := s.Save(bounded(t), "work", core.Record{Data: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "profiles", "profiles/work"} {
		wantMode(t, filepath.Join(dir, name), 0o700)
	}
	wantMode(t, filepath.Join(dir, "profiles/work/tokens.json"), 0o600)
	if got, want := s.Path("work"), filepath.Join(dir, "profiles/work/tokens.json"); got != want {
		t.Errorf("Path is %s, want %s", got, want)
	}
}

func refusals() []refusal {
	chmod := func(mode os.FileMode) func(*testing.T, string) {
		return func(t *testing.T, path string) { must(t, os.Chmod(path, mode)) }
	}
	return []refusal{
		{"group can read", chmod(0o640), core.ErrInsecure, []string{"mode 0640: others can read it", "chmod 600 "}},
		{"all can read", chmod(0o644), core.ErrInsecure, []string{"mode 0644: others can read it", "chmod 600 "}},
		{"group can write", chmod(0o620), core.ErrInsecure, []string{"mode 0620: others can write it", "chmod 600 "}},
		{"all can do all", chmod(0o666), core.ErrInsecure, []string{"mode 0666: others can read and write it", "chmod 600 "}},
		{"symbolic link", func(t *testing.T, path string) {
			must(t, os.Rename(path, path+".real"))
			must(t, os.Symlink(path+".real", path))
		}, core.ErrInsecure, []string{"symbolic link", "move "}},
		{"dangling symbolic link", func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, os.Symlink(path+".nowhere", path))
		}, core.ErrInsecure, []string{"symbolic link", "move "}},
		{"another user's", func(t *testing.T, path string) {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file away")
			}
			must(t, os.Chown(path, 12345, -1))
		}, core.ErrInsecure, []string{"belongs to user 12345, and you are user 0", "chown 0 "}},
	}
}

// What others could have read or written is refused, with the path, the
// reason and the command that puts it right, and neither read nor replaced.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, r := range refusals() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			s := newStore(t, t.TempDir())
			saved := save(t, s, "", []byte("the secret"))
			r.spoil(t, s.Path(core.DefaultKey))
			wantRefused(t, s, saved.Revision, r)
		})
	}
}

// Another user's file that cannot even be opened is explained the same way.
func TestRefusedWithoutPrivileges(t *testing.T) {
	if !asNobody(t) {
		return
	}
	s := newStore(t, t.TempDir())
	save(t, s, "", []byte("x"))
	must(t, os.Chmod(s.Path(core.DefaultKey), 0))
	wantRefused(t, s, "", refusal{kind: core.ErrInsecure, says: []string{"mode 0000: you cannot read it", "chmod 600 "}})

	ours, err := file.NewFile("/etc/hostname") // root's, which all can read
	must(t, err)
	_, err = ours.Load(bounded(t), core.DefaultKey)
	if !errors.Is(err, fault.BadConfig) || !strings.Contains(err.Error(), "another program's file") {
		t.Errorf("Load of root's file: error is %v, want that it is another program's", err)
	}
}

// A directory that is called tokentoss and that others can enter is closed. Any other
// is what a person named, and may have more than sessions: it is never changed, and
// refused if others can write to it.
func TestDirectories(t *testing.T) {
	t.Parallel()
	for _, mode := range []os.FileMode{0o755, 0o777, 0o777 | os.ModeSticky} {
		theirs := filepath.Join(t.TempDir(), "theirs")
		must(t, os.Mkdir(theirs, 0o700))
		must(t, os.Chmod(theirs, mode))
		_, err := newStore(t, theirs).Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("x")})
		if wide := mode == 0o777; errors.Is(err, core.ErrInsecure) != wide || !wide && err != nil {
			t.Errorf("Save into a directory of mode %v: %v", mode, err)
		}
		if info, err := os.Stat(theirs); err != nil || info.Mode() != mode|os.ModeDir {
			t.Errorf("mode %v became %v", mode, info.Mode())
		}
	}
	dir := filepath.Join(t.TempDir(), "tokentoss")
	must(t, os.Mkdir(dir, 0o700))
	s := newStore(t, dir)
	must(t, os.Chmod(dir, 0o777))
	save(t, s, "", []byte("x"))
	wantMode(t, dir, 0o700)

	if os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	must(t, os.Chown(dir, 12345, -1))
	_, err := s.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte("y")})
	if !errors.Is(err, core.ErrInsecure) || !strings.Contains(err.Error(), dir+": ") {
		t.Errorf("Save in another user's directory: error is %v, want core.ErrInsecure for %s", err, dir)
	}
}

// A path that is relative or missing is refused when the store is made, so
// that tokens are never written wherever a program was started.
func TestRelativePaths(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"", ".", "tokentoss", "./tokentoss", "../x", "~/.config"} {
		if _, err := file.New(path); err == nil || path != "" && !strings.Contains(err.Error(), path) {
			t.Errorf("New(%q): error is %v, want one that names the path", path, err)
		}
		if _, err := file.NewFile(path); err == nil {
			t.Errorf("NewFile(%q) gives no error", path)
		}
	}
	if _, err := file.New(""); err == nil || !strings.Contains(err.Error(), "HOME") {
		t.Errorf("New of nothing: error is %v, want one that asks for HOME", err)
	}
}

// NewFile uses the given path and leaves the mode of its directory alone, unless
// others could replace the file.
func TestExplicitFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	must(t, os.Chmod(dir, 0o755))
	path := filepath.Join(dir, "my tokens")
	s, err := file.NewFile(path)
	must(t, err)
	const document = `{"id_token": "x"}`
	saved, err := s.Save(bounded(t), "work", core.Record{Data: []byte(document)})
	must(t, err)
	wantMode(t, dir, 0o755)
	wantMode(t, path, 0o600)
	wantDoc(t, s, document)
	if s.Path("any") != path || s.Path("default") != path {
		t.Errorf("Path gives %q and %q, want %q for every key", s.Path("any"), s.Path("default"), path)
	}
	if keys, err := s.List(bounded(t)); err != nil || len(keys) != 1 || keys[0] != core.DefaultKey {
		t.Errorf("List gives %q, %v, want the default key", keys, err)
	}
	must(t, os.Chmod(dir, 0o777))
	_, err = s.Save(bounded(t), "work", core.Record{Data: []byte("y"), Revision: saved.Revision})
	if !errors.Is(err, core.ErrInsecure) || !strings.Contains(withRemedy(err), "chmod go-w "+dir) {
		t.Errorf("Save where others can replace the file: error is %v, want core.ErrInsecure and a command", err)
	}
	must(t, os.Chmod(dir, 0o777|fs.ModeSticky)) // as /tmp, where they cannot
	_, err = s.Save(bounded(t), "work", core.Record{Data: []byte("y"), Revision: saved.Revision})
	must(t, err)
	wantMode(t, dir, 0o777)
}

// Where a person says that the tokens are, there may be something else of theirs. It is
// refused, whoever can read it, and neither replaced, moved nor removed.
func TestAnotherProgramsFileStays(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"text": "my notes\n", "a key": `{"type": "service_account", "private_key": "x"}`, "credentials of gcloud": `{"type": "authorized_user", "refresh_token": "x"}`,
		"a list": `[{"id_token": "x"}]`, "a number": "7", "bytes": "\x7fELF\x00\x01",
	} {
		for _, mode := range []os.FileMode{0o600, 0o644, 0o400} {
			path := filepath.Join(t.TempDir(), "theirs")
			must(t, os.WriteFile(path, []byte(content), mode))
			refuses(t, path, name, content)
		}
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "real"), []byte("theirs"), 0o600))
	must(t, os.Symlink("real", filepath.Join(dir, "link")))
	refuses(t, filepath.Join(dir, "link"), "a link", "theirs")
}

func refuses(t *testing.T, path, name, content string) {
	t.Helper()
	s, err := file.NewFile(path)
	must(t, err)
	before, err := os.Lstat(path)
	must(t, err)
	_, load := s.Load(bounded(t), core.DefaultKey)
	_, save := s.Save(bounded(t), core.DefaultKey, core.Record{Data: []byte(`{"id_token": "mine"}`)})
	_, aside := s.Quarantine(bounded(t), core.DefaultKey)
	for did, err := range map[string]error{"Load": load, "Quarantine": aside, "Delete": s.Delete(bounded(t), core.DefaultKey)} {
		if !errors.Is(err, fault.BadConfig) || !strings.Contains(fault.Hint(err), "move "+path+" away, or choose another place") {
			t.Errorf("%s of %s, %v: %v (%s)", did, name, before.Mode(), err, fault.Hint(err))
		}
	}
	if save == nil {
		t.Errorf("%s was replaced", name)
	}
	after, err := os.Lstat(path)
	data, _ := os.ReadFile(path)
	if err != nil || !os.SameFile(before, after) || before.Mode() != after.Mode() || string(data) != content {
		t.Errorf("%s is not as it was: %v, %v, %q", name, err, after, data)
	}
}

// What is left of a session that was cut short, or wiped by a full disk, is ours.
func TestADamagedSessionAtAPlaceOfThePersonsIsSetAside(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "\x00\x00\x00", "{\n  \"access_token\": \"ya29.", `{"id_token": 7}`} {
		path := filepath.Join(t.TempDir(), "tokens.json")
		must(t, os.WriteFile(path, []byte(content), 0o600))
		s, err := file.NewFile(path)
		must(t, err)
		if aside, err := s.Quarantine(bounded(t), core.DefaultKey); err != nil || !strings.HasPrefix(aside, path+".damaged-") {
			t.Errorf("%q: %q, %v", content, aside, err)
		}
	}
}
