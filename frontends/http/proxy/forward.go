package proxy

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/net/http/httpguts"
)

// forwardOnce sends the request to the target and its answer to the client. It is what
// httputil.ReverseProxy does for a request that is rewritten, at a fifth less of the whole
// cost of a small one; a request to change the protocol is left to that.
func (x *requestState) forwardOnce() {
	if upgrades(x.in.Header) {
		x.proxy.ServeHTTP(x, x.in)
		return
	}
	o := x.newOutgoing()
	defer o.close()
	res, err := x.handler.transport.RoundTrip(o.request)
	o.answered()
	if err != nil {
		x.fail(x, o.request, err)
		return
	}
	removeHopByHop(res.Header)
	if err := x.modify(res); err != nil {
		res.Body.Close()
		x.fail(x, o.request, err)
		return
	}
	x.pass(res)
}

// An outgoing is a request to the target.
type outgoing struct {
	request *http.Request
	url     url.URL
	body    *requestBody // nil: none
	trace   httptrace.ClientTrace

	mu   sync.Mutex
	to   *requestState // of informational answers
	done bool          // there is an answer, and no informational one any more
}

// newOutgoing makes it of the request that came in, whose header, which is the handler's
// own, goes on.
func (x *requestState) newOutgoing() *outgoing {
	o := &outgoing{url: *x.in.URL, to: x}
	o.trace.Got1xxResponse = o.inform
	o.request = x.in.WithContext(httptrace.WithClientTrace(x.in.Context(), &o.trace))
	o.request.URL, o.request.Close, o.request.Body = &o.url, false, nil
	if x.in.ContentLength != 0 {
		o.body = &requestBody{ReadCloser: x.in.Body}
		o.request.Body = o.body
	}
	h := o.request.Header
	trailers := httpguts.HeaderValuesContainsToken(h["Te"], "trailers")
	removeHopByHop(h)
	if trailers {
		h["Te"] = []string{"trailers"}
	}
	for _, name := range forwarded {
		delete(h, name)
	}
	x.rewrite(o.request)
	if _, ok := h["User-Agent"]; !ok {
		h["User-Agent"] = noUserAgent // or the transport would say its own
	}
	return o
}

// inform passes an informational answer (RFC 9110 section 15.2) on. To a client by HTTP/2
// that may wait for 100 (Continue), which net/http does not tell and does not write after
// another one, no other passes.
func (o *outgoing) inform(status int, header textproto.MIMEHeader) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	waits := o.to.in.ProtoMajor == 2 && o.body != nil
	if !o.done && (!waits || status == http.StatusContinue) {
		h := o.to.Header()
		copyHeader(h, http.Header(header))
		o.to.WriteHeader(status)
		clear(h)
	}
	return nil
}

// answered has no more informational answers pass.
func (o *outgoing) answered() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.done = true
}

// close ends what may go on beside the handler, which is about to return.
func (o *outgoing) close() {
	o.answered()
	if o.body != nil {
		o.body.closed.Store(true)
	}
}

// A requestBody is the client's, which the server closes: to close it may mean to wait for
// the rest of it. It is not read any more after its handler returned.
type requestBody struct {
	io.ReadCloser
	closed atomic.Bool
}

var errBodyClosed = errors.New("the body was closed")

// Read implements [io.Reader].
func (b *requestBody) Read(p []byte) (int, error) {
	if b.closed.Load() {
		return 0, errBodyClosed
	}
	return b.ReadCloser.Read(p)
}

// Close implements [io.Closer].
func (b *requestBody) Close() error {
	b.closed.Store(true)
	return nil
}

// pass passes the answer on: what comes in pieces as pieces. One that breaks off breaks
// off here too.
func (x *requestState) pass(res *http.Response) {
	h := x.Header()
	copyHeader(h, res.Header)
	announced := len(res.Trailer)
	if announced > 0 {
		names := make([]string, 0, announced)
		for name := range res.Trailer {
			names = append(names, name)
		}
		h["Trailer"] = append(h["Trailer"], strings.Join(names, ", "))
	}
	x.WriteHeader(res.StatusCode)
	err := x.copyBody(res)
	res.Body.Close() // which has the trailers known
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if len(res.Trailer) == 0 {
		return
	}
	x.flush() // or the server would give a short body a length, and no trailers
	if len(res.Trailer) == announced {
		copyHeader(h, res.Trailer)
		return
	}
	for name, values := range res.Trailer {
		h[http.TrailerPrefix+name] = values
	}
}

// copyBody flushes each piece but the last one of a known length, which the server does.
// The header goes first where the body may be long in coming.
func (x *requestState) copyBody(res *http.Response) error {
	if res.Body == http.NoBody {
		return nil
	}
	if x.left < 0 || x.left > smallBuffer {
		x.flush()
	}
	buf := x.Get()
	defer x.Put(buf)
	for {
		n, err := res.Body.Read(buf)
		if n > 0 {
			if _, err := x.Write(buf[:n]); err != nil {
				return err
			}
			if x.left < 0 || x.bytes < x.left {
				x.flush()
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// copyHeader puts headers, whose values are not changed any more, beside others.
func copyHeader(to, from http.Header) {
	for name, values := range from {
		if had, ok := to[name]; ok {
			values = append(had[:len(had):len(had)], values...)
		}
		to[name] = values
	}
}

// hopByHop are the headers that concern one connection (RFC 9110 section 7.6.1), beside
// those that Connection names.
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// forwarded are headers in which a client could say what only a proxy knows.
var forwarded = []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"}

var noUserAgent = []string{""}

func removeHopByHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" {
				h.Del(name)
			}
		}
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}

// upgrades tells whether a client asks for another protocol.
func upgrades(h http.Header) bool {
	return httpguts.HeaderValuesContainsToken(h["Connection"], "upgrade") && len(h["Upgrade"]) > 0
}
