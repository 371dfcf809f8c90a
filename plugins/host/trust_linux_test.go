package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/host"
)

// script writes an executable that marks that it ran and then is the evil store of
// that name, in a directory of its own.
func (s *scene) script(t testing.TB, name string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	text := fmt.Sprintf("#!/bin/sh\necho ran >> '%s'\nexec '%s' %s\n", s.marker(), self, name)
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func (s *scene) marker() string { return filepath.Join(s.dir, "ran") }

// wantNotRun checks that no script ran since the last time.
func (s *scene) wantNotRun(t *testing.T) {
	t.Helper()
	if exists(s.marker()) {
		t.Error("it was executed")
	}
}

// install installs a script, or ends the test.
func (s *scene) install(t testing.TB, name string) host.Installed {
	t.Helper()
	p, err := s.host.Install(bounded(t), s.script(t, name), "")
	if err != nil {
		t.Fatalf("installing: %v", err)
	}
	if err := os.Remove(s.marker()); err != nil {
		t.Fatalf("it was not executed: %v", err)
	}
	return p
}

// wantTrust checks that err refuses to trust, with a text.
func wantTrust(t *testing.T, err error, text string) {
	t.Helper()
	var te *host.TrustError
	if !errors.As(err, &te) || !errors.Is(err, core.ErrInsecure) || !strings.Contains(err.Error(), text) {
		t.Errorf("error %v (%T), want one of trust with %q", err, err, text)
	}
}

func (s *scene) plain(name string) host.Use {
	return host.Use{Plugin: name, Request: plugins.Request{Dir: s.dir}}
}

// TestInstalled: what was installed is opened.
func TestInstalled(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.install(t, "evil")
	want := plugins.Description{
		Name: "evil", Version: "v1.0.0", About: "evil", Kind: plugins.KindStore, Protocol: 1, Locking: true, Listing: true,
		Settings: []plugins.Setting{{Name: "in", Type: "text"}, {Name: "fault", Type: "text"}},
	}
	if got, err := s.host.Describe("evil"); err != nil || fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(p.Description) != fmt.Sprint(want) {
		t.Errorf("it is %+v, %v, want %+v", got, err, want)
	}
	if err := s.host.Verify(bounded(t), "evil"); err != nil {
		t.Errorf("Verify: %v", err)
	}
	store := s.open(t, s.plain("evil"))
	if _, err := store.Save(bounded(t), "a", core.Record{Data: []byte("{}")}); err != nil {
		t.Errorf("Save: %v", err)
	}
	info, err := os.Lstat(p.Path)
	if err != nil || info.Mode().Perm() != 0o700 || filepath.Dir(p.Path) != filepath.Join(s.host.Dir, "plugins") {
		t.Errorf("%s: %v, %v", p.Path, info.Mode(), err)
	}
}

// TestNotTrusted changes something between the installation and the use. Nothing
// is executed.
func TestNotTrusted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(s *scene, p host.Installed) error
		want  string
	}{
		"byte": {func(_ *scene, p host.Installed) error {
			data, err := os.ReadFile(p.Path)
			data[len(data)-2] ^= 1
			return errors.Join(err, os.WriteFile(p.Path, data, 0o700))
		}, "it was changed"},
		"other file": {func(s *scene, p host.Installed) error {
			return errors.Join(os.Remove(p.Path), os.WriteFile(p.Path, []byte("#!/bin/sh\necho ran > "+s.marker()), 0o700))
		}, "it was changed"},
		"group":        {func(_ *scene, p host.Installed) error { return os.Chmod(p.Path, 0o720) }, "others can write"},
		"world":        {func(_ *scene, p host.Installed) error { return os.Chmod(p.Path, 0o702) }, "others can write"},
		"owner":        {func(_ *scene, p host.Installed) error { return os.Chown(p.Path, 65534, 65534) }, "belongs to user 65534"},
		"parent group": {func(s *scene, _ host.Installed) error { return os.Chmod(filepath.Join(s.host.Dir, "plugins"), 0o770) }, "others can write"},
		"parent world": {func(s *scene, _ host.Installed) error { return os.Chmod(filepath.Join(s.host.Dir, "plugins"), 0o702) }, "others can write"},
		"parent sticky": {func(s *scene, _ host.Installed) error {
			return os.Chmod(filepath.Join(s.host.Dir, "plugins"), 0o777|os.ModeSticky)
		}, "others can write"},
		"parent owner": {func(s *scene, _ host.Installed) error {
			return os.Chown(filepath.Join(s.host.Dir, "plugins"), 65534, 65534)
		}, "belongs to user"},
		"upper owner": {func(s *scene, _ host.Installed) error { return os.Chown(filepath.Dir(s.host.Dir), 65534, 65534) }, "belongs to user"},
		"upper world": {func(s *scene, _ host.Installed) error { return os.Chmod(filepath.Dir(s.host.Dir), 0o777) }, "others can write"},
		"link":        {func(_ *scene, p host.Installed) error { return link(p.Path) }, "symbolic link"},
		"parent link": {func(s *scene, _ host.Installed) error { return link(filepath.Join(s.host.Dir, "plugins")) }, "symbolic link"},
		"directory":   {func(_ *scene, p host.Installed) error { return errors.Join(os.Remove(p.Path), os.Mkdir(p.Path, 0o700)) }, "it is no file"},
		"gone":        {func(_ *scene, p host.Installed) error { return os.Remove(p.Path) }, "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			p := s.install(t, "evil")
			if err := c.spoil(s, p); err != nil {
				t.Skipf("this user cannot do that: %v", err)
			}
			_, err := s.host.OpenStore(bounded(t), s.plain("evil"))
			wantTrust(t, err, c.want)
			wantTrust(t, s.host.Verify(bounded(t), "evil"), c.want)
			s.wantNotRun(t)
		})
	}
}

// link puts a link to what path is in its place.
func link(path string) error {
	return errors.Join(os.Rename(path, path+".moved"), os.Symlink(path+".moved", path))
}

// TestStickyAbove: /tmp has the sticky bit, and what is under it is fine when it
// is not directly so.
func TestStickyAbove(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.install(t, "evil")
	if err := os.Chmod(filepath.Dir(s.host.Dir), 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	s.open(t, s.plain("evil"))
}

// lockForm is the lock file, to be written wrong.
type lockForm struct {
	Version int              `json:"version"`
	Plugins []host.Installed `json:"plugins"`
}

// TestLockFile has lock files that are not to be believed. Nothing is executed.
func TestLockFile(t *testing.T) {
	t.Parallel()
	change := func(f func(*lockForm)) func(string) error {
		return func(path string) error {
			var form lockForm
			data, err := os.ReadFile(path)
			if err := errors.Join(err, json.Unmarshal(data, &form)); err != nil {
				return err
			}
			f(&form)
			data, err = json.Marshal(form)
			return errors.Join(err, os.WriteFile(path, data, 0o600))
		}
	}
	replace := func(old, new string) func(string) error {
		return func(path string) error {
			data, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path, []byte(strings.Replace(string(data), old, new, 1)), 0o600))
		}
	}
	for name, c := range map[string]struct {
		spoil func(path string) error
		kind  error
		want  string
	}{
		"readable":      {func(p string) error { return os.Chmod(p, 0o604) }, core.ErrInsecure, "0604"},
		"writable":      {func(p string) error { return os.Chmod(p, 0o620) }, core.ErrInsecure, "0620"},
		"foreign":       {func(p string) error { return os.Chown(p, 65534, 65534) }, core.ErrInsecure, ""},
		"link":          {link, core.ErrInsecure, ""},
		"directory":     {func(p string) error { return os.Chmod(filepath.Dir(p), 0o777) }, core.ErrInsecure, ""},
		"empty":         {func(p string) error { return os.Truncate(p, 0) }, core.ErrCorrupt, ""},
		"cut short":     {func(p string) error { return os.Truncate(p, 40) }, core.ErrCorrupt, "not the JSON"},
		"junk after":    {replace("]\n}\n", "]\n} {}"), core.ErrCorrupt, "not the JSON"},
		"unknown field": {replace(`"sha256"`, `"sha257"`), core.ErrCorrupt, "not the JSON"},
		"no version":    {change(func(f *lockForm) { f.Version = 0 }), core.ErrCorrupt, "not the JSON"},
		"newer":         {change(func(f *lockForm) { f.Version = 2 }), nil, "it has version 2; this tokentoss knows version 1"},
		"no sum":        {change(func(f *lockForm) { f.Plugins[0].SHA256 = "" }), core.ErrCorrupt, "not the JSON"},
		"short sum":     {change(func(f *lockForm) { f.Plugins[0].SHA256 = f.Plugins[0].SHA256[:12] }), core.ErrCorrupt, "not the JSON"},
		"upper sum":     {change(func(f *lockForm) { f.Plugins[0].SHA256 = strings.ToUpper(f.Plugins[0].SHA256) }), core.ErrInsecure, "it was changed"},
		"no path":       {change(func(f *lockForm) { f.Plugins[0].Path = "" }), core.ErrCorrupt, "not the JSON"},
		"twice":         {change(func(f *lockForm) { f.Plugins = append(f.Plugins, f.Plugins[0]) }), core.ErrCorrupt, "not the JSON"},
		"relative":      {change(func(f *lockForm) { f.Plugins[0].Path = "evil" }), core.ErrInsecure, "not an absolute path"},
		"dots": {change(func(f *lockForm) {
			f.Plugins[0].Path = filepath.Dir(f.Plugins[0].Path) + "/../plugins/" + filepath.Base(f.Plugins[0].Path)
		}), core.ErrInsecure, "shortest form"},
		"protocol": {change(func(f *lockForm) { f.Plugins[0].Protocol = 2 }), nil, "it speaks version 2 of the protocol; this tokentoss speaks 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			s.install(t, "evil")
			if err := c.spoil(filepath.Join(s.host.Dir, host.LockName)); err != nil {
				t.Skipf("this user cannot do that: %v", err)
			}
			_, err := s.host.OpenStore(bounded(t), s.plain("evil"))
			if err == nil || c.kind != nil && !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %v with %q", err, c.kind, c.want)
			}
			var hint interface{ Hint() string }
			if !errors.As(err, &hint) || hint.Hint() == "" {
				t.Errorf("error %v has no hint", err)
			}
			s.wantNotRun(t)
		})
	}
}

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
		"folder":   {plugin: "evil", spoil: func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }, want: "it is no file"},
		"empty":    {plugin: "evil", spoil: func(p string) error { return os.Truncate(p, 0) }, want: "it cannot be executed: exec format error", runs: true},
		"bundled":  {plugin: "bundled", want: "tokentoss has a plugin of that name itself", runs: true},
		"name":     {plugin: "start-named", want: "plugin ../Evil [31m: it has no name that can be used", runs: true},
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
	if err != nil || second.Path == first.Path || exists(first.Path) {
		t.Errorf("replacing: %+v, %v", second, err)
	}
	for range 2 {
		again, err := s.host.Install(bounded(t), path, strings.ToUpper(second.SHA256)+"\n")
		if err != nil || again.Path != second.Path {
			t.Errorf("the same again: %+v, %v", again, err)
		}
	}
	s.wantInstalled(t, "evil")
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
	if err := os.WriteFile(name, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantTrust(t, s.host.Verify(bounded(t), "evil"), "it says that it is other v1.0.0, a store, and not what was installed")
}

// TestNames: plugins are known by their names, and no other way.
func TestNames(t *testing.T) {
	t.Parallel()
	s := newScene(t, evil("bundled"))
	s.install(t, "evil")
	for _, name := range []string{"", "nosuch", "../plugins/evil", s.script(t, "evil"), "sh", "./evil"} {
		var ue *host.UnknownError
		if _, err := s.host.OpenStore(bounded(t), s.plain(name)); !errors.As(err, &ue) || !strings.Contains(err.Error(), "there is: bundled, evil") || ue.Hint() == "" {
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
		if _, err := empty.Describe("x"); err == nil || !strings.Contains(err.Error(), "there is: none") {
			t.Errorf("of nothing: %v", err)
		}
	}
}
