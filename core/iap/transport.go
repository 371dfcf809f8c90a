package iap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/proxyenv"
)

// A TokenSource gives the tokens that a [Transport] sends. Every [core.App] is
// one. It is used by many goroutines at once.
type TokenSource interface {
	// IDToken returns a token that is valid now. It is called for each request
	// and should be cheap while a token is valid.
	IDToken(ctx context.Context) (core.IDToken, error)

	// Renew returns a token that is newer than stale, which IAP refused. However
	// many callers come with the same stale token, it should obtain one new
	// token. It returns [core.ErrRenewedRecently], or stale itself, when a newer
	// one would not help.
	Renew(ctx context.Context, stale core.IDToken) (core.IDToken, error)
}

// Options configure a [Transport].
type Options struct {
	// Origins are the services that may see the token: URLs of which scheme,
	// host and port count and the rest is ignored. They are https, unless
	// InsecureLoopback is set. A host that is not ASCII is written in its xn-- form and
	// requested so too.
	Origins []string

	// InsecureLoopback also allows http origins whose host is localhost or a
	// loopback address.
	InsecureLoopback bool

	// Base sends the requests; nil is [http.DefaultTransport] as it is when
	// NewTransport is called. It must keep to the contract of
	// [http.RoundTripper] and not change the header values of a request in
	// place: they are shared between requests.
	Base http.RoundTripper

	// Requests, where it is not nil, makes the requests to Origins where a token is,
	// and what it answers is handed back: the TokenSource is asked for none. See package
	// github.com/tokentoss/tokentoss/core/forward.
	Requests http.RoundTripper

	// Header says which header carries the token.
	Header TokenHeader

	// NoXRequestedWith leaves X-Requested-With out. IAP then redirects to a
	// sign-in page where it would have answered 401; the Transport takes both
	// for the same.
	NoXRequestedWith bool

	// Logger learns about refused tokens. It never sees a token. nil is silent.
	Logger *slog.Logger
}

// A Transport is an [http.RoundTripper] that sends an ID token to services
// behind Identity-Aware Proxy. The package comment says what it does with their
// answers.
//
// Its errors are [*OriginError], [*RedirectError], [*HeaderError] and
// [ErrForwardProxy], all before anything is sent; [*RefusedError]; those of its
// TokenSource, wrapped; and those of its base.
//
// It adds no goroutine and no lock, and is safe for concurrent use.
type Transport struct {
	src            TokenSource
	base           http.RoundTripper
	requests       http.RoundTripper   // elsewhere, or nil
	origins        map[origin]struct{} // never written after NewTransport
	usual          map[written]origin  // the same
	header         TokenHeader
	requestedWith  bool
	xmlHTTPRequest []string
	log            *slog.Logger
	rendered       atomic.Pointer[rendered]
}

// NewTransport makes a Transport that sends tokens of src.
func NewTransport(src TokenSource, opts Options) (*Transport, error) {
	if src == nil {
		return nil, errors.New("iap: no token source")
	}
	if len(opts.Origins) == 0 {
		return nil, errors.New("iap: no origin: name the services that may see the token, like https://app.example.com")
	}
	t := &Transport{
		src:            src,
		base:           opts.Base,
		requests:       opts.Requests,
		origins:        make(map[origin]struct{}, len(opts.Origins)),
		usual:          make(map[written]origin, len(opts.Origins)),
		header:         opts.Header,
		requestedWith:  !opts.NoXRequestedWith,
		xmlHTTPRequest: []string{"XMLHttpRequest"},
		log:            opts.Logger,
	}
	for i, s := range opts.Origins {
		o, err := parseOrigin(s, opts.InsecureLoopback)
		if err != nil {
			return nil, fmt.Errorf("iap: origin %d: %w", i+1, err)
		}
		t.origins[o] = struct{}{}
		t.usual[o.usually()] = o
	}
	switch t.header {
	case "":
		t.header = HeaderAuto
	case HeaderAuto, HeaderAuthorization, HeaderProxyAuthorization:
	default:
		return nil, fmt.Errorf("iap: token header %q: use %s, %s or %s", t.header, HeaderAuto, HeaderAuthorization, HeaderProxyAuthorization)
	}
	if t.base == nil {
		t.base = http.DefaultTransport
		for o := range t.origins {
			if err := proxyenv.Check(&url.URL{Scheme: o.scheme, Host: o.host}); err != nil {
				return nil, err
			}
		}
	}
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	return t, nil
}

// NewClient makes a client for the services at origin that sends tokens of src.
// It is [NewTransport] with nothing but origins.
func NewClient(src TokenSource, origin ...string) (*http.Client, error) {
	t, err := NewTransport(src, Options{Origins: origin})
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: t}, nil
}

// RoundTrip implements [http.RoundTripper].
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	p, err := t.plan(req)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	if p.listed && t.requests != nil {
		return t.requests.RoundTrip(req)
	}
	if !p.listed {
		if err := t.signInPage(req); err != nil {
			closeBody(req)
			return nil, err
		}
		return t.send(req, unsigned(req))
	}
	tok, err := t.src.IDToken(req.Context())
	if err == nil && tok.Value == "" {
		err = errors.New("the token source gave an empty one")
	}
	if err != nil {
		closeBody(req)
		return nil, fmt.Errorf("iap: no token for %s: %w", p.origin, err)
	}
	resp, err := t.send(req, t.signed(req, p, tok.Value))
	if err != nil {
		return resp, err
	}
	v := judge(resp, p, &tok)
	if v == accepted {
		return resp, nil
	}
	return t.refused(req, p, tok, resp, v)
}

// CloseIdleConnections closes those of the base, for
// [http.Client.CloseIdleConnections].
func (t *Transport) CloseIdleConnections() {
	for _, base := range []http.RoundTripper{t.base, t.requests} {
		if c, ok := base.(interface{ CloseIdleConnections() }); ok {
			c.CloseIdleConnections()
		}
	}
}

// A plan is what to do with a request before anything is sent.
type plan struct {
	origin        origin
	listed        bool        // the token may go there
	header        TokenHeader // that carries it
	requestedWith bool        // add X-Requested-With
}

// plan decides where req goes and with what.
func (t *Transport) plan(req *http.Request) (plan, error) {
	if req.URL == nil {
		return plan{}, errors.New("iap: the request has no URL")
	}
	o, listed, err := t.target(req.URL, req.Host)
	if err != nil {
		return plan{}, err
	}
	// http.Client sets Response on the requests it makes to follow a redirect.
	if req.Response != nil {
		if err := checkRedirect(req); err != nil {
			return plan{}, err
		}
	}
	if !listed {
		if req.Response == nil {
			return plan{}, t.originError(req)
		}
		return plan{}, nil
	}
	if o.scheme == "http" {
		if err := t.checkForwardProxy(req, o); err != nil {
			return plan{}, err
		}
	}
	has := ownHeaders(req.Header)
	header, err := t.tokenHeader(has, o)
	if err != nil {
		return plan{}, err
	}
	return plan{o, true, header, t.requestedWith && !has.requestedWith}, nil
}

// checkRedirect refuses to go from https to http. An answer that does not say
// where it came from counts as https.
func checkRedirect(req *http.Request) error {
	if scheme, _ := lower(req.URL.Scheme); scheme != "http" {
		return nil
	}
	from := ""
	if prev := req.Response.Request; prev != nil && prev.URL != nil {
		if scheme, _ := lower(prev.URL.Scheme); scheme == "http" {
			return nil
		}
		from = printable(prev.URL)
	}
	return &RedirectError{From: from, To: printable(req.URL)}
}

// checkForwardProxy refuses to send a token over plain http through a forward
// proxy: it would read the token, take Proxy-Authorization for its own, and its
// loopback is another machine's. With https the token travels in a tunnel.
// A base that is not an *http.Transport cannot be asked.
func (t *Transport) checkForwardProxy(req *http.Request, o origin) error {
	base, ok := t.base.(*http.Transport)
	if !ok || base.Proxy == nil {
		return nil
	}
	proxy, err := base.Proxy(req)
	if err != nil {
		return fmt.Errorf("iap: forward proxy for %s: %w", o, err)
	}
	if proxy != nil {
		return fmt.Errorf("iap: nothing was sent to %s: %w %s: use https, or add the host to NO_PROXY", o, ErrForwardProxy, printable(proxy))
	}
	return nil
}

// send sends out on behalf of req. The answer names req instead of the copy with
// the token, which would end up in the log of whoever prints resp.Request.
func (t *Transport) send(req, out *http.Request) (*http.Response, error) {
	resp, err := t.base.RoundTrip(out)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

// closeBody does what RoundTrip must, also when nothing was sent.
func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}
