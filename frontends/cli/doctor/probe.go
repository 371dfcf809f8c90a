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

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/core/proxyenv"
)

// A probe makes requests, and remembers the answers. It is used by one goroutine.
type probe struct {
	transport *http.Transport
	recorder  *recorder
	timeout   time.Duration
}

// newProbe makes a probe over a copy of t.
func newProbe(t *http.Transport, timeout time.Duration) *probe {
	if t == nil {
		t = &http.Transport{Proxy: proxyenv.FromEnvironment, ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	} else {
		t = t.Clone()
	}
	t.OnProxyConnectResponse = func(_ context.Context, proxy *url.URL, _ *http.Request, resp *http.Response) error {
		if resp.StatusCode != http.StatusOK {
			return &proxyError{status: resp.StatusCode}
		}
		return nil
	}
	return &probe{transport: t, recorder: &recorder{base: t}, timeout: timeout}
}

func (p *probe) close() { p.transport.CloseIdleConnections() }

// A proxyError is a forward proxy that makes no tunnel.
type proxyError struct{ status int }

func (e *proxyError) Error() string {
	return fmt.Sprintf("the proxy answered %d %s", e.status, http.StatusText(e.status))
}

// proxy is the forward proxy to u, without its user and password, or "".
func (p *probe) proxy(u *url.URL) string {
	if p.transport.Proxy == nil {
		return ""
	}
	through, err := p.transport.Proxy(&http.Request{URL: u})
	if err != nil || through == nil {
		return ""
	}
	return through.Scheme + "://" + through.Host
}

// problem is the diagnosis of a request to u that had no answer.
func (p *probe) problem(u *url.URL, err error) Result {
	facts := Facts{"host": u.Host, "origin": origin(u), "proxy": p.proxy(u)}
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err // which names the URL, whose query may be private
	}
	var connect *proxyError
	if errors.As(err, &connect) {
		facts["status"] = strings.TrimSpace(fmt.Sprintf("%d %s", connect.status, http.StatusText(connect.status)))
	}
	return diagnosed(cause(err, facts["proxy"] != ""), facts, err.Error())
}

// cause finds the diagnosis of a failed request. proxied tells whether it went through
// a forward proxy.
func cause(err error, proxied bool) Code {
	var connect *proxyError
	var op *net.OpError
	switch {
	case errors.Is(err, fault.BadConfig):
		return codeProxyVariable
	case errors.Is(err, iap.ErrForwardProxy):
		return codeProxyClearText
	case errors.As(err, &connect):
		return tunnelCause(connect.status)
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return codeProxyUnreachable
	}
	if id, ok := tlsCause(err, proxied); ok {
		return id
	}
	return dialCause(err)
}

// tunnelCause is about a forward proxy's answer to CONNECT.
func tunnelCause(status int) Code {
	switch {
	case status == http.StatusProxyAuthRequired:
		return codeProxySignIn
	case status/100 == 3, status == http.StatusNetworkAuthenticationRequired: // RFC 6585 section 6
		return codeCaptivePortal
	}
	return codeProxyRefuses
}

func tlsCause(err error, proxied bool) (Code, bool) {
	var name x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var remote *net.OpError
	switch {
	case errors.As(err, &name):
		return codeTLSName, true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore) {
			return codeTLSNotYet, true
		}
		return codeTLSExpired, true
	case errors.As(err, &authority), errors.As(err, &verification):
		return codeTLSAuthority, true
	case errors.Is(err, http.ErrSchemeMismatch), errors.As(err, &record):
		if proxied {
			return codeCaptivePortal, true
		}
		return codeNoTLS, true
	case errors.As(err, &alert), errors.As(err, &remote) && remote.Op == "remote error":
		return codeTLSRefused, true
	}
	return "", false
}

// What Windows calls ECONNRESET and ECONNREFUSED, which are numbers of Go's own there.
const (
	wsaeconnreset   = syscall.Errno(10054)
	wsaeconnrefused = syscall.Errno(10061)
)

func dialCause(err error) Code {
	var dns *net.DNSError
	var timeout net.Error
	var op *net.OpError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return codeNameUnknown
	case errors.As(err, &dns):
		return codeNameServer
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, wsaeconnrefused):
		return codeConnectionRefused
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return codeNoAnswer
	case errors.As(err, &op) && op.Op == "dial":
		return codeUnreachable
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, wsaeconnreset), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return codeBrokenOff
	}
	return codeUnreachable
}
