package crashtest

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A disk is the files below a directory, and what is done to them.
type disk struct {
	dir     string
	names   map[string]int // as it began: what each name is of
	files   []string       // what is in each file, as it began
	changes []change

	now map[string]int // the names, with all changes
}

// aDirectory is what a name is of that is no file's.
const aDirectory = -1

type kind int

const (
	create kind = iota // of a name, which is of a file or a directory
	rename
	remove
	write
	truncate
	syncFile
	syncDir
)

// A change is what one system call does. Names are relative to the directory.
type change struct {
	kind     kind
	name, to string
	file     int
	data     string
}

// readDisk returns the disk below dir.
func readDisk(t *testing.T, dir string) *disk {
	t.Helper()
	d := &disk{dir: dir, names: map[string]int{".": aDirectory}}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if e.IsDir() {
			d.names[name] = aDirectory
			return nil
		}
		data, err := os.ReadFile(path)
		d.names[name] = d.add(string(data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	d.now = maps.Clone(d.names)
	return d
}

func (d *disk) add(data string) int {
	d.files = append(d.files, data)
	return len(d.files) - 1
}

// note adds what a system call does. It returns an error for one that changes a file in a
// way that is not known here.
func (d *disk) note(c call) error {
	name, inside := d.relative(c.file)
	var paths []string
	for _, s := range c.strings {
		if p, ok := d.relative(s); ok {
			paths = append(paths, p)
		}
	}
	switch c.name {
	case "openat", "open", "creat":
		d.noteOpen(c, paths)
	case "mkdir", "mkdirat":
		if len(paths) == 1 {
			d.changes = append(d.changes, change{kind: create, name: paths[0], file: aDirectory})
			d.now[paths[0]] = aDirectory
		}
	case "rename", "renameat", "renameat2":
		if len(paths) == 2 {
			d.changes = append(d.changes, change{kind: rename, name: paths[0], to: paths[1]})
			d.now[paths[1]] = d.now[paths[0]]
			delete(d.now, paths[0])
		}
	case "unlink", "unlinkat", "rmdir":
		if len(paths) == 1 {
			d.changes = append(d.changes, change{kind: remove, name: paths[0]})
			delete(d.now, paths[0])
		}
	case "write":
		if inside && len(c.strings) > 0 {
			d.changes = append(d.changes, change{kind: write, file: d.now[name], data: c.strings[0][:c.result]})
		}
	case "fsync", "fdatasync":
		if !inside {
			return nil
		}
		if file, ok := d.now[name]; ok && file != aDirectory {
			d.changes = append(d.changes, change{kind: syncFile, file: file})
		} else {
			d.changes = append(d.changes, change{kind: syncDir, name: name})
		}
	case "pwrite64", "writev", "pwritev", "ftruncate", "copy_file_range", "sendfile", "splice", "fallocate", "link", "linkat", "symlinkat":
		if inside || len(paths) > 0 {
			return fmt.Errorf("%s of %s is not simulated", c.name, name)
		}
	}
	return nil
}

func (d *disk) noteOpen(c call, paths []string) {
	if len(paths) != 1 {
		return
	}
	file, ok := d.now[paths[0]]
	switch {
	case !ok && strings.Contains(c.args, "O_CREAT"):
		file = d.add("")
		d.now[paths[0]] = file
		d.changes = append(d.changes, change{kind: create, name: paths[0], file: file})
	case ok && strings.Contains(c.args, "O_TRUNC"):
		d.changes = append(d.changes, change{kind: truncate, file: file})
	}
}

// relative returns the name of a path that is below the directory, or is it.
func (d *disk) relative(path string) (string, bool) {
	name, err := filepath.Rel(d.dir, strings.TrimSuffix(path, " (deleted)"))
	if err != nil || !filepath.IsAbs(path) || name == ".." || strings.HasPrefix(name, "../") {
		return "", false
	}
	return name, true
}

// A state is what is on the disk when the power is back.
type state map[string]*string // nil: a directory

// states returns all that a power cut after so many changes could leave.
func (d *disk) states(cut int) (all []state) {
	done := d.changes[:cut]
	var sure, perhaps []int // changes of names
	for i, c := range done {
		switch {
		case c.kind > remove:
		case d.synced(done[i+1:], c):
			sure = append(sure, i)
		default:
			perhaps = append(perhaps, i)
		}
	}
	contents := d.contents(done)
	for subset := range 1 << min(len(perhaps), 10) {
		chosen := slices.Clone(sure)
		for bit, i := range perhaps {
			if bit < 10 && subset>>bit&1 == 1 {
				chosen = append(chosen, i)
			}
		}
		slices.Sort(chosen)
		names := d.namesAfter(done, chosen)
		for _, files := range contents {
			s := state{}
			for name, file := range names {
				if s[name] = nil; file != aDirectory {
					s[name] = &files[file]
				}
			}
			all = append(all, s)
		}
	}
	return all
}

// synced tells whether the directories of a change of a name were synced later.
func (d *disk) synced(later []change, c change) bool {
	has := func(name string) bool {
		dir := filepath.Dir(name)
		return slices.ContainsFunc(later, func(l change) bool { return l.kind == syncDir && l.name == dir })
	}
	return has(c.name) && (c.to == "" || has(c.to))
}

// contents returns what may be in the files: what is sure, all that was written, or half of
// what was written since.
func (d *disk) contents(done []change) (all [][]string) {
	live, sure := slices.Clone(d.files), slices.Clone(d.files)
	for _, c := range done {
		switch c.kind {
		case write:
			live[c.file] += c.data
		case truncate:
			live[c.file] = ""
		case syncFile:
			sure[c.file] = live[c.file]
		}
	}
	half := slices.Clone(sure)
	for i := range live {
		if live[i] != sure[i] {
			half[i] = live[i][:len(live[i])/2]
		}
	}
	return [][]string{sure, half, live}
}

// namesAfter returns the names after the chosen changes. One that needs another which was
// lost, is lost too.
func (d *disk) namesAfter(done []change, chosen []int) map[string]int {
	names := maps.Clone(d.names)
	put := func(name string, file int) {
		if dir, ok := names[filepath.Dir(name)]; ok && dir == aDirectory {
			names[name] = file
		}
	}
	for _, i := range chosen {
		c := done[i]
		switch file, ok := names[c.name]; {
		case c.kind == create:
			put(c.name, c.file)
		case !ok:
		case c.kind == rename:
			delete(names, c.name)
			put(c.to, file)
		default:
			delete(names, c.name)
		}
	}
	return names
}

// String tells states apart.
func (s state) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s)) {
		fmt.Fprintf(&b, "%q", name)
		if s[name] != nil {
			fmt.Fprintf(&b, "=%q", *s[name])
		}
	}
	return b.String()
}

// names lists the names, with the sizes of the files.
func (s state) names() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if s[name] != nil {
			name = fmt.Sprintf("%s (%d bytes)", name, len(*s[name]))
		}
		all = append(all, name)
	}
	return strings.Join(all, ", ")
}

// write writes the state into a directory.
func (s state) write(dir string) error {
	for _, name := range slices.Sorted(maps.Keys(s)) { // a directory comes before what is in it
		path := filepath.Join(dir, name)
		var err error
		if s[name] == nil {
			err = os.MkdirAll(path, 0o700)
		} else {
			err = os.WriteFile(path, []byte(*s[name]), 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
