package proxy

import (
	"net/http"
	"net/http/httputil"
	"time"
)

// A requestState is one request and its answer, which is written through it. They are
// used again, with the ReverseProxy of each, for changes of the protocol, whose functions
// are theirs.
type requestState struct {
	handler *handler
	proxy   httputil.ReverseProxy
	use
}

// use is what is new in each use.
type use struct {
	http.ResponseWriter
	in     *http.Request
	site   *site
	target *target
	base   string // beginning of the path that showed the secret
	path   string // as it came, without base
	rest   string // of path: the target's
	query  string // with its question mark
	id     string // by which client, proxy and service know the request: see identify
	began  time.Time
	status int
	bytes  int64
	left   int64  // of an answer whose length is known; -1: it is not
	code   string // why the proxy answered itself
	whole  bool   // the answer was not cut off
}

// newRequest returns one that nobody uses.
func (h *handler) newRequest() *requestState {
	if x, ok := h.states.Get().(*requestState); ok {
		return x
	}
	x := &requestState{handler: h}
	x.proxy = httputil.ReverseProxy{
		Rewrite:        func(p *httputil.ProxyRequest) { x.rewrite(p.Out) },
		Transport:      h.transport,
		BufferPool:     x,
		FlushInterval:  -1,
		ErrorLog:       h.silent,
		ModifyResponse: x.modify,
		ErrorHandler:   x.fail,
	}
	return x
}

// end counts and logs the request, however it ended.
func (x *requestState) end() {
	failed := !x.whole || x.code != "" || x.status >= http.StatusInternalServerError
	if failed {
		x.handler.errors.Add(1)
	}
	x.handler.log.add(x, failed)
	if x.whole { // else a panic is on its way
		x.use = use{}
		x.handler.states.Put(x)
	}
}

// WriteHeader implements [http.ResponseWriter].
func (x *requestState) WriteHeader(status int) {
	if status >= http.StatusOK {
		x.status = status
	} else {
		x.rewriteResponse(x.Header()) // early hints
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write implements [io.Writer].
func (x *requestState) Write(b []byte) (int, error) {
	n, err := x.ResponseWriter.Write(b)
	x.bytes += int64(n)
	return n, err
}

func (x *requestState) flush() {
	if f, ok := x.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Unwrap is for [http.ResponseController].
func (x *requestState) Unwrap() http.ResponseWriter { return x.ResponseWriter }
