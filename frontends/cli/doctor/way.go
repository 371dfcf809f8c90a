package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/tokentoss/tokentoss/core/iap"
)

// A way leads to servers. It is used by one goroutine.
type way struct {
	transport *http.Transport
	recorder  *recorder
	timeout   time.Duration
}

// newWay makes a way over a copy of t.
func newWay(t *http.Transport, timeout time.Duration) *way {
	if t == nil {
		t = &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	} else {
		t = t.Clone()
	}
	t.OnProxyConnectResponse = func(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
		if resp.StatusCode != http.StatusOK {
			return &proxyError{status: resp.StatusCode}
		}
		return nil
	}
	return &way{transport: t, recorder: &recorder{base: t}, timeout: timeout}
}

func (w *way) close() { w.transport.CloseIdleConnections() }

// A proxyError is a forward proxy that makes no tunnel.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy answered %d %s", e.status, http.StatusText(e.status))
}

// proxy is the forward proxy to u, without its user and password, or "".
func (w *way) proxy(u *url.URL) string {
	if w.transport.Proxy == nil {
		return ""
	}
	p, err := w.transport.Proxy(&http.Request{URL: u})
	if err != nil || p == nil {
		return ""
	}
	return p.Scheme + "://" + p.Host
}

// problem is the case of a request to u that had no answer.
func (w *way) problem(u *url.URL, err error) Finding {
	facts := Facts{"host": u.Host, "origin": origin(u), "proxy": w.proxy(u)}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // which names the URL, whose query may be private
	}
	var connect *proxyError
	if errors.As(err, &connect) {
		facts["status"] = strings.TrimSpace(fmt.Sprintf("%d %s", connect.status, http.StatusText(connect.status)))
	}
	return finding(cause(err, facts["proxy"] != ""), facts, err.Error())
}

// cause finds the case of a failed request. proxied tells whether it went through
// a forward proxy.
func cause(err error, proxied bool) ID {
	var connect *proxyError
	var op *net.OpError
	switch {
	case errors.Is(err, iap.ErrForwardProxy):
		return ProxyClearText
	case errors.As(err, &connect):
		return tunnelCause(connect.status)
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return ProxyUnreachable
	}
	if id, ok := tlsCause(err, proxied); ok {
		return id
	}
	return dialCause(err)
}

// tunnelCause is about a forward proxy's answer to CONNECT.
func tunnelCause(status int) ID {
	switch {
	case status == http.StatusProxyAuthRequired:
		return ProxySignIn
	case status/100 == 3, status == http.StatusNetworkAuthenticationRequired: // RFC 6585 section 6
		return CaptivePortal
	}
	return ProxyRefuses
}

func tlsCause(err error, proxied bool) (ID, bool) {
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var remote *net.OpError
	switch {
	case errors.As(err, &name):
		return TLSName, true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore) {
			return TLSNotYet, true
		}
		return TLSExpired, true
	case errors.As(err, &authority), errors.As(err, &verification):
		return TLSAuthority, true
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		if proxied {
			return CaptivePortal, true
		}
		return NoTLS, true
	case errors.As(err, &alert), errors.As(err, &remote) && remote.Op == "remote error":
		return TLSRefused, true
	}
	return "", false
}

func dialCause(err error) ID {
	var dns *net.DNSError
	var timeout net.Error
	var op *net.OpError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return NameUnknown
	case errors.As(err, &dns):
		return NameServer
	case errors.Is(err, syscall.ECONNREFUSED):
		return ConnectionRefused
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return NoAnswer
	case errors.As(err, &op) && op.Op == "dial":
		return Unreachable
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return BrokenOff
	}
	return Unreachable
}
