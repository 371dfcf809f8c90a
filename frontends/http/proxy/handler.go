package proxy

import (
	"io"
	"log"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
)

const marker = iap.GeneratedHeader

// A client that was refused may take so long, and send so much, for the rest of its
// request.
const (
	refusedRead = 2 * time.Second
	refusedBody = 1 << 20
)

// A handler serves the requests of one run.
type handler struct {
	targets   []*target
	sites     map[string]*site
	url       string            // of the targets by path
	names     map[string]string // of the others
	gate      *loopback.Gate
	auth      *authenticator
	tokens    *tokens
	transport *upstream
	log       *accessLog
	relink    func(s *site) // prints another link for a browser

	states   sync.Pool
	buffers  buffers
	silent   *log.Logger
	requests atomic.Int64
	errors   atomic.Int64
}

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.requests.Add(1)
	x := h.newRequest()
	x.ResponseWriter, x.in, x.began, x.left = w, r, time.Now(), -1
	defer x.end()
	x.serve()
}

// serve refuses the request, answers it, or forwards it.
func (x *requestState) serve() {
	h, r := x.handler, x.in
	x.path, x.query = rawPath(r.RequestURI)
	if h.log.all {
		x.identify()
	}
	if e := h.refuse(r); e != nil {
		x.refuse(*e)
		return
	}
	x.site = lookup(h.sites, r.Host)
	if code, ok := strings.CutPrefix(x.path, openPath); ok {
		x.openLink(code)
		return
	}
	base, by := h.auth.authenticate(r.Header, x.path)
	switch {
	case by != proofNone:
		loopback.Know(r)
	case loopback.IsBrowser(r.Header):
		x.refuse(errBrowserSecret)
		return
	default:
		x.refuse(errSecret)
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
		x.forward()
	}
	x.whole = true
}

// refuse finds why a request is not for this proxy, before anything else is done with
// it; nil is that it is.
func (h *handler) refuse(r *http.Request) *httpError {
	// What has a scheme or a host in its first line is for a forward proxy. The name
	// "*" of OPTIONS is not a path either.
	if r.Method == http.MethodConnect || r.Method == http.MethodTrace || !strings.HasPrefix(r.RequestURI, "/") || h.auth.traces.in(r.Method) {
		return &errNotForward
	}
	switch no := h.gate.Check(r); {
	case no == nil:
		return nil
	case no.Status == http.StatusMisdirectedRequest:
		return &errHost
	default:
		return &errCrossSite
	}
}

// rewrite makes out, which is the request without what is for one connection, the service's.
func (x *requestState) rewrite(out *http.Request) {
	u, auth := out.URL, x.handler.auth
	u.Scheme, u.Host, out.Host = x.target.scheme, x.target.host, x.target.host
	// As it came: net/url would write some paths in another way.
	u.RawQuery, u.ForceQuery = strings.TrimPrefix(auth.traces.clean(x.query), "?"), x.query == "?"
	path := auth.traces.clean(x.rest)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	if plain, err := url.PathUnescape(path); strings.HasPrefix(path, "//") && err == nil { // which would look like a host
		u.Path, u.RawPath = plain, path
	} else {
		u.Opaque = path
	}
	if x.in.Trailer != nil { // the server puts values into it after the body
		out.Trailer = x.in.Trailer
		out.Body = &trailed{out.Body, func() { auth.strip(out.Trailer) }}
	}
	if strings.EqualFold(out.Header.Get("Upgrade"), "h2c") { // an offer that RFC 9113 took back, and HTTP/2 forbids
		delete(out.Header, "Upgrade")
		delete(out.Header, "Connection")
	}
	if x.id != "" {
		out.Header[loopback.RequestIDHeader] = []string{x.id}
	}
	x.rewriteRequest(out.Header)
	auth.strip(out.Header)
	replayable(out)
}

// A trailed body calls end when it was read, before trailers go on.
type trailed struct {
	io.ReadCloser
	end func()
}

// Read implements [io.Reader].
func (b *trailed) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		b.end()
	}
	return n, err
}

// modify makes the answer this address's.
func (x *requestState) modify(res *http.Response) error {
	header := res.Header
	if _, marked := header[marker]; marked && res.StatusCode == http.StatusUnauthorized {
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
	if x.id != "" {
		x.Header().Del(loopback.RequestIDHeader)
		if _, ok := header[loopback.RequestIDHeader]; !ok {
			header[loopback.RequestIDHeader] = []string{x.id}
		}
	}
	x.rewriteResponse(header)
	if _, ok := header["Set-Cookie"]; ok {
		rewriteCookies(header, x.base+x.target.prefix)
	}
	if res.StatusCode == http.StatusSwitchingProtocols {
		x.status = res.StatusCode // WriteHeader is not called for it
	}
	x.left = res.ContentLength
	return nil
}

// fail answers a request that could not be forwarded.
func (x *requestState) fail(_ http.ResponseWriter, r *http.Request, err error) {
	if x.in.Context().Err() != nil {
		x.code = "gone" // the client, or the run
		panic(http.ErrAbortHandler)
	}
	renewStale(r.Context(), x.handler.tokens, err)
	x.answer(explain(err, x.target.origin()))
}

// refuse answers a request that is not let in, and gives its client no time.
func (x *requestState) refuse(e httpError) {
	_ = http.NewResponseController(x.ResponseWriter).SetReadDeadline(time.Now().Add(refusedRead))
	x.Header().Set("Connection", "close")
	x.answer(e)
}

// answer answers with an error.
func (x *requestState) answer(e httpError) {
	x.code = e.Code
	x.whole = true
	x.identify()
	e.write(x, x.in)
	x.status = e.Status // also where the connection was taken over
}

// openLink gives a browser the cookie.
func (x *requestState) openLink(code string) {
	h := x.handler
	if x.in.Method != http.MethodGet || x.in.Header.Get("Sec-Purpose") != "" || !h.auth.use(code, x.site.origin) {
		x.refuse(errLink)
		return
	}
	x.path = openPath
	h.relink(x.site)
	loopback.Protect(x.Header())
	x.Header().Set("Set-Cookie", h.auth.cookie+"; Path=/; HttpOnly; SameSite=Strict")
	// A redirect would keep the site that led here, and browsers would not send
	// the cookie; a page of ours goes on by itself.
	loopback.Page{Title: "One moment", Text: "This browser may use the proxy now.", Links: []string{"/"}, Refresh: "/"}.Write(x, x.in, http.StatusOK)
	x.whole = true
}

// index names what there is where no target has the path.
func (x *requestState) index() {
	h, e := x.handler, errNoTarget
	if x.path != "/" || !strings.Contains(x.in.Header.Get("Accept"), "text/html") {
		x.answer(e)
		return
	}
	loopback.Protect(x.Header())
	var links []string
	for _, t := range h.targets {
		if here, ok := x.site.local(t); ok {
			links = append(links, here+"/")
		} else if t.name != "" {
			links = append(links, h.names[t.name]+"/")
		}
	}
	x.code, x.whole = e.Code, true
	loopback.Page{Title: e.Title, Text: "No service has this very address. These have one:", Links: links}.Write(x, x.in, e.Status)
}

// silentLog takes what ReverseProxy would say about broken connections: the access
// log says it with the request.
func silentLog() *log.Logger { return log.New(io.Discard, "", 0) }

// rawPath is the path of a request as it came; query has its question mark.
func rawPath(uri string) (path, query string) {
	if i := strings.IndexByte(uri, '?'); i >= 0 {
		return uri[:i], uri[i:]
	}
	return uri, ""
}
