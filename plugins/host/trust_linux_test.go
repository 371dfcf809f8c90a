package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
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

// wantTrust checks that err refuses to trust a file, with a text.
func wantTrust(t *testing.T, err error, text string) {
	t.Helper()
	if !errors.Is(err, core.ErrInsecure) || !strings.Contains(err.Error(), text) {
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

// TestCanceledBefore: what nobody waits for is not executed.
func TestCanceledBefore(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	s.install(t, "evil")
	ctx, cancel := context.WithCancel(bounded(t))
	cancel()
	if _, err := s.host.OpenStore(ctx, s.plain("evil")); !errors.Is(err, context.Canceled) || !errors.Is(err, core.ErrUnavailable) {
		t.Errorf("error %v, want the context's", err)
	}
	s.wantNotRun(t)
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
		"directory":   {func(_ *scene, p host.Installed) error { return errors.Join(os.Remove(p.Path), os.Mkdir(p.Path, 0o700)) }, "not a regular file"},
		"gone":        {func(_ *scene, p host.Installed) error { return os.Remove(p.Path) }, "not found"},
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
		"writable":      {func(p string) error { return os.Chmod(p, 0o620) }, core.ErrInsecure, "0620"},
		"foreign":       {func(p string) error { return os.Chown(p, 65534, 65534) }, core.ErrInsecure, ""},
		"foreign link":  {func(p string) error { return errors.Join(link(p), os.Lchown(p, 65534, 65534)) }, core.ErrInsecure, "belongs to user 65534"},
		"pipe":          {func(p string) error { return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o600)) }, fault.BadConfig, "a named pipe"},
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
			if fault.RemedyOf(err).String() == "" {
				t.Errorf("error %v has no remedy", err)
			}
			s.wantNotRun(t)
		})
	}
}

// TestLockFileIsLinked: the lock file may be readable by all, and a link of the user's
// own, which is written through.
func TestLockFileIsLinked(t *testing.T) {
	t.Parallel()
	s := newScene(t)
	p := s.install(t, "evil")
	path := filepath.Join(s.host.Dir, host.LockName)
	if err := errors.Join(os.Chmod(path, 0o644), link(path)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.host.Describe("evil"); err != nil {
		t.Errorf("Describe: %v", err)
	}
	if err := s.host.Remove(bounded(t), "evil"); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Type() != os.ModeSymlink {
		t.Errorf("the link is %v, %v", info, err)
	}
	if list, err := s.host.List(); err != nil || len(list) != 0 || exists(p.Path) {
		t.Errorf("List gives %v, %v; the executable is there: %t", list, err, exists(p.Path))
	}
}
