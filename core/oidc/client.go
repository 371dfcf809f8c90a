package oidc

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/internal/jws"
)

// A Client is an OAuth client at its provider. It makes the requests that carry
// the client's secret, so that a flow need not.
type Client struct {
	ID           string
	Secret       Secret
	Web          bool     // redirect URIs are matched exactly
	RedirectURIs []string // of a Web client

	// Consent asks a flow to have the person consent anew. A Session sets it when
	// the last sign-in brought no refresh token. It is not the default, since
	// each consent at Google uses up one of the 100 refresh tokens that an
	// account has per client
	// (https://developers.google.com/identity/protocols/oauth2#expiration).
	Consent bool

	resolver *resolver
	keys     *keyCache
	basic    *sync.Map // endpoints that were seen to take HTTP Basic only, by name
	options  ProviderOptions
}

// ProviderOptions say which provider a client belongs to and how it is reached.
// The zero value is Google.
type ProviderOptions struct {
	// Issuer is the OpenID provider's issuer URL; empty means what the client's
	// file says, which must be Google.
	Issuer string

	// InsecureLoopback allows a provider at a loopback address over plain http.
	// It is for emulators and tests.
	InsecureLoopback bool

	// HostedDomain is the Google Workspace domain that accounts must belong to;
	// empty means any.
	HostedDomain string

	// RequireVerifiedEmail refuses ID tokens without an e-mail address that the provider says
	// to be verified. At Google that is always so. An address that the provider says
	// not to be verified is refused everywhere.
	RequireVerifiedEmail bool

	// TrustedAudiences may stand beside the client in aud, in tokens whose azp is the
	// client (OpenID Connect Core section 3.1.3.7). Without them a token must be for
	// this client alone.
	TrustedAudiences []string

	// Transport makes the requests to the provider; nil means one of the
	// package's own, with the proxy of the environment.
	Transport http.RoundTripper

	// SecretElsewhere is for a client whose secret is not here: Transport is what
	// authenticates it.
	SecretElsewhere bool

	// Now is the clock; nil means [time.Now].
	Now func() time.Time

	// Logger gets a line for each request to the provider, never a secret. Nil
	// discards.
	Logger *slog.Logger
}

func (o *ProviderOptions) setDefaults() {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
}

// NewClient returns the client that cs describes. It refuses a cs that names
// endpoints other than Google's, unless o says which provider is meant: a file
// must not be able to send codes and secrets elsewhere.
func NewClient(cs ClientSecrets, o ProviderOptions) (*Client, error) {
	o.setDefaults()
	issuer := o.Issuer
	if issuer == "" {
		var err error
		if issuer, err = cs.issuer(o.InsecureLoopback); err != nil {
			return nil, err
		}
	}
	if err := CheckIssuer(issuer, o.InsecureLoopback); err != nil {
		return nil, err
	}
	if issuer != GoogleIssuer {
		cs.AuthURI, cs.TokenURI = issuer, issuer // only Google demands a secret
	}
	if err := cs.validate(!o.SecretElsewhere); err != nil {
		return nil, err
	}
	endpoint := newEndpointClient(o)
	return &Client{
		ID: cs.ClientID, Secret: cs.ClientSecret, Web: cs.Web, RedirectURIs: cs.RedirectURIs,
		resolver: &resolver{issuer: issuer, http: endpoint, mu: newMutex()}, keys: &keyCache{http: endpoint, mu: newMutex()}, basic: new(sync.Map), options: o,
	}, nil
}

// issuer returns the issuer that a client file belongs to: Google, or, where
// that is allowed, a provider on this machine.
func (c ClientSecrets) issuer(insecureLoopback bool) (string, error) {
	if c.forGoogle() {
		return GoogleIssuer, nil
	}
	local := ""
	for _, field := range []struct {
		name, value string
		google      []string
	}{{"auth_uri", c.AuthURI, googleAuthURIs}, {"token_uri", c.TokenURI, googleTokenURIs}} {
		if slices.Contains(field.google, field.value) {
			continue
		}
		u, err := url.Parse(field.value)
		if err != nil || !isLoopback(u.Hostname()) {
			return "", badClient(fmt.Sprintf("%s is %q, which is not Google's", field.name, field.value), fault.TrustProvider.On(""))
		}
		local = field.value
	}
	if !insecureLoopback {
		return "", badClient(fmt.Sprintf("it names %q, a provider on this machine over plain http", local), fault.AllowLoopback.On(""))
	}
	u, _ := url.Parse(local)
	return u.Scheme + "://" + u.Host, nil
}

// String names the client, never its secret.
func (c Client) String() string { return "OAuth client " + c.ID }

// Format implements [fmt.Formatter], so that no verb shows the secret.
func (c Client) Format(f fmt.State, _ rune) { fmt.Fprint(f, c.String()) }

// Provider returns the client's provider, discovering it when it is not Google.
func (c *Client) Provider(ctx context.Context) (Provider, error) { return c.resolver.provider(ctx) }

// HostedDomain returns the domain that accounts must belong to, if any.
func (c *Client) HostedDomain() string { return c.options.HostedDomain }

// Issuer returns the issuer that the client belongs to.
func (c *Client) Issuer() string { return c.resolver.issuer }

// Exchange exchanges an authorization code for tokens (RFC 6749 section 4.1.3,
// RFC 7636 section 4.5) and checks the ID token: its claims, the nonce, and its
// signature. The request is made once.
//
// It returns a [*ProviderError], a [*ClaimError] or a [*ClockError].
func (c *Client) Exchange(ctx context.Context, code, redirectURI, verifier, nonce string) (*Token, error) {
	p, err := c.Provider(ctx)
	if err != nil {
		return nil, err
	}
	token, err := c.grant(ctx, p, url.Values{
		"grant_type":    {"authorization_code"},
		"code":          {code},
		"redirect_uri":  {redirectURI},
		"code_verifier": {verifier},
	})
	if err != nil {
		return nil, err
	}
	token.Nonce = nonce
	return c.accept(ctx, p, token)
}

// accept checks the ID token of a sign-in: its claims and its signature.
func (c *Client) accept(ctx context.Context, p Provider, token *Token) (*Token, error) {
	t, claims, err := parseIDToken(token.IDToken)
	if err != nil {
		return nil, err
	}
	// Here the person is present and can set a wrong clock; later, a session
	// goes by the provider's clock.
	want := c.expect(p, t, token)
	want.now, want.nonce, want.noNonce = c.options.Now(), token.Nonce, token.NoNonce
	if err := claims.check(want); err != nil {
		return nil, err
	}
	if err := c.keys.verify(ctx, p, t); err != nil {
		return nil, err
	}
	token.checked = &checked{idToken: token.IDToken, nonce: token.Nonce, resolver: c.resolver, claims: claims}
	return token, nil
}

// SignInClaims checks the claims of a token that a sign-in brought, as
// [Client.Exchange] does, and returns them. It makes no request and checks no
// signature. A token that this client obtained itself is not parsed again.
//
// It returns a [*ClaimError] or a [*ClockError].
func (c *Client) SignInClaims(t *Token) (Claims, error) {
	if t == nil {
		return Claims{}, &ClaimError{Claim: "id_token", Problem: "is missing"}
	}
	if k := t.checked; k != nil && k.idToken == t.IDToken && k.nonce == t.Nonce && k.resolver == c.resolver {
		return k.claims, nil
	}
	parsed, claims, err := parseIDToken(t.IDToken)
	if err != nil {
		return Claims{}, err
	}
	want := c.expect(Provider{Issuer: c.Issuer()}, parsed, t)
	want.now, want.offset, want.nonce, want.noNonce = c.options.Now(), 0, t.Nonce, t.NoNonce
	if err := claims.check(want); err != nil {
		return Claims{}, err
	}
	return claims, nil
}

// Refresh gets new tokens for a refresh token (RFC 6749 section 6) and checks
// the ID token against the claims of the one before. It makes at most one
// request. With an error about the ID token it returns the tokens too, for the
// sake of a refresh token that was rotated.
//
// It returns a [*ProviderError], a [*ClaimError], a [*ClockError], or
// [ErrOtherSubject].
func (c *Client) Refresh(ctx context.Context, refreshToken Secret, earlier *Claims) (*Token, Claims, error) {
	p, err := c.Provider(ctx)
	if err != nil {
		return nil, Claims{}, err
	}
	token, err := c.grant(ctx, p, url.Values{
		"grant_type":    {"refresh_token"},
		"refresh_token": {refreshToken.Reveal()},
	})
	if err != nil {
		return nil, Claims{}, err
	}
	// No signature check: the token comes straight from the token endpoint over
	// TLS (OpenID Connect Core section 3.1.3.7, item 6).
	t, claims, err := parseIDToken(token.IDToken)
	if err != nil {
		return token, Claims{}, err
	}
	want := c.expect(p, t, token)
	want.earlier = earlier
	if err := claims.check(want); err != nil {
		return token, Claims{}, err
	}
	return token, claims, nil
}

// expect is what every token of this client is held against. The clock is the
// provider's, as far as its Date header tells.
func (c *Client) expect(p Provider, parsed *jws.Token, t *Token) expectation {
	return expectation{
		provider: p, clientID: c.ID, hostedDomain: c.options.HostedDomain, accessHash: accessHash(parsed, t.AccessToken),
		trusted: c.options.TrustedAudiences, demandEmail: c.options.RequireVerifiedEmail,
		now: c.options.Now().Add(-t.ClockOffset), offset: t.ClockOffset,
	}
}

// grant posts to the token endpoint and reads the tokens.
func (c *Client) grant(ctx context.Context, p Provider, form url.Values) (*Token, error) {
	a, err := c.post(ctx, p, TokenEndpoint, form)
	if err != nil {
		return nil, err
	}
	return readTokens(a, c.options.Now())
}

// Revoke tells the provider to end what token belongs to (RFC 7009).
func (c *Client) Revoke(ctx context.Context, token Secret) error {
	p, err := c.Provider(ctx)
	if err != nil {
		return err
	}
	if p.RevocationURL == "" {
		return &ProviderError{Endpoint: revocationEndpoint, Host: hostOf(p.Issuer), Problem: "there is none"}
	}
	a, err := c.post(ctx, p, revocationEndpoint, url.Values{"token": {token.Reveal()}})
	if err != nil {
		return err
	}
	if a.status == http.StatusOK {
		return nil
	}
	// A token that is already dead is what was wanted. RFC 7009 section 2.2 has
	// 200 for that; Google answers 400 invalid_token.
	if e := errorAnswer(a, c.options.Now()); e.Code != "invalid_token" {
		return e
	}
	return nil
}
