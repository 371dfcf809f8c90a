package proxy

import (
	"context"
	"errors"
	"net/http"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/forward"
	"github.com/tokentoss/tokentoss/core/iap"
)

// What a failed request means is the same for package forwardproxy, which takes requests
// by another door.

// ErrStale is IAP's refusal of a request that could not be repeated.
var ErrStale = errStale

// RenewStale gets a newer token for the next request, if err is IAP's refusal of one that
// could not be repeated. Whether it succeeds shows then.
func RenewStale(ctx context.Context, tokens iap.TokenSource, err error) { renewStale(ctx, tokens, err) }

// TokenError marks the error of a token source, which may be nil, so that [WriteError]
// tells it from the service's.
func TokenError(err error) error { return wrapToken(err) }

// WriteError answers a request to the service at origin that failed with err.
func WriteError(w http.ResponseWriter, r *http.Request, err error, origin string) {
	explain(err, origin).write(w, r)
}

// WriteProblem is WriteError for a request of another machine, which says itself what to
// do about what is not the service's.
func WriteProblem(w http.ResponseWriter, err error, origin string) {
	e := explain(err, origin)
	text := e.sentence()
	if fault.Kind(e.Code).Known() {
		text = e.Message
	}
	forward.WriteProblem(w, e.Status, e.Code, text)
}

// Elsewhere marks the errors of what makes requests where a token is, which may be nil, so
// that [WriteError] tells those from the service's that are not.
func Elsewhere(base http.RoundTripper) http.RoundTripper {
	if base == nil {
		return nil
	}
	return elsewhere{base}
}

type elsewhere struct{ http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (t elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := t.RoundTripper.RoundTrip(r)
	var told *fault.Error
	if errors.As(err, &told) {
		err = TokenError(err)
	}
	return res, err
}

// CloseIdleConnections is for [http.Client.CloseIdleConnections].
func (t elsewhere) CloseIdleConnections() {
	if c, ok := t.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Unmark takes from the answer of a service what only this program may say.
func Unmark(h http.Header) { delete(h, errorHeader) }

// Replayable lets a small body be sent more than once.
func Replayable(r *http.Request) { replayable(r) }
