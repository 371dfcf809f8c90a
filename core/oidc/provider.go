package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/fault"
)

// GoogleIssuer is the issuer of Google's ID tokens.
const GoogleIssuer = "https://accounts.google.com"

// A Provider is what is known of an OpenID provider: its discovery document
// (OpenID Connect Discovery 1.0 section 3), or Google's, which is built in.
type Provider struct {
	Issuer          string
	AuthURL         string // authorization endpoint
	TokenURL        string // token endpoint
	RevocationURL   string // RFC 7009; empty when there is none
	KeysURL         string // JWK Set
	DeviceURL       string // RFC 8628; empty when there is none
	ScopesSupported []string

	// TokenAuthMethods and RevocationAuthMethods are the methods of client
	// authentication that the endpoints take; nil when the provider does not say
	// (OpenID Connect Discovery section 3, RFC 8414 section 2).
	TokenAuthMethods, RevocationAuthMethods []string

	// IssuerInResponse: the provider promises an iss parameter in its
	// authorization responses (RFC 9207).
	IssuerInResponse bool
}

// Google returns Google's endpoints
// (https://accounts.google.com/.well-known/openid-configuration).
func Google() Provider {
	return Provider{
		Issuer:        GoogleIssuer,
		AuthURL:       "https://accounts.google.com/o/oauth2/v2/auth",
		TokenURL:      "https://oauth2.googleapis.com/token",
		RevocationURL: "https://oauth2.googleapis.com/revoke",
		KeysURL:       "https://www.googleapis.com/oauth2/v3/certs",
		DeviceURL:     "https://oauth2.googleapis.com/device/code",

		TokenAuthMethods: []string{authPost, authBasic},
	}
}

// Issued tells whether iss, of an ID token, is how the provider names itself.
// Google, and only Google, has two spellings.
func (p Provider) Issued(iss string) bool {
	return iss == p.Issuer || p.Issuer == GoogleIssuer && iss == "accounts.google.com"
}

// IsGoogle tells whether p is Google itself.
func (p Provider) IsGoogle() bool { return p.Issuer == GoogleIssuer }

// discoveryLifetime is how long a discovery document is used.
const discoveryLifetime = time.Hour

// A resolver finds the provider of a client, and caches it.
type resolver struct {
	issuer string // empty: Google
	http   *endpointClient

	mu    mutex
	found *Provider
	until time.Time
}

// provider returns the provider. For all but Google the first call asks the
// issuer's discovery document.
func (r *resolver) provider(ctx context.Context) (Provider, error) {
	if r.issuer == "" || r.issuer == GoogleIssuer {
		return Google(), nil
	}
	if err := r.mu.lock(ctx); err != nil {
		return Provider{}, networkError("discovery", hostOf(r.issuer), err)
	}
	defer r.mu.unlock()
	if r.found != nil && r.http.now().Before(r.until) {
		return *r.found, nil
	}
	p, err := discover(ctx, r.http, r.issuer)
	if err != nil {
		return Provider{}, err
	}
	r.found, r.until = &p, r.http.now().Add(discoveryLifetime)
	return p, nil
}

// discover reads the discovery document of issuer and checks that it is the
// issuer's own (OpenID Connect Discovery section 4.3) and names safe endpoints.
func discover(ctx context.Context, client *endpointClient, issuer string) (Provider, error) {
	doc := strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
	answer, err := client.get(ctx, "discovery", doc)
	if err != nil {
		var pe *ProviderError
		if errors.As(err, &pe) && pe.kind() == fault.ProviderAnswer && pe.Next.IsZero() {
			pe.Next = fault.CorrectSetting.On("issuer")
		}
		return Provider{}, err
	}
	var d struct {
		Issuer           string   `json:"issuer"`
		AuthURL          string   `json:"authorization_endpoint"`
		TokenURL         string   `json:"token_endpoint"`
		RevocationURL    string   `json:"revocation_endpoint"`
		KeysURL          string   `json:"jwks_uri"`
		DeviceURL        string   `json:"device_authorization_endpoint"`
		Scopes           []string `json:"scopes_supported"`
		TokenAuth        []string `json:"token_endpoint_auth_methods_supported"`
		RevocationAuth   []string `json:"revocation_endpoint_auth_methods_supported"`
		Challenges       []string `json:"code_challenge_methods_supported"`
		IssuerInResponse bool     `json:"authorization_response_iss_parameter_supported"`
	}
	fail := func(problem string) (Provider, error) {
		e := answer.fail("the discovery document " + problem)
		e.Next = fault.CorrectSetting.On("issuer")
		return Provider{}, e
	}
	if err := json.Unmarshal(answer.body, &d); err != nil {
		return fail("is not what OpenID Connect Discovery describes")
	}
	if d.Issuer != issuer {
		e := answer.fail(fmt.Sprintf("the discovery document is for issuer %q, not %q", d.Issuer, issuer))
		if e.Kind, e.Next = fault.BadConfig, fault.CorrectSetting.On("issuer"); strings.TrimSuffix(d.Issuer, "/") == strings.TrimSuffix(issuer, "/") {
			e.Next.Value = d.Issuer // which no other provider's document could name
		}
		return Provider{}, e
	}
	if d.AuthURL == "" || d.TokenURL == "" {
		return fail("names no authorization or token endpoint")
	}
	if len(d.Challenges) > 0 && !slices.Contains(d.Challenges, "S256") {
		return fail("says that the provider knows no PKCE with S256")
	}
	for name, u := range map[string]string{
		"authorization_endpoint": d.AuthURL, "token_endpoint": d.TokenURL, "revocation_endpoint": d.RevocationURL,
		"jwks_uri": d.KeysURL, "device_authorization_endpoint": d.DeviceURL,
	} {
		if u == "" {
			continue
		}
		if err := client.checkURL(u); err != nil {
			return fail(fmt.Sprintf("names a %s that is not safe: %v", name, err))
		}
	}
	return Provider{
		Issuer: d.Issuer, AuthURL: d.AuthURL, TokenURL: d.TokenURL, RevocationURL: d.RevocationURL,
		KeysURL: d.KeysURL, DeviceURL: d.DeviceURL, ScopesSupported: d.Scopes, IssuerInResponse: d.IssuerInResponse,
		TokenAuthMethods: d.TokenAuth, RevocationAuthMethods: d.RevocationAuth,
	}, nil
}

// Reach asks the client's provider for its discovery document and returns how
// far this machine's clock is ahead of the provider's, as far as its answer
// tells.
func (c *Client) Reach(ctx context.Context) (clockOffset time.Duration, err error) {
	doc := strings.TrimSuffix(c.Issuer(), "/") + "/.well-known/openid-configuration"
	a, err := c.resolver.http.get(ctx, "discovery", doc)
	if err != nil {
		return 0, err
	}
	return a.offset, nil
}

// CheckIssuer tells whether issuer can be an OpenID provider's: an https URL
// without query or fragment, or loopback http when insecureLoopback is set.
func CheckIssuer(issuer string, insecureLoopback bool) error {
	u, err := url.Parse(issuer)
	switch {
	case err != nil || u.Host == "":
		return fmt.Errorf("issuer %q is not a URL such as https://accounts.google.com", issuer)
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return fmt.Errorf("issuer %q: an issuer has no query, fragment or user", issuer)
	}
	if err := checkEndpointURL(issuer, insecureLoopback); err != nil {
		return fmt.Errorf("issuer %q: %w", issuer, err)
	}
	return nil
}
