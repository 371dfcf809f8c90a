package proxy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/peercred"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
	"github.com/tokentoss/tokentoss/plugins"
)

// Bodies may take as long as they take. Connections of WebSockets do not count: they
// were let in.
var serverOptions = loopback.Options{HeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeader: 128 << 10, MaxConnections: 1024, UnencryptedHTTP2: true}

// drain is how long requests may take that are under way when the run ends.
const drain = 800 * time.Millisecond

// Run implements [core.Frontend]. It serves until ctx ends, or for as long as is
// configured, which is no error.
func (p *Proxy) Run(ctx context.Context, app core.App) error {
	ls, err := p.listen(ctx)
	if err != nil {
		return err
	}
	defer ls.Close() // for the ways out that come before the server has it
	secret := ""
	if ls.Socket == "" {
		if secret, err = p.secret(ctx); err != nil {
			return err
		}
	}
	options := serverOptions
	options.Log = p.opts.Log
	options.OwnerOnly = secret == "" && peercred.Supported()
	// Requests, and questions to the App, end when the server is stopped, not when
	// ctx is: they have the time to drain.
	server := loopback.NewServer(ctx, options)
	defer server.Stop(0)
	auth := newAuthenticator(secret, ls.Port)
	log, closeLog, err := p.startLog(server.Context(), auth.traces.redact)
	if err != nil {
		return err
	}
	defer closeLog()
	app = p.monitor.App(app)
	if err := p.monitor.Start(server.Context(), app); err != nil {
		return err
	}
	defer p.monitor.Stop()
	h, err := p.handler(server.Context(), app, ls, auth, log)
	if err != nil {
		return err
	}
	defer h.tokens.asking.Wait()
	at := Address{URL: h.url, Names: h.names, Secret: core.Secret(secret)}
	var remove func()
	if at.Netrc, at.Git, remove, err = p.writeCredentials(ctx, secret, ls.Port, h.gate.Hosts); err != nil {
		return err
	}
	defer remove()
	p.introduce(ctx, h, ls, at, options.OwnerOnly)
	return p.serve(ctx, server, h, ls)
}

// listen opens the address that is configured.
func (p *Proxy) listen(ctx context.Context) (*loopback.Listeners, error) {
	named := slices.ContainsFunc(p.targets, func(t *target) bool { return t.name != "" })
	ls, err := loopback.Listen(ctx, loopback.Address{Text: p.config.Listen, Names: named, Expose: p.config.Expose, Unix: true})
	switch {
	case errors.Is(err, loopback.ErrReachable):
		return nil, fmt.Errorf("%w; or set expose", err)
	case err != nil:
		return nil, err
	case named && !ls.Localhost():
		ls.Close()
		return nil, badConfig("the targets with a name are at NAME.localhost, of which this machine does not let the proxy have every address: give them a path, like /NAME=URL")
	}
	return ls, nil
}

// handler makes the handler of a run.
func (p *Proxy) handler(running context.Context, app core.App, ls *loopback.Listeners, auth *authenticator, log *accessLog) (*handler, error) {
	hosts := append(ls.Hosts(), ls.WithPort(p.config.Hosts...)...)
	h := &handler{
		targets: p.targets, url: "http://" + hosts[0], names: make(map[string]string), sites: make(map[string]*site),
		auth: auth, tokens: &tokens{app: app, ctx: running}, log: log, silent: silentLog(),
	}
	for _, host := range hosts {
		h.sites[host] = siteOf(host, p.targets)
	}
	for _, t := range p.targets {
		if t.name == "" {
			continue
		}
		own := ls.WithPort(t.name + ".localhost")
		h.names[t.name] = "http://" + own[0]
		for _, host := range own {
			h.sites[host] = &site{origin: "http://" + host, root: t}
		}
		hosts = append(hosts, own...)
	}
	h.gate = &loopback.Gate{
		Hosts:  hosts,
		Follow: func(r *http.Request) bool { return strings.HasPrefix(r.RequestURI, openPath) },
		Shows: func(r *http.Request) bool {
			path, _ := rawPath(r.RequestURI)
			_, by := auth.authenticate(r.Header, path)
			return auth.secret != "" && by == proofSecret
		},
	}
	h.relink = func(s *site) { p.print(running, "a browser: "+s.origin+auth.link(s.origin)+" (works once)") }
	var err error
	h.transport, err = p.transport(h.tokens)
	return h, err
}

// serve serves until ctx ends, then lets requests end, then ends them.
func (p *Proxy) serve(ctx context.Context, server *loopback.Server, h *handler, ls *loopback.Listeners) error {
	ctx, cancel := loopback.Limit(ctx, p.ends)
	defer cancel()
	var showing sync.WaitGroup
	showing.Go(func() { p.follow(server.Context(), h) })
	server.Serve(ls, p.monitor.Handler(h))
	if t, ok := p.opts.Terminal.(plugins.StatusLine); ok {
		showing.Go(func() { h.showStatus(server.Context(), t) })
	}
	err := server.Wait(ctx)
	server.Stop(drain)
	showing.Wait()
	h.transport.CloseIdleConnections()
	return err
}

// introduce tells the person where the proxy is and how to use it.
func (p *Proxy) introduce(ctx context.Context, h *handler, ls *loopback.Listeners, own Address, ownerOnly bool) {
	if ready := p.opts.Ready; ready != nil {
		ready(own)
	}
	for _, t := range p.targets {
		at := h.elsewhere(t) + "/"
		if ls.Socket != "" {
			at += " on the socket " + ls.Socket
		}
		p.print(ctx, t.origin()+" is at "+at)
	}
	switch {
	case own.Secret != "":
		p.print(ctx, "tools: user "+user+", password "+own.Secret.Reveal()+"; or "+h.url+h.auth.path+"/")
		if own.Netrc != "" {
			p.print(ctx, "curl --netrc-file "+own.Netrc+" "+h.url+"/")
			p.print(ctx, "git config --global credential."+h.url+".helper 'store --file \""+own.Git+"\"'")
		}
		for _, s := range h.browsable() {
			h.relink(s)
		}
	case ls.Socket != "":
	case ownerOnly:
		p.print(ctx, "there is no secret: every program of yours can use this; other users cannot")
	default:
		p.print(ctx, "warning: there is no secret: every program and every user of this machine can use this")
	}
	if p.config.Expose {
		p.print(ctx, "warning: other machines can reach this, and requests pass in clear text")
	}
}

// follow tells the person for whom the proxy is, now and after each change: others
// sign in and out of the session. A token of before is not used any more.
func (p *Proxy) follow(ctx context.Context, h *handler) {
	first := true
	loopback.Follow(ctx, h.tokens.app, p.opts.Log, func(st core.Status) string {
		if !first { // at first nothing has changed
			h.tokens.forget()
		}
		first = false
		switch st.State {
		case core.SignedIn:
			return "for " + st.Account()
		case core.NotConfigured:
			return "there is no OAuth client: tokentoss configure"
		default:
			return "nobody is signed in: tokentoss login; the proxy goes on by itself then"
		}
	}, func(line string) { p.print(ctx, line) })
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
