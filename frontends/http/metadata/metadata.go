package metadata

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/http/local"
	"github.com/tokentoss/tokentoss/plugins"
)

// Values of [Config.Guard].
const (
	GuardOwner = "owner" // connections of other users are closed
	GuardPath  = "path"  // the address has a secret in it
	GuardNone  = "none"
)

// Config is how a person configures the frontend.
type Config struct {
	Listen      string `json:"listen" about:"loopback address, host:port; a port that is free when not set"`
	For         string `json:"for" about:"how long to stay, such as 8h; until it is ended when not set"`
	AnyAudience bool   `json:"any_audience" about:"give the token also to who asks for another audience than its own"`
	Guard       string `json:"guard" about:"what keeps other users out: owner (Linux), path or none; owner or else path when not set"`
	Project     string `json:"project" about:"ID of the project to be in; none when not set"`
}

// Plugin returns the frontend as a plugin.
func Plugin() plugins.Plugin {
	return plugins.Frontend(plugins.Info{
		Name: "metadata", Version: "v0.1.0", About: "the metadata server of a Google Cloud machine, for programs that use Google's libraries",
	}, Open)
}

// grace is how long an answer that is under way may take when the run ends.
const grace = time.Second

// A frontend is the server.
type frontend struct {
	plugins.Opening[Config]
	stay time.Duration
}

// Open returns the frontend.
func Open(_ context.Context, o plugins.Opening[Config]) (core.Frontend, error) {
	stay, err := local.ParseStay(o.Config.For)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", plugins.ErrBadConfig, err)
	}
	f := &frontend{Opening: o, stay: stay}
	switch o.Config.Guard {
	case "":
		if f.Config.Guard = GuardPath; local.KnowsOwners() {
			f.Config.Guard = GuardOwner
		}
	case GuardOwner:
		if !local.KnowsOwners() {
			return nil, fmt.Errorf("%w: guard is path or none here, where the system does not say whose a connection is", plugins.ErrBadConfig)
		}
	case GuardPath, GuardNone:
	default:
		return nil, fmt.Errorf("%w: guard is %s, %s or %s", plugins.ErrBadConfig, GuardOwner, GuardPath, GuardNone)
	}
	if o.Terminal == nil {
		return nil, errors.New("frontend metadata: there is no terminal to show its address on")
	}
	return f, nil
}

// Run implements [core.Frontend]. It serves until ctx ends, or for as long as is
// configured, which is no error.
func (f *frontend) Run(ctx context.Context, app core.App) error {
	if f.stay > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.stay)
		defer cancel()
	}
	l, err := local.Listen(f.Config.Listen)
	if err != nil {
		return err
	}
	defer l.Close() // for the ways out that come before the server has it
	h := &handler{ctx: ctx, app: app, config: f.Config, log: f.Log}
	if f.Config.Guard == GuardPath {
		h.key = local.NewKey()
	}
	if err := f.announce(ctx, l, h.key); err != nil {
		return err
	}
	gate := &local.Gate{Hosts: hostsOf(l), Next: h, Refuse: refuse}
	if f.Config.Guard == GuardOwner {
		l = local.OnlyOwner(l, f.Log)
	}
	server := local.Serve(l, gate)
	f.follow(ctx, app)
	<-ctx.Done()
	server.Stop(grace)
	return nil
}

// hostsOf returns what the Host of a request may be. At the port of http it is
// written without, and metadata.google.internal can be made a name of this machine.
func hostsOf(l net.Listener) []string {
	hosts := local.HostsOf(l)
	if bound := l.Addr().(*net.TCPAddr); bound.Port == 80 {
		for _, host := range hosts {
			name, _, _ := net.SplitHostPort(host)
			hosts = append(hosts, name)
		}
		hosts = append(hosts, "metadata.google.internal")
	}
	return hosts
}

// announce says what to set, and what it opens.
func (f *frontend) announce(ctx context.Context, l net.Listener, key string) error {
	at := l.Addr().String()
	if key != "" {
		at += "/" + key
	}
	// Python's library looks at the second one to find out whether there is a server.
	lines := []string{"export GCE_METADATA_HOST=" + at + " GCE_METADATA_IP=" + at, "warning: " + f.opens()}
	for _, line := range lines {
		if err := f.Terminal.Print(ctx, "tokentoss: "+line); err != nil {
			return fmt.Errorf("the address cannot be shown: %w", err)
		}
	}
	return nil
}

func (f *frontend) opens() string {
	switch f.Config.Guard {
	case GuardOwner:
		return "every program of yours can take a token of yours here; other users of this machine cannot"
	case GuardPath:
		return "every program that knows this address can take a token of yours here: keep it to yourself"
	}
	return "every program and every user of this machine can take a token of yours here"
}

// follow says for whom the server is, now and after each change, until ctx ends.
func (f *frontend) follow(ctx context.Context, app core.App) {
	updates, err := app.Watch(ctx)
	if err != nil {
		f.Log.Warn("the session cannot be watched", "error", err)
		return
	}
	shown := ""
	for st := range updates {
		line := "nobody is signed in: tokentoss login"
		switch st.State {
		case core.SignedIn:
			line = "ID tokens of " + st.Email + ", for the audience " + st.ClientID
		case core.NotConfigured:
			line = "there is no OAuth client: tokentoss configure"
		}
		if line != shown {
			shown = line
			_ = f.Terminal.Print(ctx, "tokentoss: "+line) // a terminal that is gone is no reason to end
		}
	}
}
