package doctor_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A certificate is what a TLS server shows.
type certificate struct {
	name        string
	from, until time.Duration // from now
}

func (c certificate) make(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: c.name},
		NotBefore: time.Now().Add(c.from), NotAfter: time.Now().Add(c.until),
		DNSNames: []string{c.name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if ip := net.ParseIP(c.name); ip != nil {
		template.DNSNames, template.IPAddresses = nil, []net.IP{ip}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// good is a certificate that w trusts once w.trust was called.
var good = certificate{"127.0.0.1", -time.Hour, time.Hour}

// front puts a TLS server in front of IAP. The handler may change a request before
// it goes on; nil goes on.
func (w *world) front(c certificate, change func(*http.Request), config *tls.Config) *httptest.Server {
	w.t.Helper()
	to, err := url.Parse(w.em.IAPURL())
	if err != nil {
		w.t.Fatal(err)
	}
	behind := &http.Transport{}
	w.t.Cleanup(behind.CloseIdleConnections)
	return w.serveTLS(c, config, &httputil.ReverseProxy{Transport: behind, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		if change != nil {
			change(r.Out)
		}
	}})
}

// serveTLS starts a TLS server, and trusts its certificate.
func (w *world) serveTLS(c certificate, config *tls.Config, h http.Handler) *httptest.Server {
	w.t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = quiet()
	s.TLS = &tls.Config{}
	if config != nil {
		s.TLS = config
	}
	made := c.make(w.t)
	s.TLS.Certificates = []tls.Certificate{made}
	s.StartTLS()
	w.t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(made.Leaf)
	w.transport.TLSClientConfig = &tls.Config{RootCAs: roots}
	return s
}

// serve starts a server that answers every request alike.
func (w *world) serve(status int, header map[string]string, body string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		for name, value := range header {
			rw.Header().Set(name, value)
		}
		rw.WriteHeader(status)
		_, _ = io.WriteString(rw, body)
	}))
	w.t.Cleanup(s.Close)
	return s
}

// A forwardProxy is one that HTTPS_PROXY could name. It answers CONNECT with
// status, and, if that is 200, leads every tunnel to the address to; without one,
// it shows a page of its own in the tunnel.
type forwardProxy struct {
	status int
	to     string
}

// through sends what w sends through the proxy.
func (w *world) through(p *forwardProxy) {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() { p.serve(conn) })
		}
	})
	w.t.Cleanup(func() {
		_ = l.Close()
		served.Wait()
	})
	w.transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", User: url.UserPassword("ada", "query-secret"), Host: l.Addr().String()})
}

func (p *forwardProxy) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	req, err := http.ReadRequest(in)
	if err != nil || req.Method != http.MethodConnect {
		return
	}
	head := fmt.Sprintf("HTTP/1.1 %d %s\r\n", p.status, http.StatusText(p.status))
	if p.status != http.StatusOK {
		_, _ = io.WriteString(conn, head+"Content-Length: 0\r\n\r\n")
		return
	}
	_, _ = io.WriteString(conn, head+"\r\n")
	if p.to == "" {
		_, _ = in.Peek(1)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nWelcome")
		_, _ = io.Copy(io.Discard, in)
		return
	}
	far, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer far.Close()
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(conn, far)
		_ = conn.Close()
	})
	_, _ = io.Copy(far, in)
	_ = far.Close()
	back.Wait()
}

// quiet is a log that nobody reads.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// nameServer makes w ask a name server that answers every question with this code
// (RFC 1035 section 4.1.1).
func (w *world) nameServer(rcode byte) {
	w.t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if errors.Is(err, syscall.Errno(10045)) { // WSAEOPNOTSUPP
		w.t.Skip("Wine 8 has no UDP for Go")
	}
	if err != nil {
		w.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 512)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			answer := append([]byte(nil), buf[:n]...)
			answer[2], answer[3] = 0x81, 0x80|rcode // an answer, recursion available
			_, _ = conn.WriteTo(answer, from)
		}
	}()
	w.t.Cleanup(func() {
		_ = conn.Close()
		<-done
	})
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
	w.transport.DialContext = (&net.Dialer{Resolver: resolver}).DialContext
}

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func mustParse(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
