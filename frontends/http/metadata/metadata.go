package metadata

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/peercred"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
	"github.com/tokentoss/tokentoss/frontends/http/metrics"
	"github.com/tokentoss/tokentoss/frontends/http/requestlog"
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

	MetricsListen     string `json:"metrics_listen" about:"HOST:PORT or unix:/PATH for metrics and health; none when not set"`
	MetricsBearerFile string `json:"metrics_bearer_file" about:"file with the word that who asks for metrics shows"`

	requestlog.Config
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
	ends    time.Duration
	monitor *metrics.Monitor
}

// Open returns the frontend.
func Open(_ context.Context, o plugins.Opening[Config]) (core.Frontend, error) {
	ends, err := loopback.ParseDuration(o.Config.For)
	if err != nil {
		return nil, err
	}
	f := &frontend{Opening: o, ends: ends}
	if f.monitor, err = metrics.New(o.Config.MetricsListen, o.Config.MetricsBearerFile, o.Log); err != nil {
		return nil, err
	}
	switch o.Config.Guard {
	case "":
		if f.Config.Guard = GuardPath; peercred.Supported() {
			f.Config.Guard = GuardOwner
		}
	case GuardOwner:
		if !peercred.Supported() {
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
	ctx, cancel := loopback.Limit(ctx, f.ends)
	defer cancel()
	ls, err := loopback.Listen(ctx, loopback.Address{Text: f.Config.Listen})
	if err != nil {
		return err
	}
	defer ls.Close() // for the ways out that come before the server has it
	app = f.monitor.App(app)
	h := &handler{app: app, config: f.Config, log: f.Log}
	if f.Config.Guard == GuardPath {
		h.key = loopback.NewKey()
	}
	hosts := ls.Hosts()
	if err := f.announce(ctx, hosts[0], h.key); err != nil {
		return err
	}
	if google := "metadata.google.internal"; ls.Port == "80" && ls.Holds(ctx, google) { // as /etc/hosts can make it
		hosts = append(hosts, ls.WithPort(google)...)
	}
	if err := f.monitor.Start(ctx, app); err != nil {
		return err
	}
	defer f.monitor.Stop()
	log, err := requestlog.Open(f.Config.Config, func(line string) { _ = f.Terminal.Print(ctx, line) })
	if err != nil {
		return err
	}
	defer log.Close()
	gate := &loopback.Gate{Hosts: hosts, Follow: func(r *http.Request) bool { return r.URL.Path == "/" }}
	server := loopback.NewServer(ctx, loopback.Options{BodyTimeout: 15 * time.Second, OwnerOnly: f.Config.Guard == GuardOwner, Log: f.Log})
	defer server.Stop(grace)
	server.Serve(ls, f.monitor.Handler(log.Handler(gate.Handler(loopback.EndWith(ctx, h), refuse), requestlog.Scope{Paths: []string{"/", identityPath}, Secrets: []string{h.key}})))
	var following sync.WaitGroup
	following.Go(func() {
		loopback.Follow(ctx, app, f.Log, f.say, func(line string) {
			_ = f.Terminal.Print(ctx, "tokentoss: "+line) // a terminal that is gone is no reason to end
		})
	})
	err = server.Wait(ctx)
	cancel()
	following.Wait()
	return err
}

// announce says what to set, and what it opens.
func (f *frontend) announce(ctx context.Context, at, key string) error {
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

// say tells for whom the server is.
func (*frontend) say(st core.Status) string {
	switch st.State {
	case core.SignedIn:
		return "ID tokens of " + st.Account() + ", for the audience " + st.ClientID
	case core.NotConfigured:
		return "there is no OAuth client: tokentoss configure"
	default:
		return "nobody is signed in: tokentoss login"
	}
}
