// Package guard lets only those requests through to a service that Identity-Aware
// Proxy (IAP) sent, and tells the service who is asking.
//
//	g, err := guard.New(guard.Options{Audiences: []string{"/projects/104250000042/global/backendServices/1029384756473829"}})
//	if err != nil {
//		return err
//	}
//	return http.ListenAndServe(":8080", g.Handler(mux))
//
// In a handler behind it, [From] returns the person:
//
//	who := guard.From(r.Context())
//	fmt.Fprintln(w, "hello", who.Email)
//
// IAP stands in front of a service, and is passed by whoever finds another way to
// it: a port that is open inside the network, a second load balancer, a Cloud Run
// URL. So each request carries an assertion that IAP has signed
// (https://docs.cloud.google.com/iap/docs/signed-headers-howto), and a request
// without a good one is answered 403. The headers X-Goog-Authenticated-User-Email
// and -Id are not signed and anybody's to write; behind a Guard they hold what the
// assertion says.
//
// The package links the standard library and nothing else.
package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/tokentoss/tokentoss/core/googleid"
)

// Headers of IAP.
const (
	assertionHeader = "X-Goog-Iap-Jwt-Assertion"
	emailHeader     = "X-Goog-Authenticated-User-Email"
	idHeader        = "X-Goog-Authenticated-User-Id"
)

// Options say which requests pass. Audiences is needed.
type Options struct {
	// Audiences are what IAP signs for this service: of a load balancer
	// "/projects/NUMBER/global/backendServices/SERVICE_ID". The page of IAP in Google
	// Cloud's console shows it: "Get JWT audience code" in a service's menu.
	Audiences []string

	// Except are the paths that pass without an assertion, exactly as they are in the
	// request, with GET or HEAD: the health checks of a load balancer carry none. A
	// handler finds no person there.
	Except []string

	// EmailOptional lets people through whose identity has no e-mail address, as one
	// from outside Google may have none.
	EmailOptional bool

	// Refuse answers requests that do not pass. Nil answers 403, or 503 when Google's
	// keys are not to be had, and says nothing of the reason, which is in the log.
	// It finds the reason by [Reason].
	Refuse http.Handler

	// KeysURL and InsecureLoopback are for an emulator in Google's place; see
	// [googleid.Options], as for Transport.
	KeysURL          string
	InsecureLoopback bool
	Transport        http.RoundTripper

	// Logger gets a line for each request that does not pass, never its assertion.
	// Nil discards.
	Logger *slog.Logger
}

// A Guard lets requests through that IAP has signed. It is safe for concurrent use;
// one is enough for a service.
type Guard struct {
	verifier *googleid.Verifier
	except   []string
	refuse   http.Handler
	log      *slog.Logger
}

// New returns the Guard that o describes. It fetches nothing: Google's keys are
// had at the first request.
func New(o Options) (*Guard, error) {
	for _, p := range o.Except {
		if !strings.HasPrefix(p, "/") {
			return nil, fmt.Errorf("the path %q to except does not begin with /", p)
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Refuse == nil {
		o.Refuse = http.HandlerFunc(refuse)
	}
	v, err := googleid.NewAssertionVerifier(googleid.Options{
		Audiences: o.Audiences, EmailOptional: o.EmailOptional, KeysURL: o.KeysURL, InsecureLoopback: o.InsecureLoopback,
		Transport: o.Transport, Logger: o.Logger,
	})
	if err != nil {
		return nil, err
	}
	return &Guard{verifier: v, except: slices.Clone(o.Except), refuse: o.Refuse, log: o.Logger}, nil
}

// Handler returns a handler that passes on to next what IAP has signed. It hands
// the ResponseWriter on as it is: streams and WebSockets work. An assertion is
// looked at once, when the request arrives.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := g.identify(r)
		if err != nil && !g.excepted(r) {
			g.answer(w, r, err)
			return
		}
		next.ServeHTTP(w, withIdentity(r, who))
	})
}

var errNoAssertion = errors.New("the request carries no assertion of IAP's")

func (g *Guard) identify(r *http.Request) (*googleid.Identity, error) {
	switch values := r.Header[assertionHeader]; len(values) {
	case 0:
		return nil, errNoAssertion
	case 1:
		return g.verifier.Verify(r.Context(), values[0])
	}
	return nil, errors.New("the request carries more than one assertion")
}

// excepted tells whether the request may pass without an assertion. The path is
// the one that handlers see, and compared as a whole.
func (g *Guard) excepted(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && slices.Contains(g.except, r.URL.Path)
}

// withIdentity returns the request for the service. It has no word about a person
// that is not signed.
func withIdentity(r *http.Request, who *googleid.Identity) *http.Request {
	ctx := r.Context()
	if who != nil {
		ctx = context.WithValue(ctx, identityKey{}, who)
	}
	r = r.WithContext(ctx)
	r.Header = r.Header.Clone()
	r.Header.Del(emailHeader)
	r.Header.Del(idHeader)
	if who == nil {
		r.Header.Del(assertionHeader)
		return r
	}
	r.Header.Set(idHeader, who.Subject)
	if who.Email != "" { // the same words stand in front of both
		r.Header.Set(emailHeader, who.Subject[:strings.LastIndexByte(who.Subject, ':')+1]+who.Email)
	}
	return r
}

func (g *Guard) answer(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody waits for it
	}
	g.log.Warn("a request was refused", "reason", err, "method", r.Method, "path", r.URL.Path)
	g.refuse.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), reasonKey{}, err)))
}

type (
	identityKey struct{}
	reasonKey   struct{}
)

// From returns whom a request is from, or nil where the request did not pass a
// Guard, or passed it by a path that is excepted.
func From(ctx context.Context) *googleid.Identity {
	who, _ := ctx.Value(identityKey{}).(*googleid.Identity)
	return who
}

// Reason returns, in [Options].Refuse, why the request does not pass: a
// [*googleid.TokenError], a [*googleid.KeysError], or another error. It is not for
// the eyes of whoever sent the request.
func Reason(ctx context.Context) error {
	err, _ := ctx.Value(reasonKey{}).(error)
	return err
}
