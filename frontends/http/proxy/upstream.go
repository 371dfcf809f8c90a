package proxy

import (
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/core/proxyenv"
)

const (
	// maxIdle keeps as many connections as tools open at once. With the usual 2,
	// four of ten requests of sixteen clients would make a new one, with a TLS
	// handshake each.
	maxIdle = 512

	// smallBuffer is what a body passes through, and largeBuffer what one of at least
	// largeBody does. A stream that stays open keeps its buffer, so it has a small one.
	smallBuffer = 32 << 10
	largeBuffer = 256 << 10
	largeBody   = 1 << 20

	// pingAfter finds connections that died while a laptop slept, before requests
	// wait for them for minutes.
	pingAfter = 15 * time.Second
)

// NewBase makes the transport that a run has when [Options.Base] is nil, to be changed:
// for another set of trusted certificates, say.
func NewBase() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy:                 proxyenv.FromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true, // which a DialContext turns off
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingAfter},
		MaxIdleConns:          2 * maxIdle,
		MaxIdleConnsPerHost:   maxIdle,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		DisableCompression:    true, // bodies go on as they are
		ReadBufferSize:        16 << 10,
		WriteBufferSize:       8 << 10,
	}
}

// An upstream is package iap's transport, over the base of the options or one of its own.
type upstream struct {
	*iap.Transport
	grpc inClear // closed beside the base that it is registered with; empty: it is not
}

// transport makes an upstream.
func (p *Proxy) transport(src iap.TokenSource) (*upstream, error) {
	// Services take X-Requested-With for a script's request, and answer a browser
	// with half a page. The transport knows IAP's refusals without it.
	opts := iap.Options{InsecureLoopback: p.config.InsecureLoopback, NoXRequestedWith: true, Base: p.opts.Base, Logger: p.opts.Log}
	if p.lender != nil {
		opts.Requests = Elsewhere(p.lender.Requests())
	}
	for _, t := range p.targets {
		opts.Origins = append(opts.Origins, t.origin())
	}
	u := &upstream{}
	if opts.Base == nil {
		base := NewBase()
		u.grpc = newInClear(base)
		base.RegisterProtocol("http", u.grpc)
		opts.Base = base
	}
	if src == nil {
		src = &tokens{}
	}
	var err error
	u.Transport, err = iap.NewTransport(src, opts)
	return u, err
}

// CloseIdleConnections closes them all.
func (u *upstream) CloseIdleConnections() {
	u.Transport.CloseIdleConnections()
	if u.grpc.Transport != nil {
		u.grpc.CloseIdleConnections()
	}
}

// inClear sends calls of gRPC, which need HTTP/2, to services on this machine that have no
// TLS to agree about it. It leaves other requests to the transport that it is registered with.
type inClear struct{ *http.Transport }

func newInClear(base *http.Transport) inClear {
	t := base.Clone()
	t.Protocols = new(http.Protocols)
	t.Protocols.SetUnencryptedHTTP2(true)
	return inClear{t}
}

// RoundTrip implements [http.RoundTripper].
func (c inClear) RoundTrip(r *http.Request) (*http.Response, error) {
	if !isGRPC(r.Header) {
		return nil, http.ErrSkipAltProtocol
	}
	return c.Transport.RoundTrip(r)
}

// buffers are shared by the requests of a run. They are arrays, since a slice would be
// put on the heap each time it is put back.
type buffers struct{ small, large sync.Pool }

// Get implements [httputil.BufferPool].
func (x *requestState) Get() []byte {
	if x.left < largeBody {
		if a, ok := x.handler.buffers.small.Get().(*[smallBuffer]byte); ok {
			return a[:]
		}
		return make([]byte, smallBuffer)
	}
	if a, ok := x.handler.buffers.large.Get().(*[largeBuffer]byte); ok {
		return a[:]
	}
	return make([]byte, largeBuffer)
}

// Put implements [httputil.BufferPool].
func (x *requestState) Put(s []byte) {
	if len(s) == smallBuffer {
		x.handler.buffers.small.Put((*[smallBuffer]byte)(s))
	} else {
		x.handler.buffers.large.Put((*[largeBuffer]byte)(s))
	}
}
