// Package serve is the frontend that serves a page and a token API on this
// machine. With [Config.Once] it is a way to sign in that ends with the sign-in;
// without, it stays.
package serve

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/http/api"
	"github.com/tokentoss/tokentoss/frontends/http/local"
	"github.com/tokentoss/tokentoss/frontends/http/page"
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
	stay time.Duration
}

// Open returns the frontend.
func Open(_ context.Context, o plugins.Opening[Config]) (core.Frontend, error) {
	stay, err := local.ParseStay(o.Config.For)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", plugins.ErrBadConfig, err)
	}
	f := &frontend{Opening: o, stay: stay}
	if o.Terminal == nil {
		return nil, errors.New("frontend http: there is no terminal to show its address on")
	}
	return f, nil
}

// Run implements [core.Frontend].
func (f *frontend) Run(ctx context.Context, app core.App) error {
	if f.stay <= 0 {
		return f.run(ctx, app)
	}
	limited, cancel := context.WithTimeout(ctx, f.stay)
	defer cancel()
	err := f.run(limited, app)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return core.ErrSignInTimeout
	}
	return err
}

// run serves until ctx ends or, if that is wanted, the person is signed in.
func (f *frontend) run(ctx context.Context, app core.App) error {
	listener, err := local.Listen(f.Config.Listen)
	if err != nil {
		return err
	}
	defer listener.Close() // for the ways out that come before the server has it
	key, err := f.writeKey()
	if err != nil {
		return err
	}
	defer key.remove()
	pageKey := local.NewKey()
	if err := f.announce(ctx, listener, pageKey, key); err != nil {
		return err
	}
	e := signin.Start(ctx, app, signin.Options{Once: f.Config.Once, RemoteHint: f.Config.Remote})
	h := &handler{ctx: ctx, page: &page.Handler{Controller: e, Key: pageKey}}
	if key != nil {
		h.api = &api.Handler{App: app, Key: key.key, KeyFile: key.path}
	}
	server := local.Serve(listener, &local.Gate{Hosts: local.HostsOf(listener), Next: h, Refuse: api.Refuse})
	err = e.Wait()
	server.Stop(grace) // the last message is on its way to the pages
	return err
}

// announce prints the addresses. The key of the page is in the fragment, which a
// browser sends to nobody.
func (f *frontend) announce(ctx context.Context, l net.Listener, pageKey string, key *keyFile) error {
	address := "http://" + l.Addr().String()
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
type handler struct {
	ctx  context.Context // of Run
	page *page.Handler
	api  *api.Handler
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.api != nil && slices.Contains(api.Paths(), r.URL.Path) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(h.ctx, cancel)()
		h.api.ServeHTTP(w, r.WithContext(ctx))
		return
	}
	h.page.ServeHTTP(w, r)
}
