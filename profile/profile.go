package profile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/forward"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/core/privatefile"
	"github.com/tokentoss/tokentoss/stores/file"
)

// clientName is the name of the OAuth client's file.
const clientName = "client_secrets.json"

// FileStore is the name of the store that every program has.
const FileStore = "file"

// Options say which profile to open. The zero value is the one that the command
// line uses.
type Options struct {
	// Dir is the configuration directory; empty means [Dir].
	Dir string

	// Name is the profile; empty means $TOKENTOSS_PROFILE, else the one that
	// config.toml says, else "default".
	Name string

	// Store overrides the store of the settings, as $TOKENTOSS_STORE does.
	Store string

	// Stores are the stores that the program offers beside [FileStore], by name. [Store]
	// makes one of a function such as keyring.Open.
	Stores map[string]func(Place) (core.TokenStore, error)

	// OpenStore opens a store that is neither [FileStore] nor in Stores. Without
	// it, the name of such a store is an [*UnknownStoreError].
	OpenStore func(name string, p Place) (core.TokenStore, error)

	// OpenFlow opens the flow of a machine's profile; see package
	// github.com/tokentoss/tokentoss/core/googleid/machine. The paths of the settings
	// are whole. A flow whose tokens are the machine's own says so by a method
	// SelfSigned() bool. Without OpenFlow such a profile gives tokens that are stored,
	// and [core.ErrNoFlow] when none is.
	OpenFlow func(s Settings, p Place) (core.Flow, error)

	// IgnoreClient opens the profile without reading its OAuth client, for a
	// program that is about to configure another.
	IgnoreClient bool

	// Client is used in place of the profile's OAuth client. Nothing is read from
	// that one's file, and a client that comes by Configure lasts as long as the
	// session.
	Client *core.ClientSecrets

	// FixedClient keeps the OAuth client as it is: [core.Session.Configure] is refused. It
	// is for sessions of people who are not the profile's.
	FixedClient bool

	// Override changes the settings after they were read.
	Override func(*Settings)

	// Auth changes the options of the sign-in after the settings did.
	Auth func(*authcode.Options)

	// OneShot is for a program that ends after a call or two; see
	// [core.SessionOptions].
	OneShot bool

	// Logger gets what happens, never a secret. Nil discards.
	Logger *slog.Logger
}

// A Place is where a store of a profile may keep what it needs, and what the
// person set for it.
type Place struct {
	Dir     string // the configuration directory
	Profile string
	Store   string // the name of the store; empty for what is none

	// Settings are the table [stores.NAME] of config.toml, and Config is all of it.
	Settings map[string]any
	Config   *Config
}

// An UnknownStoreError is a name of a store that the program does not offer.
type UnknownStoreError struct {
	Name  string
	Known []string // the names that it offers
}

func (e *UnknownStoreError) Error() string {
	return fmt.Sprintf("there is no store %q; available: %s", e.Name, strings.Join(e.Known, ", "))
}

// Is makes errors.Is(err, fault.UnknownStore) true.
func (e *UnknownStoreError) Is(target error) bool { return target == fault.UnknownStore }

// A Profile is an open profile. It is the Session, and what it was made from.
type Profile struct {
	*core.Session
	Name     string
	Dir      string
	Settings Settings
	Store    string // the store in use

	// ClientFile is where the OAuth client is, or would be. It is empty where the
	// program gave the client.
	ClientFile string

	// Hub is the address of the service of a JupyterHub by which one signs in here; empty
	// where that is not so. See package
	// github.com/tokentoss/tokentoss/core/jupyterhub.
	Hub string

	// FixedClient says that the OAuth client cannot be changed.
	FixedClient bool

	// Forwarded says whose session this is, where another machine lends it; else it is
	// nil. See package github.com/tokentoss/tokentoss/core/forward.
	Forwarded *forward.Hello

	lender *forward.Client // of Forwarded
	store  core.TokenStore
	config *Config
	log    *slog.Logger
	saving sync.Mutex // of ClientFile, and of what is in it
}

// ClientFileNow is ClientFile for a program in which a client may be configured
// meanwhile.
func (p *Profile) ClientFileNow() string {
	p.saving.Lock()
	defer p.saving.Unlock()
	return p.ClientFile
}

// FrontendSettings returns the table [frontends.NAME] of config.toml.
func (p *Profile) FrontendSettings(name string) map[string]any { return p.config.Frontends[name] }

// Protection says what keeps others from reading the session, if the store can
// tell.
func (p *Profile) Protection() string { return core.Full(p.store).Describe() }

// Location says where the store keeps the session, if it can tell.
func (p *Profile) Location() string {
	return core.Full(p.store).Path(p.Name)
}

// Open opens a profile. A profile without an OAuth client is opened too: its
// session says that it is not configured. Close it when done.
func Open(o Options) (*Profile, error) {
	dir := o.Dir
	if dir == "" {
		var err error
		if dir, err = Dir(); err != nil {
			return nil, err
		}
	}
	config, err := ReadConfig(dir)
	if err != nil {
		return nil, err
	}
	name := config.NameOr(o.Name)
	settings, err := config.SettingsOf(name)
	if err != nil {
		return nil, err
	}
	if o.Override != nil {
		o.Override(&settings)
	}
	if os.Getenv(EnvInsecureLoopback) == "1" {
		settings.InsecureLoopback = true
	}
	p := &Profile{Name: name, Dir: dir, Settings: settings, ClientFile: clientFile(dir, name), config: config, log: o.Logger}
	p.Store = settings.StoreOr(o.Store)
	if o.Client != nil {
		p.ClientFile = ""
	}
	return p, p.open(o)
}

// open makes the session.
func (p *Profile) open(o Options) error {
	store, err := OpenStore(p.config, p.Store, p.Name, o)
	if err != nil {
		return err
	}
	p.store = store
	if err = p.openSession(o); err != nil {
		_ = core.Full(store).Close() // of which a plugin's process may be a part
	}
	return err
}

func (p *Profile) openSession(o Options) error {
	machine, err := p.machine(o)
	if err != nil {
		return err
	}
	var client *oidc.Client
	var flow core.FlowFunc
	if machine == nil {
		if client, err = p.client(o); err != nil {
			return err
		}
		if flow, err = p.flow(o); err != nil {
			return err
		}
	}
	if machine == nil && client == nil && !o.IgnoreClient && p.Store == FileStore {
		machine = p.borrow()
	}
	if machine == nil && client == nil && !o.IgnoreClient && p.Settings.Flow != DeviceFlow {
		client, flow = p.hub(flow, o)
	}
	lifetime, err := p.Settings.lifetime()
	if err != nil {
		return err
	}
	save := p.saveClient
	if p.FixedClient = o.FixedClient; p.FixedClient {
		save = refuseClient
	}
	if o.Client != nil && !o.FixedClient {
		save = nil
	}
	p.Session, err = core.NewSession(core.SessionOptions{
		Store: p.store, Key: p.Name, Client: client, Flow: flow, Machine: machine,
		Provider: p.provider(), SaveClient: save, Lifetime: lifetime, OneShot: o.OneShot, Logger: o.Logger,
	})
	return err
}

// client returns the OAuth client to begin with, or nil when there is none.
func (p *Profile) client(o Options) (*oidc.Client, error) {
	switch {
	case o.Client != nil:
		return oidc.NewClient(*o.Client, p.provider())
	case o.IgnoreClient:
		return nil, nil
	}
	return p.readClient()
}

func (p *Profile) provider() oidc.ProviderOptions {
	return oidc.ProviderOptions{
		Issuer: p.Settings.Issuer, HostedDomain: p.Settings.HostedDomain, InsecureLoopback: p.Settings.InsecureLoopback,
		RequireVerifiedEmail: p.Settings.RequireVerifiedEmail, TrustedAudiences: p.Settings.TrustedAudiences,
		Logger: p.log,
	}
}

// OpenStore opens the store of that name for a profile, as [Open] does, for a
// program that has to do with the store alone. Of o only the stores are used.
func OpenStore(c *Config, name, profile string, o Options) (core.TokenStore, error) {
	place := Place{Dir: c.dir, Profile: profile, Store: name, Settings: c.Stores[name], Config: c}
	if open, ok := o.Stores[name]; ok {
		return open(place)
	}
	if name != FileStore && o.OpenStore != nil {
		return o.OpenStore(name, place)
	}
	if name != FileStore {
		names := append(slices.Collect(maps.Keys(o.Stores)), FileStore)
		slices.Sort(names)
		return nil, &UnknownStoreError{Name: name, Known: names}
	}
	if path := os.Getenv(EnvTokenFile); path != "" {
		abs, err := resolve(EnvTokenFile, path, "")
		if err != nil {
			return nil, err
		}
		return file.NewFile(abs)
	}
	return file.New(c.dir)
}

// CheckStore finds out whether the store could take a session, without changing
// anything. A store that cannot tell is taken to be in order.
func (p *Profile) CheckStore(ctx context.Context) error {
	return core.Full(p.store).Check(ctx, p.Name)
}

// clientFile is where the OAuth client of a profile is: its own file, or else
// the default profile's.
func clientFile(dir, name string) string {
	shared := filepath.Join(dir, clientName)
	if name == core.DefaultKey {
		return shared
	}
	own := filepath.Join(dir, "profiles", name, clientName)
	if _, err := os.Lstat(own); err == nil {
		return own
	}
	return shared
}

// OAuthClient returns the profile's OAuth client, and nil when there is none, for a
// program that makes requests as the client itself.
func (p *Profile) OAuthClient() (*oidc.Client, error) { return p.readClient() }

// readClient returns the OAuth client, or nil when there is none. It is in a file that
// a platform or the person put there, or [Profile] itself.
func (p *Profile) readClient() (*oidc.Client, error) {
	given, err := privatefile.ReadGiven(p.ClientFile)
	if errors.Is(err, core.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	data, err := given.Secret()
	if err != nil {
		return nil, err
	}
	if len(data) == 0 { // as a full disk leaves it
		return nil, &core.Error{Subject: p.ClientFile, Kind: fault.BadClient, Problem: "0 bytes"}
	}
	cs, err := oidc.ParseClientSecrets(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.ClientFile, err)
	}
	client, err := oidc.NewClient(cs, p.provider())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.ClientFile, err)
	}
	return client, nil
}

// refuseClient is saveClient where the client is not for whose session it is to change.
func refuseClient(context.Context, core.ClientSecrets) error {
	return &core.Error{Subject: "OAuth client", Kind: fault.Refused, Problem: "it is not for visitors to change",
		Remedy: fault.Ask.To("who runs this app", "to change it")}
}

// saveClient keeps a client that was configured: for this profile alone, unless
// it is the default one.
func (p *Profile) saveClient(ctx context.Context, cs core.ClientSecrets) error {
	path := filepath.Join(p.Dir, clientName)
	if p.Name != core.DefaultKey {
		path = filepath.Join(p.Dir, "profiles", p.Name, clientName)
	}
	data, err := cs.Encode()
	if err != nil {
		return err
	}
	p.saving.Lock()
	defer p.saving.Unlock()
	if err := privatefile.ReplaceGiven(ctx, path, append(data, '\n')); err != nil {
		return err
	}
	p.ClientFile = path
	return nil
}

// Transport returns the transport that sends the session's token to the given
// origins, and to those of the settings' targets, and to no other.
func (p *Profile) Transport(origins ...string) (*iap.Transport, error) {
	o := iap.Options{Origins: p.Settings.Targets, InsecureLoopback: p.Settings.InsecureLoopback, Requests: p.Requests()}
	if len(o.Origins) > 0 {
		if _, err := iap.NewTransport(p.Session, o); err != nil {
			return nil, &SettingError{Key: "targets", Err: err}
		}
	}
	if err := p.CheckLent(origins...); err != nil {
		return nil, err
	}
	o.Origins = append(slices.Clone(origins), o.Origins...)
	return iap.NewTransport(p.Session, o)
}

// HTTPClient is an http.Client over [Profile.Transport].
func (p *Profile) HTTPClient(origins ...string) (*http.Client, error) {
	t, err := p.Transport(origins...)
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: t}, nil
}
