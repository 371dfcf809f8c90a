package proxy

import (
	"context"
	"net/http"

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

// Unmark takes from the answer of a service what only this program may say.
func Unmark(h http.Header) { delete(h, errorHeader) }

// Replayable lets a small body be sent more than once.
func Replayable(r *http.Request) { replayable(r) }
