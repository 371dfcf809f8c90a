package forwardproxy

import (
	"context"
	"errors"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// serveTarget answers a request in an opened connection.
func (p *Proxy) serveTarget(w http.ResponseWriter, r *http.Request) {
	t := r.Context().Value(targetKey{}).(*target)
	switch {
	case r.Method == http.MethodConnect:
		refuse(w, http.StatusBadRequest, "the connection to "+t.authority()+" is there already")
	case p.find(r.Host, "443") != t:
		refuse(w, http.StatusMisdirectedRequest, "this connection is to "+t.authority()+" and to no other host")
	default:
		p.forward(w, r, t)
	}
}

// forward sends a request to a target, which its context has, with the token, and its
// answer back.
func (p *Proxy) forward(w http.ResponseWriter, r *http.Request, t *target) {
	if r.Method == http.MethodTrace { // which is answered with the request, and the token
		refuse(w, http.StatusMethodNotAllowed, "TRACE would show the token")
		return
	}
	if err := allowed(r); err != nil { // by the person, who need not be told
		proxy.WriteProblem(w, err, t.origin())
		return
	}
	if r.ProtoMajor == 1 && r.ContentLength != 0 {
		// Or the server takes no more of the body when the answer begins.
		_ = http.NewResponseController(w).EnableFullDuplex()
	}
	by := min(r.ProtoMajor, 2) - 1
	if r.Header.Get("Expect") != "" {
		by = 1 // by HTTP/1.1 Go waits for ever where another informational answer comes before 100
	}
	to := &p.to[by]
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		calls := *to
		calls.FlushInterval = 0 // a status alone must be one frame; what streams has no length, and is flushed all the same
		to = &calls
	}
	to.ServeHTTP(expects(w, r), r)
}

// rewrite makes the request the service's. It stays what it was, byte by byte.
func (p *Proxy) rewrite(x *httputil.ProxyRequest) {
	t := x.In.Context().Value(targetKey{}).(*target)
	keepForwarded(x)
	out := x.Out
	out.URL.Scheme, out.URL.Host, out.Host = "https", t.authority(), t.authority()
	setPath(out.URL, x.In)
	if x.In.Trailer != nil { // the server puts values into it after the body
		out.Trailer = x.In.Trailer
	}
	proxy.Replayable(out)
}

// keepForwarded undoes what only a reverse proxy should do: this one is not of the
// service.
func keepForwarded(x *httputil.ProxyRequest) {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values, ok := x.In.Header[name]; ok {
			x.Out.Header[name] = values
		}
	}
	x.Out.URL.RawQuery, x.Out.URL.ForceQuery = x.In.URL.RawQuery, x.In.URL.ForceQuery
}

// setPath keeps a path as it came: net/url would write some in another way.
func setPath(u *url.URL, in *http.Request) {
	path := in.RequestURI
	if !strings.HasPrefix(path, "/") { // the absolute form
		if _, after, ok := strings.Cut(path, "://"); ok {
			_, path, _ = strings.Cut(after, "/")
			path = "/" + path
		}
	}
	path, _, _ = strings.Cut(path, "?")
	if path == "*" {
		return
	}
	if plain, err := url.PathUnescape(path); strings.HasPrefix(path, "//") && err == nil { // which would look like a host
		u.Path, u.RawPath = plain, path
	} else {
		u.Opaque = path
	}
}

// modify sees the answers of services.
func (p *Proxy) modify(res *http.Response) error {
	if _, marked := res.Header[iap.GeneratedHeader]; marked && res.StatusCode == http.StatusUnauthorized {
		return proxy.ErrStale
	}
	proxy.Unmark(res.Header)
	p.said.forget(res.Request.Context().Value(targetKey{}).(*target).origin())
	return nil
}

// fail answers a request that could not be forwarded to a target.
func (p *Proxy) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler) // the client went
	}
	origin := r.Context().Value(targetKey{}).(*target).origin()
	proxy.RenewStale(r.Context(), p.tokens, err)
	p.said.say(Failure{origin, err})
	if r.Context().Value(allowKey{}) != nil {
		proxy.WriteProblem(w, err, origin)
		return
	}
	proxy.WriteError(w, r, err, origin)
}

// failPlain is fail for a request that is no target's.
func (p *Proxy) failPlain(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		panic(http.ErrAbortHandler)
	}
	proxy.WriteError(w, r, err, "http://"+r.Host)
}

// failing marks the errors of a token source, so that they are told from the service's.
type failing struct{ iap.TokenSource }

// IDToken implements [iap.TokenSource].
func (f failing) IDToken(ctx context.Context) (core.IDToken, error) {
	token, err := f.TokenSource.IDToken(ctx)
	return token, proxy.TokenError(err)
}

// Renew implements [iap.TokenSource].
func (f failing) Renew(ctx context.Context, stale core.IDToken) (core.IDToken, error) {
	token, err := f.TokenSource.Renew(ctx, stale)
	return token, proxy.TokenError(err)
}

// reasons are those that the person was told.
type reasons struct {
	failed func(Failure)

	mu   sync.Mutex
	said map[string]string // the last one by origin
}

// say tells a reason, unless it was the last one.
func (s *reasons) say(f Failure) {
	if s.failed == nil || errors.Is(f.Err, context.Canceled) {
		return
	}
	s.mu.Lock()
	known := s.said[f.Origin] == f.Err.Error()
	if s.said == nil {
		s.said = make(map[string]string)
	}
	s.said[f.Origin] = f.Err.Error()
	s.mu.Unlock()
	if !known {
		s.failed(f)
	}
}

// forget is for a request that succeeded.
func (s *reasons) forget(origin string) {
	s.mu.Lock()
	delete(s.said, origin)
	s.mu.Unlock()
}

// buffers are for the bodies of answers.
type buffers struct{ pool sync.Pool }

const bufferSize = 64 << 10

// Get implements [httputil.BufferPool].
func (b *buffers) Get() []byte {
	if a, ok := b.pool.Get().(*[bufferSize]byte); ok {
		return a[:]
	}
	return make([]byte, bufferSize)
}

// Put implements [httputil.BufferPool].
func (b *buffers) Put(s []byte) { b.pool.Put((*[bufferSize]byte)(s)) }
