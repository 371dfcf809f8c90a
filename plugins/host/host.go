package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/plugins"
	"github.com/tokentoss/tokentoss/plugins/environment"
	"github.com/tokentoss/tokentoss/plugins/internal/handshake"
	"github.com/tokentoss/tokentoss/plugins/protect"
)

// A Host opens plugins by name. The zero value of each field but Dir is of use.
type Host struct {
	// Dir is the configuration directory, with the lock file and what is
	// installed.
	Dir string

	// Bundled are plugins that this very executable serves when it is started
	// with the arguments Serve and a plugin's name. Their names cannot be
	// installed over.
	Bundled []plugins.Plugin
	Serve   []string

	// Log gets what plugins say. Nil discards.
	Log *slog.Logger
}

// A Use is how a person uses a plugin, as config.toml says.
type Use struct {
	// Plugin is the plugin's name.
	Plugin string

	// Request is what the plugin is opened with. Its Dir, where it is empty, is a
	// directory of the configuration directory that has the request's name.
	plugins.Request

	// Timeout is how long a call of a store may take; 0 means 30 seconds.
	Timeout time.Duration

	// Environment names variables that the plugin gets beside the usual ones.
	Environment []string

	// Notify tells the person what an installed frontend did with the App. Nil tells
	// nobody.
	Notify func(format string, args ...any)

	// Files are what the process of a frontend inherits beside the standard streams, from
	// descriptor 3 on.
	Files []*os.File

	// Environ is the environment of which the plugin gets a part; nil means this
	// process's.
	Environ []string
}

// OpenStore starts the plugin of a store and opens it. The store's Close ends the
// process. Its errors are those of the store, an [*fault.Error] or a [*TrustError].
func (h *Host) OpenStore(ctx context.Context, u Use) (core.TokenStore, error) {
	u, err := h.complete(u, plugins.KindStore)
	if err != nil {
		return nil, err
	}
	conn, gone, end, err := h.connect(ctx, u)
	if err != nil {
		return nil, err
	}
	s, err := openStore(ctx, conn, u.Plugin, u.Request, u.Timeout, gone, end)
	if err != nil {
		end()
		return nil, h.speak(u, named(u, err))
	}
	if h.isOwn(u.Plugin) {
		return s, nil
	}
	return spokenStore{core.Full(s), speaker{u.Plugin}}, nil
}

// isOwn tells whether a plugin is a part of this program, which speaks for it.
func (h *Host) isOwn(plugin string) bool {
	_, bundled := h.bundled(plugin)
	return bundled
}

// speak names the plugin in an error, if it is not a part of this program.
func (h *Host) speak(u Use, err error) error {
	if h.isOwn(u.Plugin) {
		return err
	}
	return speaker{u.Plugin}.error(err)
}

// named says in which table of config.toml the settings are that err is about, if
// it is about settings.
func named(u Use, err error) error {
	if !errors.Is(err, plugins.ErrBadConfig) {
		return err
	}
	return &fault.Error{
		Subject: "plugin " + u.Plugin, Problem: fmt.Sprintf("table %q of config.toml", u.Name), Err: err,
		Remedy: fault.DescribePlugin.On(u.Plugin),
	}
}

// OpenFrontend returns the frontend of a plugin, whose process is started by each
// Run and ends with it.
func (h *Host) OpenFrontend(u Use) (core.Frontend, error) {
	u, err := h.complete(u, plugins.KindFrontend)
	if err != nil {
		return nil, err
	}
	f := &frontend{
		plugin: u.Plugin, request: u.Request,
		connect: func(ctx context.Context) (grpc.ClientConnInterface, func(string) *fault.Error, func(), error) {
			return h.connect(ctx, u)
		},
	}
	if h.isOwn(u.Plugin) {
		return f, nil
	}
	return spokenFrontend{f, speaker{u.Plugin}, u.Notify}, nil
}

// StoreOver opens the store that is served over conn. Whoever made conn closes it,
// after the store.
func StoreOver(ctx context.Context, conn grpc.ClientConnInterface, u Use) (core.TokenStore, error) {
	return openStore(ctx, conn, u.Plugin, u.Request, u.Timeout, noAnswer(u.Plugin), nil)
}

// FrontendOver returns the frontend that is served over conn. Whoever made conn
// closes it.
func FrontendOver(conn grpc.ClientConnInterface, u Use) core.Frontend {
	return &frontend{
		plugin: u.Plugin, request: u.Request,
		connect: func(context.Context) (grpc.ClientConnInterface, func(string) *fault.Error, func(), error) {
			return conn, noAnswer(u.Plugin), func() {}, nil
		},
	}
}

// noAnswer is the error of a plugin whose process is not known.
func noAnswer(plugin string) func(op string) *fault.Error {
	return func(op string) *fault.Error {
		return &fault.Error{Subject: "plugin " + plugin, Kind: core.ErrUnavailable, Problem: op + ": it gave no answer"}
	}
}

// complete fills in a use, and finds what is wrong with it before anything starts.
func (h *Host) complete(u Use, kind plugins.Kind) (Use, error) {
	d, err := h.Describe(u.Plugin)
	if err != nil {
		return u, err
	}
	if d.Kind != kind {
		return u, &fault.Error{Subject: "plugin " + u.Plugin, Problem: fmt.Sprintf("it is a %s, not a %s", d.Kind, kind), Remedy: fault.ListPlugins.On("")}
	}
	if u.Name == "" {
		u.Name = u.Plugin
	}
	if u.Request.Dir == "" {
		u.Request.Dir = filepath.Join(h.Dir, string(kind)+"s", u.Name)
	}
	if !h.isOwn(u.Plugin) {
		u.Request = speaker{u.Plugin}.request(u.Request)
	}
	return u, nil
}

// connect starts the process of a plugin, or uses the one that its author debugs. gone
// says why a call had no answer; end ends the process, where it was started.
func (h *Host) connect(ctx context.Context, u Use) (conn grpc.ClientConnInterface, gone func(string) *fault.Error, end func(), err error) {
	if conn, ok, err := h.reattach(u.Plugin); ok || err != nil {
		h.log().Warn("a plugin is used that runs already, and is not checked", "plugin", u.Plugin, "since", environment.ReattachVariable+" is set")
		return conn, noAnswer(u.Plugin), func() { _ = conn.Close() }, err
	}
	p, err := h.start(ctx, u)
	if err != nil {
		return nil, nil, nil, err
	}
	return p.conn, p.gone, p.close, nil
}

// start starts the process of a plugin.
func (h *Host) start(ctx context.Context, u Use) (*process, error) {
	p, err := h.program(u.Plugin)
	if err != nil {
		return nil, err
	}
	if u.Environ == nil {
		u.Environ = os.Environ()
	}
	return start(ctx, p, Environment(u.Environ, append([]string{protect.DebugVariable}, u.Environment...)...), u.Files, h.log())
}

func (h *Host) log() *slog.Logger {
	if h.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.Log
}

// Describe says what the plugin of that name is, from what is known without
// starting it.
func (h *Host) Describe(name string) (plugins.Description, error) {
	if d, ok, err := h.describeReattached(name); ok || err != nil {
		return d, err
	}
	if p, ok := h.bundled(name); ok {
		return p.Describe(), nil
	}
	p, err := h.installed(name)
	return p.Description, err
}

func (h *Host) bundled(name string) (plugins.Plugin, bool) {
	i := slices.IndexFunc(h.Bundled, func(p plugins.Plugin) bool { return p.Name == name })
	if i < 0 {
		return plugins.Plugin{}, false
	}
	return h.Bundled[i], true
}

// installed returns a plugin of the lock file.
func (h *Host) installed(name string) (Installed, error) {
	l, err := readLock(h.Dir)
	if err != nil {
		return Installed{}, err
	}
	p, ok := l.find(name)
	if !ok {
		return Installed{}, &UnknownError{Name: name, Known: h.names(l)}
	}
	return p, nil
}

func (h *Host) names(l *lock) []string {
	var names []string
	for _, p := range h.Bundled {
		names = append(names, p.Name)
	}
	for _, p := range l.list {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names
}

// An UnknownError is a name that no plugin has.
type UnknownError struct {
	Name  string
	Known []string // the names that there are
}

func (e *UnknownError) Error() string {
	known := strings.Join(e.Known, ", ")
	if known == "" {
		known = "none"
	}
	return fmt.Sprintf("there is no plugin %q; available: %s", e.Name, known)
}

// Is makes errors.Is(err, fault.UnknownPlugin) true.
func (e *UnknownError) Is(target error) bool { return target == fault.UnknownPlugin }

// program returns what to execute for a plugin.
func (h *Host) program(name string) (program, error) {
	if _, ok := h.bundled(name); ok {
		self, err := self()
		if err != nil {
			return program{}, &fault.Error{Subject: "plugin " + name, Problem: "this executable cannot be found", Err: err, Kind: core.ErrUnavailable}
		}
		return program{name: name, path: self, args: append(slices.Clone(h.Serve), name), self: true}, nil
	}
	p, err := h.installed(name)
	if err != nil {
		return program{}, err
	}
	if p.Protocol != handshake.Protocol {
		return program{}, &fault.Error{
			Subject: "plugin " + name, Problem: fmt.Sprintf("it speaks version %d of the protocol; this tokentoss speaks %d", p.Protocol, handshake.Protocol),
			Remedy: fault.Say("update the plugin, or tokentoss"),
		}
	}
	return program{name: name, path: p.Path, sha256: p.SHA256}, nil
}
