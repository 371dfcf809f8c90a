package proxy

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/forward"
	"github.com/tokentoss/tokentoss/core/iap"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/frontends/http/loopback"
)

// errorHeader is on what the proxy answers itself, and on nothing else.
const errorHeader = forward.ErrorHeader

// An httpError is an answer of the proxy itself.
type httpError struct {
	Status  int
	Code    string // for programs
	Title   string
	Message string
	Hint    string // what to do next
	GRPC    uint32 // the code of gRPC's status
	Aloud   bool   // said in the status line, too, which is all that some clients show
}

var (
	errNotForward    = httpError{http.StatusBadRequest, "not_a_forward_proxy", "Not that way", "this address is the service itself, not a proxy to set in a browser or in http_proxy", "ask it for a path, like http://127.0.0.1:PORT/", grpcInvalidArgument, false}
	errHost          = httpError{http.StatusMisdirectedRequest, "wrong_host", "Wrong address", "the Host of the request is not one of this proxy's", "use the address that tokentoss printed", grpcInvalidArgument, false}
	errCrossSite     = httpError{http.StatusForbidden, "cross_site", "Not from another page", "a page of another address led here", "open the address in a tab of its own", grpcPermissionDenied, false}
	errBrowserSecret = httpError{http.StatusForbidden, "secret_needed", "Not yet", "this browser has not shown that it is yours", "open the link that tokentoss printed; it works once, and tokentoss then prints another", grpcPermissionDenied, false}
	errSecret        = httpError{http.StatusUnauthorized, "secret_needed", "Not yet", "the request does not show this proxy's secret", "send it as the password of basic authentication, as the header " + secretHeader + ", or as the path /~SECRET/; tokentoss printed it", grpcUnauthenticated, false}
	errLink          = httpError{http.StatusForbidden, "link_used", "This link was used", "a link works once, and in one browser", "open the one that tokentoss printed last", grpcPermissionDenied, false}
	errNoTarget      = httpError{http.StatusNotFound, "no_target", "Nothing here", "no service has this address", "", grpcUnimplemented, false}
)

var (
	// errStale is IAP's refusal of a request that could not be repeated.
	errStale = errors.New("IAP refused the token, and the body could not be sent again")

	errBrokenOff = errors.New("it broke off its answer")
)

// explain finds what a failed request means to the person. origin is the service's.
func explain(err error, origin string) httpError {
	var refused *iap.RefusedError
	var token *tokenError
	switch {
	case isStale(err): // with another token, which it now has
		e := explainKind(fault.TokenRefused)
		e.Message, e.Hint = "IAP refused the token, and the request's body is too large to be sent twice; the token was renewed", "send the request again"
		e.GRPC = grpcUnavailable
		return e
	case errors.As(err, &refused):
		return explainKind(refused)
	case errors.As(err, &token):
		return explainKind(token.err)
	}
	return explainUpstream(err, origin)
}

// explainKind answers as the table of kinds has it. What only a person can change is
// 403: a client would ask again for minutes after 503, and show nothing meanwhile.
func explainKind(err error) httpError {
	kind := fault.Of(err)
	row := kind.Row()
	e := httpError{row.HTTP, string(kind), sentenceCase(row.Text), err.Error(), loopback.Advice(err), row.GRPC, true}
	switch kind {
	case fault.SignInNeeded, fault.NoPerson, fault.NotConfigured:
		e.Hint += "; this proxy goes on by itself then"
	case fault.Offline:
		e.Hint = "see whether this machine is online; nothing was lost, and you stay signed in"
	}
	return e
}

// sentenceCase begins a text with a capital.
func sentenceCase(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// explainUpstream is about the way to the service.
func explainUpstream(err error, origin string) httpError {
	p := httpError{http.StatusBadGateway, "upstream", "The service does not answer", origin + ": " + err.Error(), "see whether the service runs, and try again", grpcUnavailable, false}
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var timeout net.Error
	switch {
	case errors.As(err, &dns):
		p.Code, p.Title, p.Hint = "upstream_name", "The service is not found", "see whether its name is written right, and whether this machine is online or needs a VPN"
	case errors.As(err, &certificate):
		untrusted := &fault.Error{Kind: fault.UntrustedServer, Remedy: oidc.CertificateRemedy(err)}
		p.Code, p.Title, p.Hint = "upstream_tls", "The service cannot be trusted", "nothing was sent; "+loopback.Advice(untrusted)
		p.GRPC = grpcFailedPrecondition
	case errors.As(err, &record), errors.As(err, &alert):
		p.Code, p.Title, p.Hint = "upstream_tls", "The service does not speak TLS", "see whether the target's scheme and port are right"
		p.GRPC = grpcFailedPrecondition
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		p.Status, p.Code, p.Title = http.StatusGatewayTimeout, "upstream_timeout", "The service takes too long"
	}
	return p
}

// content is the answer's status, type and body: a page for those who want one, text
// for those who show that, gRPC's own way, else JSON as in RFC 9457.
func (e httpError) content(r *http.Request, h http.Header) (status int, kind string, body []byte) {
	switch {
	case speaksGRPC(r.Header):
		e.setStatus(h, "")
		return http.StatusOK, r.Header.Get("Content-Type"), nil
	case wants(r, "text/html"):
		p := loopback.Page{Title: e.Title, Text: sentenceCase(e.Message) + ".", Next: e.Hint}
		return e.Status, "text/html; charset=utf-8", []byte(p.HTML())
	case wants(r, "text/plain"), strings.HasPrefix(r.UserAgent(), "git/"): // which shows nothing else
		return e.Status, "text/plain; charset=utf-8", []byte("tokentoss: " + e.sentence() + "\n")
	}
	body, _ = json.Marshal(map[string]any{ // cannot fail
		"error": e.Code, "code": e.Code, "title": e.Title, "status": e.Status, "message": e.sentence(), "detail": e.sentence(), "hint": e.Hint,
	})
	return e.Status, "application/problem+json", append(body, '\n')
}

// write sends the error.
func (e httpError) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	loopback.Protect(h)
	h.Set(errorHeader, e.Code)
	if e.Status == http.StatusUnauthorized {
		h.Set("Www-Authenticate", `Basic realm="tokentoss proxy"`)
	}
	status, kind, body := e.content(r, h)
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		body = nil
	}
	if e.Aloud && status == e.Status && e.writeAloud(w, status, body) {
		return
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error here is the client's connection
}

// writeAloud writes an answer with a reason phrase of its own, which net/http cannot,
// and ends the connection. It returns false where the connection cannot be taken over.
func (e httpError) writeAloud(w http.ResponseWriter, status int, body []byte) bool {
	c, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	defer c.Close()
	reason := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, "tokentoss: "+e.sentence())
	h := w.Header()
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	_ = c.SetDeadline(time.Now().Add(refusedRead))
	fmt.Fprintf(buf, "HTTP/1.1 %d %.400s\r\n", status, reason)
	_ = h.Write(buf)
	_, _ = buf.WriteString("\r\n")
	_, _ = buf.Write(body)
	_ = buf.Flush()
	if half, ok := c.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, c, refusedBody) // or the rest of a body would reset the connection, and the answer be lost
	}
	return true
}

// sentence is what happened and what to do, for clients that show one text.
func (e httpError) sentence() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + ": " + e.Hint
}

// wants tells whether a client likes nothing better than a type.
func wants(r *http.Request, kind string) bool {
	for _, line := range r.Header["Accept"] {
		for part := range strings.SplitSeq(line, ",") {
			if name, params, err := mime.ParseMediaType(part); err == nil && name == kind && (params["q"] == "" || strings.HasPrefix(params["q"], "1")) {
				return true
			}
		}
	}
	return false
}
