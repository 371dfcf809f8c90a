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

// transport is package iap's, over the base of the options or one of its own.
func (p *Proxy) transport(src iap.TokenSource) (*iap.Transport, error) {
	// Services take X-Requested-With for a script's request, and answer a browser
	// with half a page. The transport knows IAP's refusals without it.
	opts := iap.Options{InsecureLoopback: p.config.InsecureLoopback, NoXRequestedWith: true, Base: p.opts.Base, Logger: p.opts.Log}
	for _, t := range p.targets {
		opts.Origins = append(opts.Origins, t.origin())
	}
	if opts.Base == nil {
		opts.Base = NewBase()
	}
	if src == nil {
		src = &tokens{}
	}
	return iap.NewTransport(src, opts)
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
