package mcp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Headers of the transport.
const (
	sessionHeader = "Mcp-Session-Id"
	versionHeader = "Mcp-Protocol-Version"
	methodHeader  = "Mcp-Method"
	nameHeader    = "Mcp-Name"
	lastHeader    = "Last-Event-ID"
)

// maxRedirects is how many a request may take.
const maxRedirects = 10

// send makes a request of a session. m is what it says, nil for nothing, and last is the
// ID of the event behind which a stream goes on, empty for none.
func (b *bridge) send(ctx context.Context, method string, s *session, m *message, last string) (*http.Response, error) {
	to := b.url
	var body io.Reader
	if m != nil {
		body = bytes.NewReader(m.text) // which can be sent again after a renewal of the token
		if s.endpoint != nil {
			to = s.endpoint
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, to.String(), body)
	if err != nil {
		return nil, err
	}
	for name, values := range b.opts.Header {
		req.Header[name] = values
	}
	b.setHeaders(req, s, m)
	if last != "" {
		req.Header.Set(lastHeader, last)
	}
	res, err := b.client.Do(req)
	var outer *url.Error
	switch {
	case err == nil:
		return res, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.As(err, &outer):
		err = outer.Err // the URL, whose query may be private, needs no saying
	}
	return nil, &NoAnswerError{b.url.Host, err}
}

func (b *bridge) setHeaders(req *http.Request, s *session, m *message) {
	switch req.Method {
	case http.MethodPost:
		req.Header.Set("Accept", jsonType+", "+eventType)
		req.Header.Set("Content-Type", jsonType)
		if version := m.only().modern(); version != "" {
			b.setModern(req.Header, m.only(), version)
			return
		}
	case http.MethodGet:
		req.Header.Set("Accept", eventType)
		req.Header.Set("Cache-Control", "no-store")
	}
	if s.endpoint != nil {
		return
	}
	if s.id != "" {
		req.Header.Set(sessionHeader, s.id)
	}
	if s.version != "" {
		req.Header.Set(versionHeader, s.version)
	}
}

// stayAtOrigin follows a redirect that changes neither the origin nor the method. What a
// message says is for the server that was named, as the token is.
func stayAtOrigin(req *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) >= maxRedirects || req.Method != first.Method || !sameOrigin(req.URL, first.URL) {
		return http.ErrUseLastResponse
	}
	return nil
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}
