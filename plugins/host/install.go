package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/internal/handshake"
	"github.com/tokentoss/tokentoss/plugins/internal/pb"
)

// installDir is where installed executables are, in the configuration directory.
const installDir = "plugins"

// maxExecutable bounds what is installed, in bytes.
const maxExecutable = 1 << 30

// Install copies an executable into the configuration directory, asks it what it
// is, and pins it in the lock file. A plugin of the same name and kind is replaced, and
// kept as its Previous. If
// sha256 is not empty, nothing is executed unless it is the file's.
func (h *Host) Install(ctx context.Context, path, sha256 string) (Installed, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return Installed{}, err
	}
	if err := checkFile(path); err != nil {
		return Installed{}, err
	}
	// A link that the person names is followed; what is pinned is a copy.
	from, err := privatefile.OpenProgram(path)
	switch {
	case errors.Is(err, core.ErrNotFound):
		return Installed{}, fmt.Errorf("%s: %w", path, syscall.ENOENT)
	case err != nil:
		return Installed{}, trusted(err)
	}
	defer from.Close()
	dir, err := h.installDir()
	if err != nil {
		return Installed{}, err
	}
	temp, err := copyExecutable(dir, from)
	if err != nil {
		return Installed{}, err
	}
	defer os.Remove(temp)
	got, err := sum(temp)
	if err != nil {
		return Installed{}, err
	}
	if want := strings.ToLower(strings.TrimSpace(sha256)); want != "" && want != got {
		return Installed{}, &TrustError{Path: path, Problem: fmt.Sprintf("its SHA-256 is %s, not %s", got, want), Fix: "get the file again from where it comes from"}
	}
	d, err := h.ask(ctx, program{name: filepath.Base(path), path: temp, sha256: got})
	if err != nil {
		return Installed{}, err
	}
	return h.pin(ctx, dir, temp, Installed{Description: d, SHA256: got, Installed: time.Now().UTC().Truncate(time.Second)})
}

// installDir makes the directory of installed plugins, and returns it without
// links.
func (h *Host) installDir() (string, error) {
	dir := filepath.Join(h.Dir, installDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("%s: %w", dir, bare(err))
	}
	return filepath.EvalSymlinks(dir)
}

// copyExecutable copies a file into dir, for the user alone, and returns the copy.
func copyExecutable(dir string, from *os.File) (temp string, err error) {
	path := from.Name()
	// A process that is started meanwhile would have the copy open for writing, until
	// it executes something, and the copy could not be executed.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	to, err := os.CreateTemp(dir, ".new-*"+extension)
	if err != nil {
		return "", fmt.Errorf("%s: %w", dir, bare(err))
	}
	defer func() {
		err = errors.Join(err, to.Close())
		if err != nil {
			os.Remove(to.Name())
		}
	}()
	n, err := io.Copy(to, io.LimitReader(from, maxExecutable+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("copying %s: %w", path, bare(err))
	case n > maxExecutable:
		return "", fmt.Errorf("%s: %w: more than 1 GiB", path, core.ErrTooLarge)
	}
	if err := to.Chmod(0o700); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return "", fmt.Errorf("%s: %w", to.Name(), bare(err))
	}
	return to.Name(), to.Sync()
}

// pin gives the copy its name and writes the lock file.
func (h *Host) pin(ctx context.Context, dir, temp string, p Installed) (Installed, error) {
	if err := core.CheckKey(p.Name); err != nil {
		return p, &fault.Error{Subject: "plugin " + printable(p.Name), Problem: "it has no name that can be used", Err: err}
	}
	if err := h.checkName(p.Name); err != nil {
		return p, err
	}
	p.Path = filepath.Join(dir, p.Name+"-"+p.SHA256[:12]+extension)
	var old Installed
	var replaced bool
	err := changeLock(ctx, h.Dir, func(l *lock) error {
		if old, replaced = l.find(p.Name); replaced {
			if err := checkReplaces(old, p); err != nil {
				return err
			}
			p = p.after(old)
		}
		if err := os.Rename(temp, p.Path); err != nil {
			return fmt.Errorf("%s: %w", p.Path, bare(err))
		}
		l.set(p)
		return nil
	})
	switch same := replaced && (old.Path == p.Path || old.Previous != nil && old.Previous.Path == p.Path); {
	case err != nil && !same:
		_ = os.Remove(p.Path)
	case err == nil && replaced:
		h.forget(old, p)
	}
	return p, err
}

// removeFile removes the executable of a plugin that is no more in the lock file,
// if Install made it.
func (h *Host) removeFile(p Installed) {
	if dir, err := h.installDir(); err == nil && filepath.Dir(p.Path) == dir {
		_ = os.Remove(p.Path)
	}
}

// ask starts a program and asks it what it is.
func (h *Host) ask(ctx context.Context, p program) (plugins.Description, error) {
	proc, err := start(ctx, p, Environment(os.Environ()), nil, h.log())
	if err != nil {
		return plugins.Description{}, err
	}
	defer proc.close()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	m, err := pb.NewPluginServiceClient(proc.conn).Describe(ctx, &pb.DescribeRequest{})
	if err != nil {
		if ctx.Err() != nil {
			return plugins.Description{}, &fault.Error{Subject: "plugin " + p.name, Kind: core.ErrUnavailable, Problem: "it does not say what it is", Err: ctx.Err()}
		}
		return plugins.Description{}, proc.gone("describe")
	}
	d := description(m)
	if d.Kind == "" {
		return d, &fault.Error{Subject: "plugin " + p.name, Problem: "it is of a kind that this tokentoss does not know", Kind: fault.Newer}
	}
	return d, nil
}

// description returns what a message says, made fit for a terminal.
func description(m *pb.DescribeResponse) plugins.Description {
	d := plugins.Description{
		Name: m.GetName(), Version: printable(m.GetVersion()), About: printable(m.GetAbout()), Protocol: handshake.Protocol,
	}
	switch m.GetKind() {
	case pb.Kind_KIND_STORE:
		d.Kind = plugins.KindStore
	case pb.Kind_KIND_FRONTEND:
		d.Kind = plugins.KindFrontend
	}
	for _, c := range m.GetCapabilities() {
		d.Locking = d.Locking || c == pb.Capability_CAPABILITY_LOCKING
		d.Listing = d.Listing || c == pb.Capability_CAPABILITY_LISTING
	}
	for _, s := range m.GetSettings() {
		d.Settings = append(d.Settings, plugins.Setting{Name: printable(s.GetName()), Type: printable(s.GetType()), About: printable(s.GetAbout())})
	}
	return d
}

// printable keeps a plugin's text to one line without control characters.
func printable(s string) string { return short(fault.Line(s)) }

// List returns the installed plugins, by name.
func (h *Host) List() ([]Installed, error) {
	l, err := readLock(h.Dir)
	if err != nil {
		return nil, err
	}
	return l.list, nil
}

// Verify checks an installed plugin as if it were to be used: that it may be
// executed, and that it then says what it said when it was installed.
func (h *Host) Verify(ctx context.Context, name string) error {
	if _, ok := h.bundled(name); ok {
		return nil
	}
	p, err := h.installed(name)
	if err != nil {
		return err
	}
	prog, err := h.program(name)
	if err != nil {
		return err
	}
	d, err := h.ask(ctx, prog)
	if err != nil {
		return err
	}
	if d.Name != p.Name || d.Version != p.Version || d.Kind != p.Kind || d.Locking != p.Locking || d.Listing != p.Listing {
		return &TrustError{
			Path: p.Path, Problem: fmt.Sprintf("it says that it is %s %s, a %s, and not what was installed, %s %s, a %s", d.Name, d.Version, d.Kind, p.Name, p.Version, p.Kind),
			Fix: "install the plugin again",
		}
	}
	return nil
}

// Remove takes an installed plugin out of the lock file and removes its
// executable. What it stored stays.
func (h *Host) Remove(ctx context.Context, name string) error {
	if _, ok := h.bundled(name); ok {
		return &fault.Error{Subject: "plugin " + name, Problem: "it is a part of tokentoss and cannot be removed"}
	}
	if _, err := h.installed(name); err != nil {
		return err
	}
	var removed []Installed
	err := changeLock(ctx, h.Dir, func(l *lock) error {
		if p, ok := l.find(name); ok { // or else somebody else was faster
			l.remove(name)
			removed = append(removed, p)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range removed {
		h.forget(p, Installed{})
	}
	return nil
}
