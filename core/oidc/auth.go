package oidc

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core/fault"
)

// TokenEndpoint is the Endpoint of a [ProviderError] of the token endpoint.
const TokenEndpoint = "token"

// Other endpoints at which a client authenticates, as they are called in errors.
const (
	revocationEndpoint = "revocation"
	deviceEndpoint     = "device authorization"
)

// Methods of client authentication (OpenID Connect Core section 9).
const (
	authNone  = "none"
	authPost  = "client_secret_post"
	authBasic = "client_secret_basic"
)

// post posts a form to an endpoint of p, authenticated as the client (RFC 6749
// section 2.3.1). Where the provider takes both, or does not say, the secret goes into
// the form; should that be refused, into the header, once, and from then on: clients
// may be registered for one of them. A refused authentication uses up no code and no
// token.
func (c *Client) post(ctx context.Context, p Provider, endpoint string, form url.Values) (*answer, error) {
	u, methods, own := p.authMethods(endpoint)
	method, err := c.authMethod(p, endpoint, methods)
	if err != nil {
		return nil, err
	}
	a, err := c.resolver.http.post(ctx, endpoint, u, c.authenticated(form, endpoint, method))
	mayBeBasic := !own || slices.Contains(methods, authBasic)
	if err != nil || method != authPost || !mayBeBasic || p.IsGoogle() || !isInvalidClient(a) {
		return a, err
	}
	again, err := c.resolver.http.post(ctx, endpoint, u, c.authenticated(form, endpoint, authBasic))
	if err != nil || isInvalidClient(again) {
		return a, nil //nolint:nilerr // the first answer says why
	}
	c.basic.Store(endpoint, true)
	return again, nil
}

// authMethods returns an endpoint's URL and the methods of client authentication
// that the provider lists: for this endpoint, which is then its own list, or else for
// the token endpoint. RFC 8628 has no list for its endpoint, RFC 8414 has one for
// revocation.
func (p Provider) authMethods(endpoint string) (u string, methods []string, own bool) {
	switch endpoint {
	case deviceEndpoint:
		return p.DeviceURL, p.TokenAuthMethods, false
	case revocationEndpoint:
		if p.RevocationAuthMethods != nil {
			return p.RevocationURL, p.RevocationAuthMethods, true
		}
		return p.RevocationURL, p.TokenAuthMethods, false
	}
	return p.TokenURL, p.TokenAuthMethods, p.TokenAuthMethods != nil
}

// authMethod chooses among the methods that an endpoint takes; empty means that they
// are not known.
func (c *Client) authMethod(p Provider, endpoint string, methods []string) (string, error) {
	_, basic := c.basic.Load(endpoint)
	known := []string{authPost, authBasic, authNone}
	switch {
	case len(methods) > 0 && !slices.ContainsFunc(methods, func(m string) bool { return slices.Contains(known, m) }):
		return "", &ProviderError{
			Endpoint: endpoint, Host: hostOf(p.Issuer), Kind: fault.Unsupported,
			Next:    fault.Say("ask whoever runs the provider to let this client authenticate by %s or %s", authBasic, authPost),
			Problem: fmt.Sprintf("it authenticates clients by %s only, which this program cannot do; it can do %s and %s", strings.Join(methods, ", "), authPost, authBasic),
		}
	case c.Secret == "":
		return authNone, nil
	case basic, slices.Contains(methods, authBasic) && !slices.Contains(methods, authPost):
		return authBasic, nil
	}
	return authPost, nil
}

// An authForm is a form and what goes into the Authorization header with it.
type authForm struct {
	url.Values
	header string
}

// authenticated returns form with what authenticates the client by a method.
func (c *Client) authenticated(form url.Values, endpoint, method string) authForm {
	f := authForm{Values: url.Values{"client_id": {c.ID}}}
	for name, values := range form {
		f.Values[name] = values
	}
	switch method {
	case authPost:
		f.Set("client_secret", c.Secret.Reveal())
	case authBasic:
		// RFC 6749 section 2.3.1: both are encoded as in a form before they are joined.
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret.Reveal()))
		f.header = r.Header.Get("Authorization")
		if endpoint != deviceEndpoint { // where the parameter is required (RFC 8628 section 3.1)
			f.Del("client_id")
		}
	}
	return f
}

// isInvalidClient tells whether an endpoint refused the client's authentication (RFC
// 6749 section 5.2).
func isInvalidClient(a *answer) bool {
	return (a.status == http.StatusBadRequest || a.status == http.StatusUnauthorized) && readErrorCode(a.body) == "invalid_client"
}
