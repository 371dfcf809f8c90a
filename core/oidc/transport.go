package oidc

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Transport carries the requests that a flow makes itself, or has a library make,
// under the rules of this package's own: https only, no redirects, a deadline, at
// most 1 MiB of answer, nothing sent twice, and no part of an answer in an error. It
// is for one sign-in.
//
// A request fails where its answer is not 200; the error is a [*ProviderError].
type Transport struct {
	client *endpointClient
	plain  []string

	mu     sync.Mutex
	offset time.Duration
	err    error
}

// NewTransport returns a Transport to the provider that o names. The hosts of plain, as in a
// URL, are spoken to by http too: such as a metadata server, which has no
// certificate.
func NewTransport(o ProviderOptions, plain ...string) *Transport {
	o.setDefaults()
	return &Transport{client: newEndpointClient(o), plain: plain}
}

// Client returns an http.Client whose requests are to the endpoint of that name, as
// it will stand in errors and logs.
func (t *Transport) Client(endpoint string) *http.Client {
	return &http.Client{Transport: roundTripper{t, endpoint}}
}

// ClockOffset returns this machine's clock minus the clock of who answered last, as
// far as its answer told.
func (t *Transport) ClockOffset() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.offset
}

// Err returns how the last request failed, for when a library has made a text of it.
func (t *Transport) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

type roundTripper struct {
	transport *Transport
	endpoint  string
}

// RoundTrip implements [http.RoundTripper].
func (r roundTripper) RoundTrip(req *http.Request) (*http.Response, error) {
	t := r.transport
	began := time.Now()
	a, err := t.send(r.endpoint, req)
	t.client.logRequest(req.Context(), r.endpoint, req.URL.String(), a, err, time.Since(began))
	if err == nil && a.status != http.StatusOK {
		err = apiError(a, t.client.now())
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.err = err
	if a != nil {
		t.offset = a.offset
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: "200 OK", StatusCode: a.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: a.header,
		Body: io.NopCloser(bytes.NewReader(a.body)), ContentLength: int64(len(a.body)), Request: req,
	}, nil
}

func (t *Transport) send(endpoint string, req *http.Request) (*answer, error) {
	if plain := req.URL.Scheme == "http" && slices.Contains(t.plain, req.URL.Host); !plain {
		if err := t.client.checkURL(req.URL.String()); err != nil {
			if req.Body != nil {
				_ = req.Body.Close()
			}
			return nil, &ProviderError{Endpoint: endpoint, Host: req.URL.Host, Problem: "will not be asked", Err: err, Kind: badURL(err)}
		}
	}
	ctx, cancel := context.WithTimeout(req.Context(), RequestTimeout)
	defer cancel()
	req = req.Clone(ctx)
	req.GetBody = nil // or net/http might send it twice
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "tokentoss")
	}
	return t.client.send(endpoint, req)
}

// apiError reads an error of RFC 6749, or of Google's APIs, whose error is an object
// with a status (https://cloud.google.com/apis/design/errors).
func apiError(a *answer, now time.Time) *ProviderError {
	e := errorAnswer(a, now)
	var api struct {
		Error struct {
			Status string `json:"status"`
		} `json:"error"`
	}
	if e.Code == "" && json.Unmarshal(a.body, &api) == nil {
		text, _ := json.Marshal(strings.ToLower(api.Error.Status))
		if e.Code = readCode(text); e.Code != "" {
			e.Problem += " " + e.Code
		}
	}
	return e
}
