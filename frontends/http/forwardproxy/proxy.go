package forwardproxy

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/core/peercred"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// user is the name in the credential. A run in a run knows the other by it.
const user = "tokentoss-run"

// unopened asks the proxy of another run, which shows its credential by the same
// request, for a tunnel to a target: the token of the inner run is enough.
const unopened = "Tokentoss-Unopened"

// A Failure is what CMD was told by the answer to a request.
type Failure struct {
	Origin string
	Err    error
}

// Options are what a proxy is made from.
type Options struct {
	// Targets are the services that the token goes to: https URLs of which host and port
	// count.
	Targets []string

	// Tokens gives the tokens.
	Tokens iap.TokenSource

	// Requests makes the requests to targets where a token is, as [iap.Options] has it; nil
	// makes them here, with a token.
	Requests http.RoundTripper

	// Unlisted listens nowhere: all connections come by [Proxy.ServeConn].
	Unlisted bool

	// Failed is told why the person's request was refused, each reason once until a request
	// to the same service succeeds. nil: nobody is told.
	Failed func(Failure)

	// Process, where it is not 0, may come without the credential, and so may those that
	// descend from it, where the system tells: see [Proxy.Bare].
	Process int

	// Authority is the run's, as [NewAuthority] made it; nil makes one.
	Authority *Authority

	// Base sends the requests; nil is [proxy.NewBase].
	Base *http.Transport

	// Log is the program's own. It gets no secret. nil is silent.
	Log *slog.Logger
}

// A Proxy is the forward proxy of one run.
type Proxy struct {
	targets   map[string]*target // by HOST:PORT
	authority *Authority
	secret    string
	unlisted  bool
	server    *loopback.Server // takes CONNECT; nil where unlisted
	process   int              // may come without the credential; 0: none may
	opened    *handoff         // connections to targets, for inner
	inner     *http.Server     // of what is in them
	serving   sync.WaitGroup
	to        [2]httputil.ReverseProxy // by HTTP/1.1 and by HTTP/2, as the program speaks
	plain     httputil.ReverseProxy
	buffers   buffers
	base      []*http.Transport
	tokens    iap.TokenSource
	said      reasons
	port      string
	log       *slog.Logger
}

// New makes a proxy and its authority.
func New(o Options) (*Proxy, error) {
	p := &Proxy{targets: make(map[string]*target), secret: loopback.NewKey(), opened: newHandoff(), tokens: o.Tokens, log: o.Log, process: o.Process, unlisted: o.Unlisted}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	p.said.failed = o.Failed
	var hosts []string
	for _, raw := range o.Targets {
		t, err := parseTarget(raw)
		if err != nil {
			return nil, err
		}
		hosts = append(hosts, t.host)
		p.targets[net.JoinHostPort(t.host, t.port)] = t
	}
	base := o.Base
	if base == nil {
		base = proxy.NewBase()
	}
	base.GetProxyConnectHeader = askUnopened
	silent := log.New(io.Discard, "", 0)
	// Each refusal is for who looks closely: Failed is told a reason once.
	each := p.log
	if !each.Enabled(context.Background(), slog.LevelDebug) {
		each = nil
	}
	// A service is spoken to as the program speaks: what it expects of a connection holds.
	for i, base := range []*http.Transport{onlyHTTP1(base), base} {
		// As package proxy has it, services are not told of a script.
		transport, err := iap.NewTransport(failing{o.Tokens}, iap.Options{Origins: o.Targets, NoXRequestedWith: true, Base: base, Requests: proxy.Elsewhere(o.Requests), Logger: each})
		if err != nil {
			return nil, err
		}
		p.base = append(p.base, base)
		p.to[i] = httputil.ReverseProxy{Rewrite: p.rewrite, Transport: transport, ModifyResponse: p.modify, ErrorHandler: p.fail, ErrorLog: silent, FlushInterval: flushAfter, BufferPool: &p.buffers}
	}
	if err := p.certify(o.Authority, hosts); err != nil {
		return nil, err
	}
	p.plain = httputil.ReverseProxy{Rewrite: keepForwarded, Transport: base, ErrorHandler: p.failPlain, ErrorLog: silent, FlushInterval: flushAfter, BufferPool: &p.buffers}
	p.inner = &http.Server{
		Handler: http.HandlerFunc(p.serveTarget), ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: silent, ConnContext: withTarget, Protocols: new(http.Protocols), DisableGeneralOptionsHandler: true,
	}
	p.inner.Protocols.SetHTTP1(true)
	p.inner.Protocols.SetHTTP2(true)
	p.inner.Protocols.SetUnencryptedHTTP2(true) // of ServeConn
	return p, nil
}

// certify makes the certificates for hosts by an authority, or by one of its own.
func (p *Proxy) certify(a *Authority, hosts []string) error {
	if a == nil {
		var err error
		if a, err = NewAuthority(time.Now()); err != nil {
			return err
		}
	}
	p.authority = a
	return a.serve(hosts)
}

// onlyHTTP1 is a transport like base that speaks nothing newer.
func onlyHTTP1(base *http.Transport) *http.Transport {
	base = base.Clone()
	base.ForceAttemptHTTP2, base.HTTP2, base.Protocols = false, nil, new(http.Protocols)
	base.Protocols.SetHTTP1(true)
	base.TLSNextProto = make(map[string]func(string, *tls.Conn) http.RoundTripper)
	if base.TLSClientConfig == nil {
		base.TLSClientConfig = new(tls.Config)
	}
	base.TLSClientConfig.NextProtos = []string{"http/1.1"} // Clone has the other's, and HTTP/2 among them
	return base
}

// flushAfter is how long the beginning of an answer of known length waits for the rest, with
// which it makes one record of TLS. An answer of unknown length is a stream, and does not wait.
const flushAfter = time.Millisecond

// What a client may take and send. A command keeps connections ready for long.
const (
	headerTimeout = time.Minute
	idleTimeout   = 10 * time.Minute
	maxHeader     = 1 << 20
)

// Start listens on a loopback address until Close, unless the proxy is unlisted.
func (p *Proxy) Start(ctx context.Context) error {
	if !p.unlisted {
		if err := p.listen(ctx); err != nil {
			return err
		}
	}
	p.serving.Go(func() { _ = p.inner.Serve(p.opened) }) // ends with Close
	return nil
}

// listen listens where the command's processes come.
func (p *Proxy) listen(ctx context.Context) error {
	ls, err := loopback.Listen(ctx, loopback.Address{Text: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	p.server = loopback.NewServer(ctx, loopback.Options{
		HeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeader: maxHeader, MaxConnections: 16 << 10,
		OwnerOnly: peercred.Supported(), Log: p.log,
	})
	p.port = ls.Port
	p.server.Serve(ls, http.HandlerFunc(p.serve))
	return nil
}

// Bare is the HOST:PORT of the proxy for programs that cannot show a credential. It is
// empty where the system does not tell of which process a connection is.
func (p *Proxy) Bare() string {
	if p.process == 0 || !peercred.Supported() {
		return ""
	}
	return "127.0.0.1:" + p.port
}

// URL is the address of the proxy with the credential, for the environment of the
// command alone.
func (p *Proxy) URL() string {
	return (&url.URL{Scheme: "http", User: url.UserPassword(user, p.secret), Host: "127.0.0.1:" + p.port}).String()
}

// Authority is the certificate authority of the run.
func (p *Proxy) Authority() *Authority { return p.authority }

// Wait waits until ctx ends, which is nil, or the proxy cannot go on.
func (p *Proxy) Wait(ctx context.Context) error { return p.server.Wait(ctx) }

// Close ends all connections. Nothing is running when it returns.
func (p *Proxy) Close() {
	if p.server != nil {
		p.server.Stop(0)
	}
	_ = p.inner.Close()
	p.serving.Wait()
	for _, base := range p.base {
		base.CloseIdleConnections()
	}
}

// serve answers a request to the proxy itself.
func (p *Proxy) serve(w http.ResponseWriter, r *http.Request) {
	if !p.shows(r) && !p.ofCommand(r) {
		w.Header().Set("Proxy-Authenticate", `Basic realm="tokentoss run"`)
		refuse(w, http.StatusProxyAuthRequired, "this proxy is for one command alone, which has its credential in HTTPS_PROXY")
		return
	}
	p.take(w, r)
}

// take forwards a request that was let in.
func (p *Proxy) take(w http.ResponseWriter, r *http.Request) {
	loopback.Know(r)
	if r.Method == http.MethodConnect {
		if t := p.find(r.Host, ""); t != nil && r.Header.Get(unopened) == "" {
			p.open(w, r, t)
		} else {
			p.tunnel(w, r)
		}
		return
	}
	switch t := p.find(r.Host, "443"); {
	case !r.URL.IsAbs():
		refuse(w, http.StatusBadRequest, "this is a forward proxy, for HTTPS_PROXY and HTTP_PROXY; it has no pages")
	case r.URL.Scheme == "http":
		p.plain.ServeHTTP(w, r)
	case r.URL.Scheme == "https" && t != nil:
		p.forward(w, r.WithContext(context.WithValue(r.Context(), targetKey{}, t)), t)
	default:
		refuse(w, http.StatusBadRequest, "this proxy takes CONNECT for https")
	}
}

// shows tells whether a request shows the credential.
func (p *Proxy) shows(r *http.Request) bool {
	scheme, value, _ := strings.Cut(r.Header.Get("Proxy-Authorization"), " ")
	if !strings.EqualFold(scheme, "basic") {
		return false
	}
	credential, err := base64.StdEncoding.DecodeString(strings.TrimSpace(value))
	_, password, _ := strings.Cut(string(credential), ":")
	return err == nil && loopback.SameKey(password, p.secret)
}

// ofCommand tells whether a request without a credential is of a process of the command.
// Many programs leave the credential out of the proxy's address, and some have no way to
// be told one.
func (p *Proxy) ofCommand(r *http.Request) bool {
	return p.process != 0 && r.Header.Get("Proxy-Authorization") == "" && checkProcess(r, p.process) == nil
}

// refuse answers a request that is not forwarded.
func refuse(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "tokentoss: "+text+"\n")
}

// open opens a connection to a target, and returns when it ends.
func (p *Proxy) open(w http.ResponseWriter, r *http.Request, t *target) {
	conn, err := accept(w)
	if err != nil {
		return
	}
	defer conn.Close()
	defer context.AfterFunc(r.Context(), func() { _ = conn.Close() })()
	in := &openedConn{Conn: conn, target: t, done: make(chan struct{})}
	if p.opened.give(tls.Server(in, p.tlsConfig(t))) {
		<-in.done
	}
}

// tlsConfig is for connections to t. Another name than CONNECT had gets no certificate.
func (p *Proxy) tlsConfig(t *target) *tls.Config {
	return &tls.Config{
		NextProtos: []string{"h2", "http/1.1"}, MinVersion: tls.VersionTLS12,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if hello.ServerName != "" && normal(hello.ServerName) != t.host {
				return nil, errOtherName
			}
			return p.authority.leaves[t.host], nil
		},
	}
}
