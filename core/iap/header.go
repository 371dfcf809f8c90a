package iap

import (
	"maps"
	"net/http"
	"strings"

	"github.com/tokentoss/tokentoss/core"
)

// A TokenHeader says which request header carries the token.
type TokenHeader string

// The headers that IAP reads a token from. It tries Proxy-Authorization first,
// removes it, and passes Authorization on to the application
// (https://docs.cloud.google.com/iap/docs/authentication-howto).
const (
	// HeaderAuto is Authorization, or Proxy-Authorization for a request that
	// has an Authorization of its own. The empty TokenHeader is HeaderAuto.
	HeaderAuto               TokenHeader = "auto"
	HeaderAuthorization      TokenHeader = "Authorization"
	HeaderProxyAuthorization TokenHeader = "Proxy-Authorization"
)

const requestedWith = "X-Requested-With"

// own says which headers a request came with. Names are compared without
// case, since net/http sends names that are not canonical too.
type own struct {
	authorization, proxyAuthorization, requestedWith bool
}

func ownHeaders(h http.Header) (o own) {
	for name, values := range h {
		switch len(name) {
		case len(HeaderAuthorization):
			o.authorization = o.authorization || len(values) > 0 && strings.EqualFold(name, string(HeaderAuthorization))
		case len(HeaderProxyAuthorization):
			o.proxyAuthorization = o.proxyAuthorization || len(values) > 0 && strings.EqualFold(name, string(HeaderProxyAuthorization))
		case len(requestedWith):
			// Present without a value is how a caller says "do not send".
			o.requestedWith = o.requestedWith || strings.EqualFold(name, requestedWith)
		}
	}
	return o
}

// tokenHeader chooses the header for a request with the headers o.
func (t *Transport) tokenHeader(o own, to origin) (TokenHeader, error) {
	header := t.header
	if header == HeaderAuto {
		header = HeaderAuthorization
		if o.authorization {
			header = HeaderProxyAuthorization
		}
	}
	if header == HeaderAuthorization && o.authorization || header == HeaderProxyAuthorization && o.proxyAuthorization {
		return "", &HeaderError{Origin: to.String(), Header: string(header)}
	}
	return header, nil
}

// rendered is the header value of one token, made once and shared by all
// requests that carry it.
type rendered struct {
	token  core.Secret
	header []string
}

// bearer renders the token. Comparing costs next to nothing while the source
// returns the same string: equal pointers are equal strings.
func (t *Transport) bearer(token core.Secret) []string {
	if r := t.rendered.Load(); r != nil && r.token == token {
		return r.header
	}
	r := &rendered{token, []string{"Bearer " + token.Reveal()}}
	t.rendered.Store(r)
	return r.header
}

// signed copies req as far as it differs: the struct and the header map. The
// header values are shared with req and between requests.
func (t *Transport) signed(req *http.Request, p plan, token core.Secret) *http.Request {
	r := new(http.Request)
	*r = *req
	if r.Header = maps.Clone(req.Header); r.Header == nil {
		r.Header = make(http.Header, 2)
	}
	r.Header[string(p.header)] = t.bearer(token)
	if p.requestedWith {
		r.Header[requestedWith] = t.xmlHTTPRequest
	}
	return r
}

// unsigned is req without any credential that was meant for the service, for a
// redirect that leads elsewhere.
func unsigned(req *http.Request) *http.Request {
	if ownHeaders(req.Header) == (own{}) {
		return req
	}
	r := new(http.Request)
	*r = *req
	r.Header = maps.Clone(req.Header)
	maps.DeleteFunc(r.Header, func(name string, _ []string) bool {
		return strings.EqualFold(name, string(HeaderAuthorization)) ||
			strings.EqualFold(name, string(HeaderProxyAuthorization)) ||
			strings.EqualFold(name, requestedWith)
	})
	return r
}
