package googleid

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/tokentoss/tokentoss/core/internal/jws"
)

// Issuers of the two kinds of token.
const (
	GoogleIssuer = "https://accounts.google.com" // of ID tokens
	IAPIssuer    = "https://cloud.google.com/iap"
)

// Where the keys are, as JWK Sets.
const (
	googleKeysURL = "https://www.googleapis.com/oauth2/v3/certs"
	iapKeysURL    = "https://www.gstatic.com/iap/verify/public_key-jwk"
)

// skew is how wrong a clock may be, here or at Google.
const skew = 30 * time.Second

// Longest lives. IAP's is documented
// (https://docs.cloud.google.com/iap/docs/signed-headers-howto); Google's ID tokens
// live for an hour, and more than a day is a mistake of somebody's.
const (
	assertionLife = 10*time.Minute + 2*skew
	idTokenLife   = 24 * time.Hour
)

// Options say which tokens a [Verifier] takes. Audiences is needed.
type Options struct {
	// Audiences are the services that a token may be for; it must be for one of
	// them. Of an ID token that is an OAuth client's ID, or a service's URL. Of IAP's
	// assertion it is
	//
	//	/projects/NUMBER/apps/PROJECT_ID                              App Engine
	//	/projects/NUMBER/global/backendServices/SERVICE_ID            a load balancer
	//	/projects/NUMBER/regions/REGION/backendServices/SERVICE_ID    a regional one
	//	/projects/NUMBER/locations/REGION/services/SERVICE_NAME       Cloud Run
	Audiences []string

	// EmailOptional takes tokens that name no e-mail address, such as those that a
	// machine asked for without one. The address of an [Identity] is empty then.
	EmailOptional bool

	// Issuer and KeysURL stand for Google's where there is an emulator in its place.
	Issuer  string
	KeysURL string

	// InsecureLoopback allows a KeysURL of plain http at a loopback address.
	InsecureLoopback bool

	// Transport fetches the keys; nil means one of the package's own, with the proxy
	// of the environment.
	Transport http.RoundTripper

	// Now is the clock; nil means [time.Now].
	Now func() time.Time

	// Logger gets a line for each fetch of the keys that fails. Nil discards.
	Logger *slog.Logger
}

// A Verifier verifies tokens of one kind. It is safe for concurrent use and needs
// no closing; make one and keep it, since it holds Google's keys.
type Verifier struct {
	algorithm string
	issuers   []string
	audiences []string
	longest   time.Duration
	verified  bool // the e-mail address needs an email_verified beside it
	optional  bool // there may be no e-mail address
	now       func() time.Time
	keys      *keySet
}

// NewIDTokenVerifier returns a verifier of Google's ID tokens, of people and of
// service accounts.
func NewIDTokenVerifier(o Options) (*Verifier, error) {
	v, err := newVerifier(o, googleKeysURL)
	if err != nil {
		return nil, err
	}
	v.algorithm, v.longest, v.verified = "RS256", idTokenLife, true
	// Google, and only Google, has two spellings.
	v.issuers = []string{GoogleIssuer, "accounts.google.com"}
	if o.Issuer != "" {
		v.issuers = []string{o.Issuer}
	}
	return v, nil
}

// projectNumber is how an assertion's audience begins.
var projectNumber = regexp.MustCompile(`^/projects/[0-9]+/.`)

// NewAssertionVerifier returns a verifier of the assertions that IAP sends in the
// header X-Goog-IAP-JWT-Assertion.
func NewAssertionVerifier(o Options) (*Verifier, error) {
	for _, a := range o.Audiences {
		if !projectNumber.MatchString(a) {
			return nil, fmt.Errorf("audience %q is none of IAP's, which begin with /projects/ and the project's number", a)
		}
	}
	v, err := newVerifier(o, iapKeysURL)
	if err != nil {
		return nil, err
	}
	v.algorithm, v.longest = "ES256", assertionLife
	v.issuers = []string{IAPIssuer}
	if o.Issuer != "" {
		v.issuers = []string{o.Issuer}
	}
	return v, nil
}

func newVerifier(o Options, keysURL string) (*Verifier, error) {
	if len(o.Audiences) == 0 || slices.Contains(o.Audiences, "") {
		return nil, errors.New("a verifier needs the audience that tokens must be for")
	}
	if o.KeysURL != "" {
		keysURL = o.KeysURL
	}
	if err := checkURL(keysURL, o.InsecureLoopback); err != nil {
		return nil, fmt.Errorf("keys URL %q: %w", keysURL, err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Transport == nil {
		o.Transport = ownTransport()
	}
	return &Verifier{
		audiences: slices.Clone(o.Audiences), optional: o.EmailOptional, now: o.Now,
		keys: &keySet{url: keysURL, transport: o.Transport, now: o.Now, log: o.Logger},
	}, nil
}

// Verify returns whom a token is about. The error is a [*TokenError] when the token
// must not be believed, a [*KeysError] when that cannot be found out, or ctx's.
func (v *Verifier) Verify(ctx context.Context, token string) (*Identity, error) {
	t, err := jws.Parse(token)
	switch {
	case errors.Is(err, jws.ErrAlgorithm), err == nil && t.Algorithm != v.algorithm:
		return nil, &TokenError{WrongAlgorithm, "its signature algorithm is not " + v.algorithm}
	case err != nil:
		return nil, &TokenError{Malformed, err.Error()}
	case t.KeyID == "":
		return nil, &TokenError{UnknownKey, "it does not say which key signed it"}
	}
	key, err := v.keys.find(ctx, t)
	if err != nil {
		return nil, err
	}
	switch err := t.Verify(key); {
	case errors.Is(err, jws.ErrKeyType):
		return nil, &TokenError{WrongAlgorithm, err.Error()}
	case err != nil:
		return nil, &TokenError{WrongSignature, err.Error()}
	}
	c, err := readClaims(t.Payload)
	if err != nil {
		return nil, err
	}
	return v.check(c)
}
