package proxy

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokentoss/tokentoss/core/iap"
)

// marker is on answers that IAP generated.
const marker = "X-Goog-Iap-Generated-Response"

// refusedRead is how long a client that was refused may take for the rest of its
// request.
const refusedRead = 2 * time.Second

// A handler serves the requests of one run.
type handler struct {
	targets   []*target
	sites     map[string]*site
	url       string            // of the targets by path
	names     map[string]string // of the others
	keyhole   *keyhole
	tokens    *tokens
	transport *iap.Transport
	log       *accessLog
	relink    func(s *site) // prints another link for a browser

	exchanges sync.Pool
	buffers   buffers
	silent    *log.Logger
	requests  atomic.Int64
	conns     atomic.Int64
	errors    atomic.Int64
	active    running
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !h.active.begin() {
		panic(http.ErrAbortHandler)
	}
	defer h.active.requests.Done()
	h.requests.Add(1)
	x := h.exchange()
	x.ResponseWriter, x.in, x.began, x.left = w, r, time.Now(), -1
	defer x.end()
	x.serve()
}

// count closes connections beyond the limit.
func (h *handler) count(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if h.conns.Add(1) > maxConnections {
			_ = c.Close()
		}
	case http.StateClosed, http.StateHijacked:
		h.conns.Add(-1)
	}
}

// running counts the requests under way. When the run is over none begins.
type running struct {
	mu       sync.Mutex
	over     bool
	requests sync.WaitGroup
}

func (r *running) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.over {
		r.requests.Add(1)
	}
	return !r.over
}

// end waits for the last request.
func (r *running) end() {
	r.mu.Lock()
	r.over = true
	r.mu.Unlock()
	r.requests.Wait()
}

// serve refuses the request, answers it, or forwards it.
func (x *exchange) serve() {
	h, r := x.handler, x.in
	x.path, x.query = rawPath(r.RequestURI)
	x.site = lookup(h.sites, r.Host)
	if p := refuse(r, x.site); p != nil {
		x.refuse(*p)
		return
	}
	if code, ok := strings.CutPrefix(x.path, openPath); ok {
		x.openLink(code)
		return
	}
	base, ok := h.keyhole.open(r.Header, x.path)
	if !ok {
		if isBrowser(r.Header) {
			x.refuse(problemSecret)
		} else {
			x.refuse(problemTool)
		}
		return
	}
	x.base = base
	if x.path = x.path[len(base):]; x.path == "" {
		x.path = "/"
	}
	var bare bool
	if x.target, x.rest, bare = x.site.route(x.path); x.target == nil {
		x.index()
		return
	}
	if bare {
		x.Header().Set("Location", x.base+x.path+"/"+x.query)
		x.WriteHeader(http.StatusPermanentRedirect)
	} else {
		if r.ContentLength != 0 {
			// Or the server takes no more of the body when the answer begins.
			_ = http.NewResponseController(x.ResponseWriter).EnableFullDuplex()
		}
		x.proxy.ServeHTTP(x, r)
	}
	x.whole = true
}

// rewrite makes the request the service's.
func (x *exchange) rewrite(p *httputil.ProxyRequest) {
	out, u := p.Out, p.Out.URL
	u.Scheme, u.Host, out.Host = x.target.scheme, x.target.host, x.target.host
	// ReverseProxy drops what it cannot parse of a query, and net/url would write
	// some paths in another way.
	u.RawQuery, u.ForceQuery = strings.TrimPrefix(x.query, "?"), x.query == "?"
	if !strings.HasPrefix(x.rest, "//") { // which would look like a host
		u.Opaque = x.rest
	} else {
		u.Path, u.RawPath = x.unescaped(), x.rest
	}
	out.Trailer = p.In.Trailer // the server puts values into it after the body
	x.handler.keyhole.strip(out.Header)
	if _, ok := out.Header["Origin"]; ok { // this site's own, since it was let in
		out.Header["Origin"] = []string{x.target.origin()}
	}
	rewriteReferer(out.Header, x.site, x.target, x.handler.keyhole.path)
	replayable(out)
}

// unescaped is the path that rest stands for: the end of that of the request.
func (x *exchange) unescaped() string {
	before, _ := rawPath(x.in.RequestURI)
	// What was taken off has nothing escaped.
	return x.in.URL.Path[len(before)-len(x.rest):]
}

// modify makes the answer this address's.
func (x *exchange) modify(res *http.Response) error {
	header := res.Header
	if _, marked := header[marker]; marked && res.StatusCode == http.StatusUnauthorized {
		x.renew(res.Request.Context())
		return errStale
	}
	// Pages of other sites are let in by no service: they do not get here.
	delete(header, "Access-Control-Allow-Origin")
	delete(header, "Access-Control-Allow-Credentials")
	delete(header, "Access-Control-Allow-Private-Network")
	delete(header, errorHeader)
	if x.base != "" { // pages tell nobody else the address that they have
		header["Referrer-Policy"] = []string{"same-origin"}
	}
	if v := header["Location"]; len(v) > 0 {
		v[0] = x.handler.location(v[0], x.site, x.target, x.base)
	}
	if _, ok := header["Set-Cookie"]; ok {
		rewriteCookies(header, x.base+x.target.prefix)
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		x.status = res.StatusCode // WriteHeader is not called for it
	}
	x.left = res.ContentLength
	return nil
}

// renew gets a newer token for the next request, after one that could not be
// repeated. Whether it succeeds shows then.
func (x *exchange) renew(ctx context.Context) {
	if token, err := x.handler.tokens.IDToken(ctx); err == nil {
		_, _ = x.handler.tokens.Renew(ctx, token)
	}
}

// fail answers a request that could not be forwarded.
func (x *exchange) fail(_ http.ResponseWriter, r *http.Request, err error) {
	if x.in.Context().Err() != nil {
		x.problem = "gone" // the client, or the run
		panic(http.ErrAbortHandler)
	}
	x.answer(explain(err, x.target.origin()))
}

// refuse answers a request that is not let in, and gives its client no time.
func (x *exchange) refuse(p problem) {
	_ = http.NewResponseController(x.ResponseWriter).SetReadDeadline(time.Now().Add(refusedRead))
	x.Header().Set("Connection", "close")
	x.answer(p)
}

// answer answers with a problem.
func (x *exchange) answer(p problem) {
	x.problem = p.Code
	x.whole = true
	p.write(x, x.in)
}

// openLink gives a browser the cookie.
func (x *exchange) openLink(code string) {
	h := x.handler
	if x.in.Method != http.MethodGet || x.in.Header.Get("Sec-Purpose") != "" || !h.keyhole.use(code, x.site.origin) {
		x.refuse(problemLink)
		return
	}
	x.path = openPath
	h.relink(x.site)
	protect(x.Header())
	x.Header().Set("Set-Cookie", h.keyhole.cookie+"; Path=/; HttpOnly; SameSite=Strict")
	// A redirect would keep the site that led here, and browsers would not send
	// the cookie; a page of ours goes on by itself.
	writePage(x, x.in, http.StatusOK, page{Title: "One moment", Text: "This browser may use the proxy now.", Links: []string{"/"}, Refresh: "/"})
	x.whole = true
}

// index names what there is where no target has the path.
func (x *exchange) index() {
	h, p := x.handler, problemNoTarget
	if x.path != "/" || !strings.Contains(x.in.Header.Get("Accept"), "text/html") {
		x.answer(p)
		return
	}
	protect(x.Header())
	var links []string
	for _, t := range h.targets {
		if here, ok := x.site.local(t); ok {
			links = append(links, here+"/")
		} else if t.name != "" {
			links = append(links, h.names[t.name]+"/")
		}
	}
	x.problem, x.whole = p.Code, true
	writePage(x, x.in, p.Status, page{Title: p.Title, Text: "No service has this very address. These have one:", Links: links})
}

// silentLog takes what ReverseProxy would say about broken connections: the access
// log says it with the request.
func silentLog() *log.Logger { return log.New(io.Discard, "", 0) }
