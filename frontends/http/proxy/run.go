package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/frontends/http/local"
	"github.com/tokentoss/tokentoss/plugins"
)

const (
	// headerTimeout and maxHeader bound what a client can hold before it was let
	// in. Bodies may take as long as they take.
	headerTimeout = 10 * time.Second
	maxHeader     = 128 << 10
	idleTimeout   = 2 * time.Minute

	// maxConnections leaves files for the connections to services. Those of
	// WebSockets do not count: they were let in.
	maxConnections = 1024

	// drain is how long requests may take that are under way when the run ends.
	drain = 800 * time.Millisecond
)

// Run implements [core.Frontend]. It serves until ctx ends, or for as long as is
// configured, which is no error.
func (p *Proxy) Run(ctx context.Context, app core.App) error {
	pl, err := p.listen(ctx)
	if err != nil {
		return err
	}
	defer pl.close()
	secret := ""
	if pl.socket == "" {
		if secret, err = p.secret(); err != nil {
			return err
		}
	}
	if secret == "" && pl.socket == "" && local.KnowsOwners() {
		for i, l := range pl.listeners {
			pl.listeners[i] = local.OnlyOwner(l, p.opts.Log)
		}
	}
	netrc, remove, err := p.netrcFile(secret, pl)
	if err != nil {
		return err
	}
	defer remove()
	// Requests, and questions to the App, end when the run is over, not when ctx
	// is: they have the time to drain.
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	log, closeLog, err := p.startLog(running)
	if err != nil {
		return err
	}
	defer closeLog()
	h, err := p.handler(running, app, pl, newKeyhole(secret, pl.port), log)
	if err != nil {
		return err
	}
	defer h.tokens.asking.Wait()
	p.introduce(ctx, h, pl, netrc)
	return p.serve(ctx, running, cancel, h, pl)
}

// handler makes the handler of a run.
func (p *Proxy) handler(running context.Context, app core.App, pl *place, k *keyhole, log *accessLog) (*handler, error) {
	h := &handler{
		targets: p.targets, sites: sites(p.targets, pl.hosts, pl.suffix), url: "http://" + pl.hosts[0], names: make(map[string]string),
		keyhole: k, tokens: &tokens{app: app, ctx: running}, log: log, silent: silentLog(),
	}
	for _, t := range p.targets {
		if t.name != "" {
			h.names[t.name] = "http://" + t.name + ".localhost" + pl.suffix
		}
	}
	h.relink = func(s *site) { p.print(running, "a browser: "+s.origin+k.link(s.origin)+" (works once)") }
	var err error
	h.transport, err = p.transport(h.tokens)
	return h, err
}

// serve serves until ctx ends, then lets requests end, then ends them.
func (p *Proxy) serve(ctx, running context.Context, cancel context.CancelFunc, h *handler, pl *place) error {
	server := &http.Server{
		Handler:                      h,
		ReadHeaderTimeout:            headerTimeout,
		IdleTimeout:                  idleTimeout,
		MaxHeaderBytes:               maxHeader,
		ErrorLog:                     h.silent, // it has bytes of requests that could not be read
		BaseContext:                  func(net.Listener) context.Context { return running },
		DisableGeneralOptionsHandler: true, // which answers before the Host is looked at
		ConnState:                    h.count,
	}
	if p.ends > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, p.ends)
		defer stop()
	}
	var serving, showing sync.WaitGroup
	showing.Go(func() { p.follow(running, h) })
	failed := make(chan error, len(pl.listeners))
	for _, l := range pl.listeners {
		serving.Go(func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				failed <- fmt.Errorf("proxy: %w", err)
			}
		})
	}
	if t, ok := p.opts.Terminal.(plugins.StatusLine); ok {
		showing.Go(func() { h.showStatus(running, t) })
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	draining, stop := context.WithTimeout(running, drain)
	_ = server.Shutdown(draining)
	stop()
	cancel()
	_ = server.Close()
	serving.Wait()
	showing.Wait()
	h.active.end() // upgraded connections, too
	h.transport.CloseIdleConnections()
	return err
}

// introduce tells the person where the proxy is and how to use it.
func (p *Proxy) introduce(ctx context.Context, h *handler, pl *place, netrc string) {
	k := h.keyhole
	if ready := p.opts.Ready; ready != nil {
		ready(Address{URL: h.url, Names: h.names, Secret: core.Secret(k.secret), Netrc: netrc})
	}
	for _, t := range p.targets {
		at := h.elsewhere(t) + "/"
		if pl.socket != "" {
			at += " on the socket " + pl.socket
		}
		p.print(ctx, t.origin()+" is at "+at)
	}
	if k.secret != "" {
		p.print(ctx, "tools: user "+user+", password "+k.secret+"; or "+h.url+k.path+"/")
		if netrc != "" {
			p.print(ctx, "curl --netrc-file "+netrc+" "+h.url+"/")
		}
		for _, s := range h.browsable() {
			h.relink(s)
		}
	} else if pl.socket == "" && local.KnowsOwners() {
		p.print(ctx, "there is no secret: every program of yours can use this; other users cannot")
	} else if pl.socket == "" {
		p.print(ctx, "warning: there is no secret: every program and every user of this machine can use this")
	}
	if p.config.Expose {
		p.print(ctx, "warning: other machines can reach this, and requests pass in clear text")
	}
}

// follow tells the person for whom the proxy is, now and after each change: others
// sign in and out of the session. A token of before is not used any more.
func (p *Proxy) follow(ctx context.Context, h *handler) {
	updates, err := h.tokens.app.Watch(ctx)
	if err != nil {
		p.opts.Log.Warn("the session cannot be watched: a sign-out elsewhere is noticed late", "error", err)
		return
	}
	shown := ""
	for st := range updates {
		if shown != "" { // at first nothing has changed
			h.tokens.forget()
		}
		line := "nobody is signed in: tokentoss login; the proxy goes on by itself then"
		switch st.State {
		case core.SignedIn:
			line = "for " + st.Email
		case core.NotConfigured:
			line = "there is no OAuth client: tokentoss configure"
		}
		if line != shown {
			shown = line
			p.print(ctx, line)
		}
	}
}

// browsable are the sites that a browser needs a link for.
func (h *handler) browsable() []*site {
	list := []*site{lookup(h.sites, h.url[len("http://"):])}
	if list[0].root == nil && len(list[0].prefixes) == 0 {
		list = nil
	}
	for _, t := range h.targets {
		if t.name != "" {
			list = append(list, lookup(h.sites, h.names[t.name][len("http://"):]))
		}
	}
	return list
}

// print shows a line to the person. A terminal that is gone is no reason to end.
func (p *Proxy) print(ctx context.Context, line string) {
	if p.opts.Terminal != nil {
		_ = p.opts.Terminal.Print(ctx, "tokentoss: "+line)
	}
}
