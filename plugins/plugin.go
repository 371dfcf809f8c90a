package plugins

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/tokentoss/tokentoss/core"
)

// Kind is what a plugin is.
type Kind string

// The kinds of plugins.
const (
	KindStore    Kind = "store"
	KindFrontend Kind = "frontend"
)

// Info says what a plugin is, before it is opened.
type Info struct {
	// Name is what config.toml calls it; see [core.CheckKey] for what it may be.
	Name string

	// Version is the plugin's own, such as v1.2.3.
	Version string

	// About is one line for people.
	About string

	// Locking and Listing declare that a store is a [core.Locker] and a
	// [core.Lister]. One that is declared and missing is an error when the store
	// is opened; one that is not declared is not used.
	Locking, Listing bool
}

// A Setting is a key of a plugin's table in config.toml.
type Setting struct {
	Name string `json:"name"`

	// Type says in words what to write: "text", "true or false", "a number", "a list",
	// "a table", or the two forms of a secret.
	Type  string `json:"type"`
	About string `json:"about,omitempty"`

	Required bool   `json:"required,omitempty"`
	Default  string `json:"default,omitempty"` // what counts when it is not set
	Secret   bool   `json:"secret,omitempty"`  // it says where a secret is
}

// Words say what a person has to know of a setting.
func (s Setting) Words() string {
	parts := []string{s.About}
	switch {
	case s.Required:
		parts = append(parts, "required")
	case s.Default != "":
		parts = append(parts, s.Default+" if not set")
	}
	return strings.TrimPrefix(strings.Join(parts, "; "), "; ")
}

// An Opening is what a plugin is opened with. C is the plugin's type for its settings,
// which are decoded as JSON is; settings that C does not have are an error that names
// them. A field of the type [setting.Secret] says where a secret is. Tags of fields:
//
//	about:"..."      describes the setting to people
//	required:"true"  the plugin cannot be opened without it
//	default:"..."    what it is when it is not set: a text, or JSON of another type
type Opening[C any] struct {
	Config C
	Request
}

// A Request is an [Opening] whose settings are still a JSON object.
type Request struct {
	// Name is the name under which a person configured the plugin. It is its
	// own, or another: two stores can be of one plugin.
	Name string

	// Settings is a JSON object, or empty.
	Settings []byte

	// Dir is a private directory for the plugin's files. It may not exist yet.
	Dir string

	// Log is never nil. It shows up in tokentoss's own log.
	Log *slog.Logger

	// Ask puts a question to the person, who answers unseen: for a passphrase. It
	// returns [core.ErrSealed] when there is nobody to ask. A store may call it at
	// any time while it is open.
	Ask func(ctx context.Context, question string) (core.Secret, error)

	// Terminal is where a frontend can show and read lines. It is nil for stores.
	Terminal Terminal
}

// A Terminal is the one that tokentoss runs in. A plugin has none of its own.
type Terminal interface {
	// Print shows a line.
	Print(ctx context.Context, line string) error

	// ReadLine shows prompt and returns the line that the person types. It
	// returns [io.EOF] when there is none, nor ever will be. Only one call may be
	// waiting at a time.
	ReadLine(ctx context.Context, prompt string) (string, error)

	// ReadSecret is ReadLine for what must not be seen.
	ReadSecret(ctx context.Context, prompt string) (core.Secret, error)
}

// A StatusLine is a [Terminal] that can keep a line below what is printed. The
// Terminal of a frontend in a process of its own always is one; where tokentoss runs
// in no terminal, nothing is shown.
type StatusLine interface {
	// Status shows line instead of the one before; the empty line takes it away.
	Status(ctx context.Context, line string) error
}

// A Browser is a [Terminal] beside which there is a browser. The Terminal of a
// frontend in a process of its own always is one.
type Browser interface {
	// Browse opens an address in the person's browser. Whether it shows anything
	// cannot be known: print the address as well.
	Browse(ctx context.Context, url string) error
}

// A Plugin is a store or a frontend that can be served and opened. Make one with
// [Store] or [Frontend].
type Plugin struct {
	Info
	Kind     Kind
	Settings []Setting

	store    func(context.Context, Request) (core.TokenStore, error)
	frontend func(context.Context, Request) (core.Frontend, error)
}

// Store makes a plugin of a store.
func Store[C any](info Info, open func(context.Context, Opening[C]) (core.TokenStore, error)) Plugin {
	return Plugin{
		Info: info, Kind: KindStore, Settings: settingsOf[C](),
		store: func(ctx context.Context, r Request) (core.TokenStore, error) {
			config, err := decode[C](r)
			if err != nil {
				return nil, err
			}
			return open(ctx, Opening[C]{Config: config, Request: r})
		},
	}
}

// Frontend makes a plugin of a frontend.
func Frontend[C any](info Info, open func(context.Context, Opening[C]) (core.Frontend, error)) Plugin {
	return Plugin{
		Info: info, Kind: KindFrontend, Settings: settingsOf[C](),
		frontend: func(ctx context.Context, r Request) (core.Frontend, error) {
			config, err := decode[C](r)
			if err != nil {
				return nil, err
			}
			return open(ctx, Opening[C]{Config: config, Request: r})
		},
	}
}

// OpenStore opens the store in this process. It has the capabilities that are declared
// and no other, and is guarded by [core.Guard].
func (p Plugin) OpenStore(ctx context.Context, r Request) (core.TokenStore, error) {
	if p.store == nil {
		return nil, fmt.Errorf("plugin %s is a %s, not a store", p.Name, p.Kind)
	}
	s, err := p.store(ctx, r.complete())
	if err != nil {
		return nil, err
	}
	store, can := core.Full(core.Guard(s)), core.CapabilitiesOf(s)
	switch {
	case p.Locking && !can.Locking:
		return nil, errors.Join(fmt.Errorf("plugin %s declares locking, and its store is not a core.Locker", p.Name), store.Close())
	case p.Listing && !can.Listing:
		return nil, errors.Join(fmt.Errorf("plugin %s declares listing, and its store is not a core.Lister", p.Name), store.Close())
	}
	return declared{store, core.Capabilities{Locking: p.Locking, Listing: p.Listing}}, nil
}

// declared is a store that has no more capabilities than its plugin declares.
type declared struct {
	core.FullStore
	capabilities core.Capabilities
}

// Capabilities implements [core.Wrapper].
func (d declared) Capabilities() core.Capabilities { return d.capabilities }

// Lock implements [core.Locker].
func (d declared) Lock(ctx context.Context, key string) (core.Lease, error) {
	if !d.capabilities.Locking {
		return nil, fmt.Errorf("the plugin declares no locking: %w", errors.ErrUnsupported)
	}
	return d.FullStore.Lock(ctx, key)
}

// List implements [core.Lister].
func (d declared) List(ctx context.Context) ([]string, error) {
	if !d.capabilities.Listing {
		return nil, fmt.Errorf("the plugin declares no listing: %w", errors.ErrUnsupported)
	}
	return d.FullStore.List(ctx)
}

// OpenFrontend opens the frontend in this process.
func (p Plugin) OpenFrontend(ctx context.Context, r Request) (core.Frontend, error) {
	if p.frontend == nil {
		return nil, fmt.Errorf("plugin %s is a %s, not a frontend", p.Name, p.Kind)
	}
	return p.frontend(ctx, r.complete())
}

// complete fills in what a plugin may rely on.
func (r Request) complete() Request {
	if r.Log == nil {
		r.Log = slog.New(slog.DiscardHandler)
	}
	if r.Ask == nil {
		r.Ask = func(context.Context, string) (core.Secret, error) {
			return "", fmt.Errorf("%w: there is nobody to ask", core.ErrSealed)
		}
	}
	return r
}
