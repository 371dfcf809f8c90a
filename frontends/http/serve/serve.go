// Package serve is the frontend that serves a page and a token API on this
// machine. With [Config.Once] it is a way to sign in that ends with the sign-in;
// without, it stays.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/http/api"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
	"github.com/tokentoss/tokentoss/frontends/http/metrics"
	"github.com/tokentoss/tokentoss/frontends/http/page"
	"github.com/tokentoss/tokentoss/frontends/http/requestlog"
	"github.com/tokentoss/tokentoss/frontends/signin"
	"github.com/tokentoss/tokentoss/plugins"
)

// Config is how a person configures the frontend.
type Config struct {
	Listen string `json:"listen" about:"loopback address, host:port; a port that is free when not set"`
	For    string `json:"for" about:"how long to stay, such as 8h; until it is ended when not set"`
	Once   bool   `json:"once" about:"end with the sign-in, as a login does; no token API then"`
	Remote bool   `json:"remote" about:"the browser is on another machine: ask for the address that it ends on"`
	APIKey string `json:"api_key_file" about:"file for the header that the token API wants, written anew for each run"`

	MetricsListen     string `json:"metrics_listen" about:"HOST:PORT or unix:/PATH for metrics and health; none when not set"`
	MetricsBearerFile string `json:"metrics_bearer_file" about:"file with the word that who asks for metrics shows"`

	requestlog.Config
}

// Plugin returns the frontend as a plugin.
func Plugin() plugins.Plugin {
	return plugins.Frontend(plugins.Info{
		Name: "http", Version: "v0.1.0", About: "a page to sign in on, and a token API, on this machine",
	}, Open)
}

// grace is how long the last message may take to reach the pages.
const grace = time.Second

// A frontend serves the page.
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
	if o.Terminal == nil {
		return nil, errors.New("frontend http: there is no terminal to show its address on")
	}
	return f, nil
}

// Run implements [core.Frontend].
func (f *frontend) Run(ctx context.Context, app core.App) error {
	limited, cancel := loopback.Limit(ctx, f.ends)
	defer cancel()
	err := f.run(limited, app)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return core.ErrSignInTimeout
	}
	return err
}

// run serves until ctx ends or, if that is wanted, the person is signed in.
func (f *frontend) run(ctx context.Context, app core.App) error {
	ls, err := loopback.Listen(ctx, loopback.Address{Text: f.Config.Listen})
	if err != nil {
		return err
	}
	defer ls.Close() // for the ways out that come before the server has it
	key, err := f.writeKey()
	if err != nil {
		return err
	}
	defer key.remove()
	pageKey, hosts := loopback.NewKey(), ls.Hosts()
	if err := f.announce(ctx, "http://"+hosts[0], pageKey, key); err != nil {
		return err
	}
	app = f.monitor.App(app)
	if err := f.monitor.Start(ctx, app); err != nil {
		return err
	}
	defer f.monitor.Stop()
	if f.Config.Once && f.Config.Log == "" { // a person reads the terminal
		f.Config.Log = requestlog.None
	}
	log, err := requestlog.Open(f.Config.Config, func(line string) { _ = f.Terminal.Print(ctx, line) })
	if err != nil {
		return err
	}
	defer log.Close()
	e := signin.Start(ctx, app, signin.Options{Once: f.Config.Once, RemoteHint: f.Config.Remote})
	h := &handler{page: &page.Handler{Controller: e, Key: pageKey}}
	scope := requestlog.Scope{Paths: append(api.Paths(), "/"), Secrets: []string{pageKey}}
	if key != nil {
		scope.Secrets = append(scope.Secrets, key.key)
		h.api = loopback.EndWith(ctx, &api.Handler{App: app, Key: key.key, KeyFile: key.path})
	}
	// A person may follow a link to the page. There is nothing on it without the key,
	// and no other page can read it or frame it.
	gate := &loopback.Gate{Hosts: hosts, Follow: func(r *http.Request) bool { return r.URL.Path == "/" }}
	server := loopback.NewServer(ctx, loopback.Options{BodyTimeout: 15 * time.Second, Log: f.Log})
	server.Serve(ls, f.monitor.Handler(log.Handler(gate.Handler(h, api.Refuse), scope)))
	err = e.Wait()
	server.Stop(grace) // the last message is on its way to the pages
	return err
}

// announce prints the addresses. The key of the page is in the fragment, which a
// browser sends to nobody.
func (f *frontend) announce(ctx context.Context, address, pageKey string, key *keyFile) error {
	what := "open this page"
	if f.Config.Once {
		what += " to sign in"
	}
	lines := []string{what + ": " + address + "/#key=" + pageKey}
	if key != nil {
		lines = append(lines, fmt.Sprintf("tokens for programs: curl -H @%s %s/token", key.path, address))
	}
	for _, line := range lines {
		if err := f.Terminal.Print(ctx, "tokentoss: "+line); err != nil {
			return fmt.Errorf("the address of the page cannot be shown: %w", err)
		}
	}
	if b, ok := f.Terminal.(plugins.Browser); ok {
		return b.Browse(ctx, address+"/#key="+pageKey)
	}
	return nil
}

// A handler is the page and, if there is one, the API.
type handler struct{ page, api http.Handler }

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.api != nil && slices.Contains(api.Paths(), r.URL.Path) {
		h.api.ServeHTTP(w, r)
	} else {
		h.page.ServeHTTP(w, r)
	}
}
