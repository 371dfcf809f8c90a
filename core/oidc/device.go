package oidc

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

const (
	deviceGrantType = "urn:ietf:params:oauth:grant-type:device_code"

	// defaultPollInterval is that of a provider that names none (RFC 8628 section
	// 3.2).
	defaultPollInterval = 5 * time.Second

	longestPollInterval = time.Hour
	longestUserCode     = 64
)

// A DeviceGrant is a provider's answer to a device that wants to sign a person in
// (RFC 8628 section 3.2). The address that has the code in it,
// verification_uri_complete, is left out: a person who types the code has seen
// which machine it is from.
type DeviceGrant struct {
	Code            Secret        // the device's, for [Client.DeviceToken]
	UserCode        string        // what the person types at VerificationURL
	VerificationURL string        // https, or loopback http where that is allowed
	Expiry          time.Time     // of both codes
	Interval        time.Duration // between two calls of DeviceToken, at least
}

// StartDevice asks the provider for the codes of a sign-in on another machine.
// Scopes are asked for beside openid and email.
//
// It returns a [*ProviderError].
func (c *Client) StartDevice(ctx context.Context, scopes []string) (*DeviceGrant, error) {
	p, err := c.Provider(ctx)
	if err != nil {
		return nil, err
	}
	if p.DeviceURL == "" {
		return nil, &ProviderError{Endpoint: "device authorization", Host: hostOf(p.Issuer), Problem: "there is none: this provider has no sign-in by device code"}
	}
	asked := AuthRequest{Scopes: scopes}.scopes(p)
	form := url.Values{"client_id": {c.ID}, "scope": {strings.Join(asked, " ")}}
	// Google takes no secret here; RFC 8628 section 3.1 has a client that has one
	// authenticate as at the token endpoint.
	if c.Secret != "" && !p.IsGoogle() {
		form.Set("client_secret", c.Secret.Reveal())
	}
	a, err := c.resolver.http.post(ctx, "device authorization", p.DeviceURL, form)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, errorAnswer(a, c.options.Now())
	}
	return c.readDevice(a)
}

// readDevice reads the answer of a device authorization endpoint. Both codes and
// the address are shown or sent on, so they have to look like what they are.
func (c *Client) readDevice(a *answer) (*DeviceGrant, error) {
	if _, err := a.object(); err != nil {
		return nil, err
	}
	var r oauth2.DeviceAuthResponse // which knows Google's name of the address also
	if json.Unmarshal(a.body, &r) != nil {
		return nil, a.fail("its answer is not what RFC 8628 describes")
	}
	switch {
	case r.DeviceCode == "" || !visible(Secret(r.DeviceCode)):
		return nil, a.fail("its answer holds no device_code that can be used")
	case r.UserCode == "" || len(r.UserCode) > longestUserCode || !visible(Secret(r.UserCode)):
		return nil, a.fail("its answer holds no user_code that can be shown")
	case c.resolver.http.checkURL(r.VerificationURI) != nil || !visible(Secret(r.VerificationURI)):
		return nil, a.fail("its answer holds no verification_uri that is safe to open")
	case !r.Expiry.After(time.Now()):
		return nil, a.fail("its answer holds no expires_in in the future")
	case r.Interval > int64(longestPollInterval/time.Second):
		return nil, a.fail("its answer holds an interval that nobody could wait for")
	}
	g := &DeviceGrant{
		Code: Secret(r.DeviceCode), UserCode: r.UserCode, VerificationURL: r.VerificationURI, Expiry: r.Expiry,
		Interval: time.Duration(r.Interval) * time.Second,
	}
	if g.Interval <= 0 {
		g.Interval = defaultPollInterval
	}
	return g, nil
}

// DeviceToken asks once whether the person has agreed, and returns the tokens if
// so (RFC 8628 section 3.4). The ID token is checked as Exchange does, but that it
// can have no nonce.
//
// As long as nobody has agreed, the error is a [*ProviderError] with the code
// authorization_pending, or slow_down.
func (c *Client) DeviceToken(ctx context.Context, code Secret) (*Token, error) {
	p, err := c.Provider(ctx)
	if err != nil {
		return nil, err
	}
	token, err := c.grant(ctx, p, url.Values{"grant_type": {deviceGrantType}, "device_code": {code.Reveal()}})
	if err != nil {
		return nil, err
	}
	token.NoNonce = true
	return c.accept(ctx, p, token)
}
