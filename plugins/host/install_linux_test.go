package host_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins/host"
)

// TestInstallRefuses has files that are not installed, most of which are not
// executed either. Nothing stays in the directory.
func TestInstallRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		plugin string // what the script is
		spoil  func(path string) error
		sum    string
		want   string
		runs   bool
	}{
		"sum":      {plugin: "evil", sum: strings.Repeat("0", 64), want: "its SHA-256 is"},
		"no sum":   {plugin: "evil", sum: "latest", want: "its SHA-256 is"},
		"writable": {plugin: "evil", spoil: func(p string) error { return os.Chmod(p, 0o777) }, want: "others can write"},
		"foreign":  {plugin: "evil", spoil: func(p string) error { return os.Chown(p, 65534, 65534) }, want: "belongs to user"},
		"missing":  {plugin: "evil", spoil: os.Remove, want: "no such file"},
		"folder":   {plugin: "evil", spoil: func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }, want: "not a regular file"},
		"empty":    {plugin: "evil", spoil: func(p string) error { return os.Truncate(p, 0) }, want: "it cannot be executed: exec format error", runs: true},
		"bundled":  {plugin: "bundled", want: "tokentoss has a plugin of that name itself", runs: true},
		"name":     {plugin: "start-named", want: "plugin ../Evil[31m: it has no name that can be used", runs: true},
		"exits":    {plugin: "start-exits", want: "it ended at once", runs: true},
		"version":  {plugin: "start-version", want: "another version of the protocol", runs: true},
		"no kind":  {plugin: "start-babbles", want: "no plugin of tokentoss's", runs: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, evil("bundled"))
			path := s.script(t, c.plugin)
			if c.spoil != nil {
				if err := c.spoil(path); err != nil {
					t.Skipf("this user cannot do that: %v", err)
				}
			}
			if _, err := s.host.Install(bounded(t), path, c.sum); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if !c.runs {
				s.wantNotRun(t)
			}
			s.wantInstalled(t)
		})
	}
}

// wantInstalled checks what is installed: these names, with a file each and no
// other.
func (s *scene) wantInstalled(t *testing.T, names ...string) {
	t.Helper()
	list, err := s.host.List()
	if err != nil {
		t.Fatal(err)
	}
	paths := make(map[string]bool)
	var got []string
	for _, p := range list {
		got = append(got, p.Name)
		paths[p.Path] = true
		if p.Previous != nil {
			paths[p.Previous.Path] = true
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(names) {
		t.Errorf("installed are %q, want %q", got, names)
	}
	entries, _ := os.ReadDir(filepath.Join(s.host.Dir, "plugins"))
	for _, e := range entries {
		if path := filepath.Join(s.host.Dir, "plugins", e.Name()); !paths[path] {
			t.Errorf("%s belongs to no plugin", path)
		}
	}
	for path := range paths {
		if !exists(path) {
			t.Errorf("%s is missing", path)
		}
	}
}

// TestReplace installs another version, the same one again, and one that fails in
// the middle.
func TestReplace(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	first := s.install(t, "evil")
	path := s.script(t, "evil")
	data, err := os.ReadFile(path)
	if err := errors.Join(err, os.WriteFile(path, append(data, "# another\n"...), 0o700)); err != nil {
		t.Fatal(err)
	}
	second, err := s.host.Install(bounded(t), path, "")
	if err != nil || second.Path == first.Path || !exists(first.Path) || second.Previous == nil || second.Previous.Path != first.Path {
		t.Errorf("replacing: %+v, %v", second, err)
	}
	for range 2 {
		again, err := s.host.Install(bounded(t), path, strings.ToUpper(second.SHA256)+"\n")
		if err != nil || again.Path != second.Path {
			t.Errorf("the same again: %+v, %v", again, err)
		}
	}
	s.wantInstalled(t, "evil")
	// One can go back, and forth again.
	for _, want := range []string{first.Path, second.Path} {
		if back, err := s.host.Rollback(bounded(t), "evil"); err != nil || back.Path != want || !exists(back.Previous.Path) {
			t.Errorf("going back: %+v, %v", back, err)
		}
		s.wantInstalled(t, "evil")
	}
	// The lock file cannot be written any more, in the middle of an installation.
	ctx, cancel := context.WithCancel(bounded(t))
	cancel()
	if _, err := s.host.Install(ctx, s.script(t, "evil"), ""); err == nil {
		t.Error("installed after the context ended")
	}
	if err := os.Truncate(filepath.Join(s.host.Dir, host.LockName), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := s.host.Install(bounded(t), s.script(t, "evil"), ""); !errors.Is(err, core.ErrCorrupt) {
		t.Errorf("error %v, want core.ErrCorrupt", err)
	}
	if !exists(second.Path) {
		t.Error("the one that worked is gone")
	}
}

// TestInstallFails: an installation that cannot be finished leaves the old plugin
// as it was.
func TestInstallFails(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	old := s.install(t, "evil")
	for _, bad := range []string{"start-exits", "start-babbles"} {
		if _, err := s.host.Install(bounded(t), s.script(t, bad), ""); err == nil {
			t.Errorf("%s was installed", bad)
		}
	}
	s.wantInstalled(t, "evil")
	store := s.open(t, s.plain("evil"))
	if _, err := store.Load(bounded(t), "a"); !errors.Is(err, core.ErrNotFound) {
		t.Errorf("the old one: %v", err)
	}
	if got, err := s.host.List(); err != nil || got[0].SHA256 != old.SHA256 {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestInstallAtOnce installs several plugins at once, and one of them twice.
func TestInstallAtOnce(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	names := []string{"a", "b", "c", "d"}
	same := s.script(t, "same")
	var all sync.WaitGroup
	for _, path := range []string{same, same, same} {
		all.Go(func() {
			if _, err := s.host.Install(bounded(t), path, ""); err != nil {
				t.Errorf("installing %s: %v", path, err)
			}
		})
	}
	for _, name := range names {
		path := s.script(t, name)
		all.Go(func() {
			if _, err := s.host.Install(bounded(t), path, ""); err != nil {
				t.Errorf("installing %s: %v", name, err)
			}
		})
	}
	all.Wait()
	s.wantInstalled(t, "a", "b", "c", "d", "same")
	for _, name := range names[:2] {
		all.Go(func() {
			if err := s.host.Remove(bounded(t), name); err != nil {
				t.Errorf("removing %s: %v", name, err)
			}
		})
	}
	all.Wait()
	s.wantInstalled(t, "c", "d", "same")
}

// TestVerifyDescription: the same file says something else of itself than when it
// was installed.
func TestVerifyDescription(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	path := s.script(t, "evil")
	name := filepath.Join(s.dir, "name")
	data, err := os.ReadFile(path)
	if err := errors.Join(err, os.WriteFile(name, []byte("evil"), 0o600),
		os.WriteFile(path, []byte(strings.Replace(string(data), "' evil\n", "' \"$(cat '"+name+"')\"\n", 1)), 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.host.Install(bounded(t), path, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.host.Verify(bounded(t), "evil"); err != nil {
		t.Errorf("Verify: %v", err)
	}
	for says, want := range map[string]string{"other": "other v1.0.0, a store", "evil@v2.0.0": "evil v2.0.0, a store", "evil@unlocking": "evil v1.0.0, a store"} {
		if err := os.WriteFile(name, []byte(says), 0o600); err != nil {
			t.Fatal(err)
		}
		wantTrust(t, s.host.Verify(bounded(t), "evil"), "it says that it is "+want+", and not what was installed")
	}
}

// TestNames: plugins are known by their names, and no other way.
func TestNames(t *testing.T) {
	t.Parallel()
	s := newScene(t, evil("bundled"))
	s.install(t, "evil")
	for _, name := range []string{"", "nosuch", "../plugins/evil", s.script(t, "evil"), "sh", "./evil"} {
		var ue *host.UnknownError
		if _, err := s.host.OpenStore(bounded(t), s.plain(name)); !errors.As(err, &ue) || !strings.Contains(err.Error(), "available: bundled, evil") || fault.Hint(err) == "" {
			t.Errorf("opening %q: %v", name, err)
		}
		if err := s.host.Verify(bounded(t), name); !errors.As(err, &ue) {
			t.Errorf("verifying %q: %v", name, err)
		}
		if err := s.host.Remove(bounded(t), name); !errors.As(err, &ue) {
			t.Errorf("removing %q: %v", name, err)
		}
	}
	s.wantNotRun(t)
	if _, err := s.host.OpenFrontend(s.plain("evil")); err == nil || !strings.Contains(err.Error(), "it is a store, not a frontend") {
		t.Errorf("a store as a frontend: %v", err)
	}
	if err := s.host.Remove(bounded(t), "bundled"); err == nil {
		t.Error("a bundled plugin was removed")
	}
	if err := s.host.Verify(bounded(t), "bundled"); err != nil {
		t.Errorf("verifying a bundled plugin: %v", err)
	}
	if err := s.host.Remove(bounded(t), "evil"); err != nil {
		t.Errorf("Remove: %v", err)
	}
	s.wantInstalled(t)
	if empty := (&host.Host{Dir: t.TempDir()}); true {
		if _, err := empty.Describe("x"); err == nil || !strings.Contains(err.Error(), "available: none") {
			t.Errorf("of nothing: %v", err)
		}
	}
}

// An endsWhen is a context that ends when something is so.
type endsWhen struct {
	context.Context
	so func() bool
}

// Err implements [context.Context].
func (c endsWhen) Err() error {
	if c.so() {
		return context.Canceled
	}
	return c.Context.Err()
}

// TestInstallFailsAtTheEnd: the executable is in its place, and the lock file
// cannot be written. What was installed before can be used, be it the same file or
// another one.
func TestInstallFailsAtTheEnd(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	path := s.script(t, "evil")
	old, err := s.host.Install(bounded(t), path, "")
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.Lstat(old.Path)
	if err != nil {
		t.Fatal(err)
	}
	moved := func() bool {
		now, err := os.Lstat(old.Path)
		return err != nil || !os.SameFile(before, now)
	}
	if _, err := s.host.Install(endsWhen{bounded(t), moved}, path, ""); !errors.Is(err, context.Canceled) || !moved() {
		t.Errorf("the same file: %v, in its place: %v", err, moved())
	}
	s.wantInstalled(t, "evil")
	other := s.script(t, "evil")
	data, err := os.ReadFile(other)
	if err := errors.Join(err, os.WriteFile(other, append(data, "# another\n"...), 0o700)); err != nil {
		t.Fatal(err)
	}
	two := func() bool {
		found, _ := filepath.Glob(filepath.Join(s.host.Dir, "plugins", "evil-*"))
		return len(found) > 1
	}
	if _, err := s.host.Install(endsWhen{bounded(t), two}, other, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("another file: %v", err)
	}
	s.wantInstalled(t, "evil")
	if err := s.host.Verify(bounded(t), "evil"); err != nil {
		t.Errorf("Verify: %v", err)
	}
}
