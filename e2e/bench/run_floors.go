package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"sync"

	"github.com/tokentoss/tokentoss/frontends/http/proxy"
)

// The floors of a run are what the least of programs reach in the place of its proxy.
const (
	floorTunnel  = "floor-tunnel"  // opens nothing
	floorStock   = "floor-stock"   // opens connections: net/http's server, and its transport
	floorReverse = "floor-reverse" // the same by httputil.ReverseProxy
)

// runFloors are their names in rows.
var runFloors = []struct{ role, name string }{
	{floorTunnel, "run's floor, a CONNECT tunnel that opens nothing"},
	{floorStock, "run's floor, net/http's server and transport"},
	{floorReverse, "run's floor, httputil.ReverseProxy"},
}

// playFloor is a forward proxy for connections to the service whose certificate is in the
// file service. It writes the one that clients meet to the file ca.
func playFloor(ctx context.Context, name, service, ca string) error {
	certificate, err := newCertificate(ca)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(service)
	if err != nil {
		return err
	}
	if name == floorTunnel {
		if err := os.WriteFile(ca, data, 0o600); err != nil {
			return err
		}
	}
	transport := proxy.NewBase()
	transport.Proxy, transport.ForceAttemptHTTP2 = nil, false
	transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(data)
	opened := conns(make(chan net.Conn))
	inner := &http.Server{Handler: forwarder(transport)}
	if name == floorReverse {
		inner.Handler = &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "https", r.In.Host
		}}
	}
	context.AfterFunc(ctx, func() { _ = inner.Close() })
	go func() { _ = inner.Serve(opened) }() // ends with the process
	return announce(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		near, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
		if name != floorTunnel {
			opened <- tls.Server(near, &tls.Config{Certificates: []tls.Certificate{certificate}})
			return
		}
		joinConns(near, r.Host)
	}))
}

// joinConns copies both ways between a connection and a new one to address.
func joinConns(near net.Conn, address string) {
	defer near.Close()
	far, err := net.Dial("tcp", address)
	if err != nil {
		return
	}
	defer far.Close()
	var both sync.WaitGroup
	for _, c := range [][2]net.Conn{{near, far}, {far, near}} {
		both.Go(func() {
			_, _ = io.Copy(c[0], c[1])
			_ = c[0].(*net.TCPConn).CloseWrite()
		})
	}
	both.Wait()
}

// forwarder makes requests, which have no bodies, at the host that they name.
func forwarder(transport *http.Transport) http.Handler {
	buffers := sync.Pool{New: func() any { return new([64 << 10]byte) }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := r.WithContext(r.Context())
		u := *r.URL
		u.Scheme, u.Host = "https", r.Host
		out.URL, out.RequestURI, out.Body = &u, "", nil
		res, err := transport.RoundTrip(out)
		if err != nil {
			panic(err)
		}
		defer res.Body.Close()
		maps.Copy(w.Header(), res.Header)
		w.WriteHeader(res.StatusCode)
		buf := buffers.Get().(*[64 << 10]byte)
		defer buffers.Put(buf)
		_, _ = io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{res.Body}, buf[:])
	})
}

// conns is a [net.Listener] of connections that somebody else accepted.
type conns chan net.Conn

// Accept implements [net.Listener].
func (c conns) Accept() (net.Conn, error) {
	return <-c, nil
}

// Close implements [net.Listener].
func (c conns) Close() error { return nil }

// Addr implements [net.Listener].
func (c conns) Addr() net.Addr { return &net.TCPAddr{} }
