package oidc

import (
	"context"
	"net/http"
	"net/url"
)

// A RelayedAnswer is a provider's answer as it came.
type RelayedAnswer struct {
	Status int
	Header http.Header
	Body   []byte
}

// RelayToken makes a token request (RFC 6749 sections 4.1.3 and 6) in the place of who
// holds no secret of the client, and returns the answer as it came, an error of the
// provider's among them. Form has all but what authenticates the client.
//
// It returns a [*ProviderError] when there is no answer.
func (c *Client) RelayToken(ctx context.Context, form url.Values) (*RelayedAnswer, error) {
	return c.relay(ctx, TokenEndpoint, form)
}

// RelayRevocation is RelayToken for a revocation request (RFC 7009).
func (c *Client) RelayRevocation(ctx context.Context, form url.Values) (*RelayedAnswer, error) {
	return c.relay(ctx, revocationEndpoint, form)
}

func (c *Client) relay(ctx context.Context, endpoint string, form url.Values) (*RelayedAnswer, error) {
	p, err := c.Provider(ctx)
	if err != nil {
		return nil, err
	}
	if u, _, _ := p.authMethods(endpoint); u == "" {
		return nil, &ProviderError{Endpoint: endpoint, Host: hostOf(p.Issuer), Problem: "there is none"}
	}
	a, err := c.post(ctx, p, endpoint, form)
	if err != nil {
		return nil, err
	}
	return &RelayedAnswer{Status: a.status, Header: a.header, Body: a.body}, nil
}
