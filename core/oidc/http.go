package oidc

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/internal/strictjson"
	"github.com/tokentoss/tokentoss/core/proxyenv"
)

// RequestTimeout bounds one request to the provider, its answer included.
const RequestTimeout = 10 * time.Second

const (
	// maxAnswer is the size of the largest answer that is read.
	maxAnswer = 1 << 20

	// maxDials is how often a connection is tried. Only a connection that could
	// not be made is tried again: once a request was sent, the provider may have
	// acted on it.
	maxDials = 3
)

// An endpointClient talks to a provider's endpoints: https only, no redirects
// (RFC 9700 section 4.12: they would carry credentials elsewhere), a deadline,
// a bound on the answer, and errors without a byte of the answer in them.
type endpointClient struct {
	insecureLoopback bool
	base             func() http.RoundTripper
	clock            func() time.Time
	log              *slog.Logger
}

// newEndpointClient returns a client over the transport of o, or over one of its
// own, which most runs of a program never need. o has its defaults.
func newEndpointClient(o ProviderOptions) *endpointClient {
	c := &endpointClient{insecureLoopback: o.InsecureLoopback, clock: o.Now, log: o.Logger}
	c.base = func() http.RoundTripper { return o.Transport }
	if o.Transport == nil {
		c.base = sync.OnceValue(ownTransport)
	}
	return c
}

func ownTransport() http.RoundTripper {
	return &http.Transport{
		Proxy:               proxyenv.FromEnvironment,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 5 * time.Second,
		ForceAttemptHTTP2:   true,
		// A refresh an hour is not worth an idle connection.
		DisableKeepAlives: true,
	}
}

func (c *endpointClient) now() time.Time { return c.clock() }

// An answer is a complete HTTP answer.
type answer struct {
	endpoint string
	host     string
	status   int
	header   http.Header
	body     []byte
	offset   time.Duration // this machine's clock minus the provider's Date; 0 without one
}

// fail makes the error of an answer that is no good.
func (a *answer) fail(problem string) *ProviderError {
	return &ProviderError{Endpoint: a.endpoint, Host: a.host, Status: a.status, Problem: problem}
}

// get asks for a JSON document.
func (c *endpointClient) get(ctx context.Context, endpoint, rawURL string) (*answer, error) {
	a, err := c.do(ctx, endpoint, rawURL, nil)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, a.fail(fmt.Sprintf("answered %d %s", a.status, http.StatusText(a.status)))
	}
	return a, nil
}

// post sends a form. The caller looks at the status.
func (c *endpointClient) post(ctx context.Context, endpoint, rawURL string, form authForm) (*answer, error) {
	return c.do(ctx, endpoint, rawURL, &form)
}

func (c *endpointClient) do(ctx context.Context, endpoint, rawURL string, form *authForm) (*answer, error) {
	if err := c.checkURL(rawURL); err != nil {
		return nil, &ProviderError{Endpoint: endpoint, Host: hostOf(rawURL), Problem: "will not be asked", Err: err, Kind: badURL(err)}
	}
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	for try := 1; ; try++ {
		began := time.Now()
		a, err := c.once(ctx, endpoint, rawURL, form)
		c.logRequest(ctx, endpoint, rawURL, a, err, time.Since(began))
		var pe *ProviderError
		if err == nil || try == maxDials || !errors.As(err, &pe) || !pe.Offline || isNotFound(err) {
			return a, err
		}
		pause := time.Duration(try) * (50*time.Millisecond + rand.N(100*time.Millisecond))
		select {
		case <-ctx.Done():
			return a, err
		case <-time.After(pause):
		}
	}
}

// logRequest says that the provider was asked. Host, status and our own words
// are all that it shows.
func (c *endpointClient) logRequest(ctx context.Context, endpoint, rawURL string, a *answer, err error, took time.Duration) {
	if !c.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	outcome := any(err)
	if err == nil {
		outcome = a.status
	}
	c.log.Debug("asked the provider", "endpoint", endpoint, "host", hostOf(rawURL), "answer", outcome, "took", took.Round(time.Millisecond))
}

// once makes one attempt.
func (c *endpointClient) once(ctx context.Context, endpoint, rawURL string, form *authForm) (*answer, error) {
	host := hostOf(rawURL)
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, rawURL, body)
	if err != nil {
		return nil, &ProviderError{Endpoint: endpoint, Host: host, Problem: "its URL cannot be used", Kind: fault.BadConfig}
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "tokentoss")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if form.header != "" {
			req.Header.Set("Authorization", form.header)
		}
		// Without this, net/http sends a POST again when a kept connection
		// breaks; a refresh must be one request.
		req.GetBody = nil
	}
	return c.send(endpoint, req)
}

// send sends a request and reads all of its answer.
func (c *endpointClient) send(endpoint string, req *http.Request) (*answer, error) {
	host := req.URL.Host
	res, err := c.base().RoundTrip(req) // not http.Client: redirects are answers
	if errors.Is(err, fault.BadConfig) || errors.Is(err, fault.Refused) {
		return nil, err // nothing came to the provider, and no network mends it
	}
	if err != nil {
		return nil, networkError(endpoint, host, err)
	}
	defer res.Body.Close()
	a := &answer{endpoint: endpoint, host: host, status: res.StatusCode, header: res.Header}
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		a.offset = c.now().Sub(date)
	}
	a.body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		e := networkError(endpoint, host, err)
		e.Status, e.Offline = res.StatusCode, false
		if e.Kind == fault.Offline {
			e.Kind = fault.ProviderBusy
		}
		return nil, e
	case len(a.body) > maxAnswer:
		return nil, a.fail("its answer is larger than 1 MiB")
	case a.status >= 300 && a.status < 400:
		return nil, a.fail(fmt.Sprintf("answered %d, a redirect, which is not followed", a.status))
	}
	return a, nil
}

// checkURL refuses all but https, and loopback http where it is allowed.
func (c *endpointClient) checkURL(rawURL string) error {
	return checkEndpointURL(rawURL, c.insecureLoopback)
}

// ErrInsecureLoopback is the refusal of a loopback http provider, which exists
// for tests and emulators only.
const ErrInsecureLoopback = fault.InsecureLoopback

// badURL is the kind of what checkURL refuses: a mistake in the settings, but for
// the refusal that has a kind of its own.
func badURL(err error) fault.Kind {
	if errors.Is(err, ErrInsecureLoopback) {
		return ErrInsecureLoopback
	}
	return fault.BadConfig
}

func checkEndpointURL(rawURL string, insecureLoopback bool) error {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || u.User != nil {
		return errors.New("not an absolute URL")
	}
	switch {
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		if insecureLoopback {
			return nil
		}
		return ErrInsecureLoopback
	}
	return errors.New("only https is spoken to a provider")
}

// isLoopback tells whether host is a loopback literal. The name localhost is
// not: it can be made to resolve elsewhere.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.IsLoopback()
}

func hostOf(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "the provider"
	}
	return u.Host
}

// networkError describes a failure below HTTP in words that hold no URL.
func networkError(endpoint, host string, err error) *ProviderError {
	e := &ProviderError{Endpoint: endpoint, Host: host, Problem: "no answer", Kind: fault.ProviderBusy, Err: err}
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var ue *url.Error
	if errors.As(err, &ue) {
		e.Err = ue.Err
	}
	if !quotesNothing(err) {
		e.Problem, e.Err = "no answer, or one that cannot be read", nil
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		e.Problem, e.Err = "did not answer in time", context.DeadlineExceeded
	case errors.Is(err, context.Canceled):
		e.Problem, e.Err, e.Kind = "not waited for", context.Canceled, fault.Canceled
	case errors.As(err, &cert):
		e.Problem, e.Kind, e.Next = "its certificate cannot be trusted", fault.UntrustedServer, CertificateRemedy(err)
	case errors.As(err, &dns):
		e.Problem, e.Kind, e.Offline = "its name cannot be resolved (no network?)", fault.Offline, true
	case isDial(err):
		e.Problem, e.Kind, e.Offline = "cannot be reached (no network?)", fault.Offline, true
	case errors.Is(err, http.ErrSchemeMismatch):
		e.Problem, e.Kind, e.Next = "it does not speak TLS", fault.ProviderAnswer, fault.CorrectSetting.On("issuer")
	}
	return e
}

// isDial tells that no connection could be made, to the provider or to the proxy
// on the way to it, for which net/http puts an error around that of the dial.
func isDial(err error) bool {
	var op *net.OpError
	for errors.As(err, &op) {
		if op.Op == "dial" {
			return true
		}
		err = op.Err
	}
	return false
}

// quotesNothing tells the errors that hold no text of the answer. Those of
// net/http about an answer that is not HTTP quote it, and it may be tokens.
func quotesNothing(err error) bool {
	var op *net.OpError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var alert tls.AlertError
	return errors.As(err, &op) || errors.As(err, &dns) || errors.As(err, &cert) || errors.As(err, &alert) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, http.ErrSchemeMismatch)
}

// isNotFound tells a name that does not exist, which asking again won't change.
func isNotFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// retryAfter reads the Retry-After header (RFC 9110 section 10.2.3), bounded so
// that no answer can silence a session for long.
func (a *answer) retryAfter(now time.Time) time.Duration {
	const most = time.Minute
	v := a.header.Get("Retry-After")
	var d time.Duration
	if n, err := strconv.Atoi(v); err == nil {
		d = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(v); err == nil {
		d = t.Sub(now)
	}
	return min(max(d, 0), most)
}

// object returns the answer's fields. It wants JSON, by its content type also,
// one object, no key twice, and no deep nesting.
func (a *answer) object() (map[string]json.RawMessage, error) {
	if mt, _, err := mime.ParseMediaType(a.header.Get("Content-Type")); err != nil || mt != "application/json" {
		return nil, a.fail(fmt.Sprintf("answered %d with something that is not JSON", a.status))
	}
	fields, err := strictjson.Object(a.body)
	if err != nil {
		return nil, a.fail(fmt.Sprintf("answered %d with %v", a.status, err))
	}
	return fields, nil
}
