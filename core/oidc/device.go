package oidc

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/internal/jws"
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
		return nil, &ProviderError{Endpoint: deviceEndpoint, Host: hostOf(p.Issuer), Problem: "there is none: this provider has no sign-in by device code"}
	}
	asked := AuthRequest{Scopes: scopes}.scopes(p)
	// Google takes no secret here; RFC 8628 section 3.1 has a client that has one
	// authenticate as at the token endpoint.
	asking := *c
	if p.IsGoogle() {
		asking.Secret = ""
	}
	a, err := asking.post(ctx, p, deviceEndpoint, url.Values{"scope": {strings.Join(asked, " ")}})
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
	fields, err := a.object()
	if err != nil {
		return nil, err
	}
	var code, userCode, address, google string
	for _, f := range []struct {
		name string
		into *string
	}{{"device_code", &code}, {"user_code", &userCode}, {"verification_uri", &address}, {"verification_url", &google}} {
		if *f.into, err = a.text(fields, f.name); err != nil {
			return nil, err
		}
	}
	if address == "" {
		address = google // as Google calls it
	}
	lifetime, _, err := a.seconds(fields, "expires_in", longestLifetime)
	if err != nil {
		return nil, err
	}
	if n, ok := jws.Number(fields["interval"]); ok && n < 0 {
		delete(fields, "interval")
	}
	interval, _, err := a.seconds(fields, "interval", longestPollInterval)
	if err != nil {
		return nil, err
	}
	switch {
	case code == "" || !Secret(code).IsVisible():
		return nil, a.fail("its answer holds no device_code that can be used")
	case userCode == "" || len(userCode) > longestUserCode || !visible(userCode):
		return nil, a.fail("its answer holds no user_code that can be shown")
	case c.resolver.http.checkURL(address) != nil || !visible(address):
		return nil, a.fail("its answer holds no verification_uri that is safe to open")
	case lifetime == 0:
		return nil, a.fail("its answer holds no expires_in in the future")
	case interval == 0:
		interval = defaultPollInterval
	}
	return &DeviceGrant{
		Code: Secret(code), UserCode: userCode, VerificationURL: address,
		Expiry: time.Now().Add(lifetime), Interval: interval,
	}, nil
}

// visible tells whether text is of ASCII characters that can be seen, or spaces.
func visible(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
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
