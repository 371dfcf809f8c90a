package gonb

import (
	"context"
	"net/http"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/profile"
)

// A Client calls services behind Identity-Aware Proxy. Its Get, Post and Do are those
// of [http.Client].
type Client struct {
	*http.Client
	profile *profile.Profile
}

func newClient(p *profile.Profile, origins []string) (*Client, error) {
	if len(origins)+len(p.Settings.Targets) == 0 {
		return &Client{&http.Client{Transport: nowhere{}}, p}, nil
	}
	c, err := p.HTTPClient(origins...)
	if err != nil {
		return nil, err
	}
	return &Client{c, p}, nil
}

// Status tells who is signed in.
func (c *Client) Status(ctx context.Context) (core.Status, error) { return c.profile.Status(ctx) }

// SignOut ends the session, here and wherever else it is used.
func (c *Client) SignOut(ctx context.Context) error { return c.profile.SignOut(ctx) }

// Session returns the session, for libraries that want tokens of it.
func (c *Client) Session() *core.Session { return c.profile.Session }

// Close ends what the client does in the background. The end of the cell does, too.
func (c *Client) Close() error { return c.profile.Close() }

// nowhere is the transport of a client that was told of no service.
type nowhere struct{}

// RoundTrip implements [http.RoundTripper].
func (nowhere) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_ = req.Body.Close()
	}
	return nil, errNowhere
}
