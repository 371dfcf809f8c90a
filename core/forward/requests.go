package forward

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
)

const (
	// ErrorHeader is on an answer that is an error of the side that makes the requests,
	// and no service's. Its value is the kind, and its body {"message": TEXT} in JSON.
	ErrorHeader = "Tokentoss-Error"

	// idleTimeout is how long a connection is kept for the next request.
	idleTimeout = 90 * time.Second
)

// Requests returns what has requests made where the session is: to its targets, by
// HTTP/2 for a request that came so, and by HTTP/1.1 for others. It is nil where tokens
// are given instead.
func (c *Client) Requests() http.RoundTripper {
	if !c.Hello.Requests {
		return nil
	}
	first, second := new(http.Protocols), new(http.Protocols)
	first.SetHTTP1(true)
	second.SetUnencryptedHTTP2(true)
	return &requests{c, c.transport(first), c.transport(second)}
}

// transport has requests made by a version of HTTP.
func (c *Client) transport(p *http.Protocols) *http.Transport {
	return &http.Transport{
		DialContext:         func(ctx context.Context, _, address string) (net.Conn, error) { return c.open(ctx, address) },
		MaxIdleConnsPerHost: maxConnections, IdleConnTimeout: idleTimeout,
		ExpectContinueTimeout: time.Second, DisableCompression: true, Protocols: p,
	}
}

// open opens a connection to a service, a HOST:PORT.
func (c *Client) open(ctx context.Context, target string) (net.Conn, error) {
	conn, _, err := c.ask(ctx, target)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

type requests struct {
	client        *Client
	first, second *http.Transport // of HTTP/1.1 and HTTP/2
}

// RoundTrip implements [http.RoundTripper].
func (t *requests) RoundTrip(req *http.Request) (*http.Response, error) {
	// The socket is private: TLS is spoken to the service, by the other side.
	out, to := *req, *req.URL
	out.URL, to.Scheme = &to, "http"
	if to.Port() == "" {
		to.Host = net.JoinHostPort(to.Hostname(), "443")
	}
	by := t.first
	if req.ProtoMajor == 2 || req.RequestURI != "" && req.Header.Get("Expect") != "" {
		by = t.second // of a client of ours: by HTTP/1.1 Go waits for ever where another informational answer comes before 100
	}
	res, err := by.RoundTrip(&out)
	if err != nil {
		return nil, err
	}
	res.Request = req
	if kind := res.Header.Get(ErrorHeader); kind != "" {
		defer res.Body.Close()
		return nil, t.client.problem(fault.Kind(kind), res.Body)
	}
	return res, nil
}

// WriteProblem answers a request that could not be made: with the kind of the fault, or
// another code for what is the service's, and a text.
func WriteProblem(w http.ResponseWriter, status int, code, text string) {
	h := w.Header()
	h.Set(ErrorHeader, code)
	h.Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = writeMessage(w, problem{text})
}

// A problem is the body of such an answer.
type problem struct {
	Message string `json:"message"`
}

// problem is the error that an answer tells.
func (c *Client) problem(kind fault.Kind, body io.Reader) error {
	var told problem
	if err := readMessage(bufio.NewReader(body), &told); err != nil || told.Message == "" {
		told.Message = "the request could not be made there"
	}
	if !kind.Known() { // the service's, or that of the way to it
		return errors.New(clean(told.Message))
	}
	return answer{Kind: kind, Problem: told.Message}.error(c.Hello.Host)
}

// CloseIdleConnections is for [http.Client.CloseIdleConnections].
func (t *requests) CloseIdleConnections() {
	t.first.CloseIdleConnections()
	t.second.CloseIdleConnections()
}
