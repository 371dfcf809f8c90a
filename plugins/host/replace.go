package host

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
)

// builtin are the names of stores that need no plugin, and tokentoss's own, which begins
// what it says itself: what is installed could not be told from them.
var builtin = []string{"file", "memory", "tokentoss"}

// A Previous is the plugin that an installed one replaced. Its executable is kept until
// it is replaced again, so that one can go back.
type Previous struct {
	Version   string    `json:"version"`
	Path      string    `json:"path"`
	SHA256    string    `json:"sha256"`
	Installed time.Time `json:"installed"`
}

// checkReplaces tells whether new may have the place of old. A name never changes what
// it stands for: settings and profiles that name it would mean something else.
func checkReplaces(old, new Installed) error {
	if old.Kind == new.Kind {
		return nil
	}
	return &fault.Error{
		Subject: "plugin " + new.Name, Problem: "a " + string(old.Kind) + " of that name is installed, and this is a " + string(new.Kind),
		Kind: fault.Refused, Remedy: fault.Say("remove the installed one first, if it is not needed any more"),
	}
}

// checkName refuses a name that something else has.
func (h *Host) checkName(name string) error {
	if !slices.Contains(builtin, name) && !h.isOwn(name) {
		return nil
	}
	return &fault.Error{
		Subject: "plugin " + name, Problem: "tokentoss has a plugin of that name itself", Kind: fault.Refused,
		Remedy: fault.Say("ask its author for one with another name"),
	}
}

// checkFile refuses a directory with what to do about it.
func checkFile(path string) error {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return nil //nolint:nilerr // what is wrong is said when it is opened
	}
	remedy := fault.Say("name the executable in it")
	if matches, _ := os.ReadDir(path); slices.ContainsFunc(matches, func(e os.DirEntry) bool { return e.Name() == "go.mod" || e.Name() == "main.go" }) {
		remedy = fault.Say("build it first, with go build -C %s -o PLUGIN, and install the executable", path)
	}
	return &fault.Error{Subject: path, Problem: "it is a directory, not a regular file: a plugin is an executable", Remedy: remedy}
}

// after returns p as what follows old: the same file again is no replacement.
func (p Installed) after(old Installed) Installed {
	if p.SHA256 == old.SHA256 {
		p.Previous = old.Previous
		return p
	}
	p.Previous = &Previous{Version: old.Version, Path: old.Path, SHA256: old.SHA256, Installed: old.Installed}
	return p
}

// forget removes the executables of old that p does not need.
func (h *Host) forget(old, p Installed) {
	needed := []string{p.Path}
	if p.Previous != nil {
		needed = append(needed, p.Previous.Path)
	}
	paths := []string{old.Path}
	if old.Previous != nil {
		paths = append(paths, old.Previous.Path)
	}
	for _, path := range paths {
		if path != "" && !slices.Contains(needed, path) {
			h.removeFile(Installed{Path: path})
		}
	}
}

// Rollback puts the plugin that was replaced by the installed one back in its place,
// after asking it what it is. The one that it replaces is kept in turn.
func (h *Host) Rollback(ctx context.Context, name string) (Installed, error) {
	current, err := h.installed(name)
	if err != nil {
		return Installed{}, err
	}
	old := current.Previous
	if old == nil {
		return Installed{}, &fault.Error{Subject: "plugin " + name, Problem: "there is no earlier one to go back to", Kind: fault.NotFound}
	}
	d, err := h.ask(ctx, program{name: name, path: old.Path, sha256: old.SHA256})
	if err != nil {
		return Installed{}, err
	}
	back := Installed{Description: d, Path: old.Path, SHA256: old.SHA256, Installed: old.Installed}.after(current)
	err = changeLock(ctx, h.Dir, func(l *lock) error {
		if now, ok := l.find(name); !ok || now.SHA256 != current.SHA256 {
			return &fault.Error{Subject: "plugin " + name, Kind: fault.Conflict}
		}
		l.set(back)
		return nil
	})
	return back, err
}
