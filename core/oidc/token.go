package oidc

import "time"

// A Token is what a provider granted in one sign-in or one refresh
// (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3).
type Token struct {
	AccessToken  Secret
	RefreshToken Secret    // empty when the provider gave none
	IDToken      Secret    // compact JWS
	Expiry       time.Time // of the access token; zero when not known
	Scopes       []string

	// ClockOffset is this machine's clock minus the provider's, as far as the
	// provider's answer told.
	ClockOffset time.Duration

	// Nonce is the nonce of the authorization request, which the ID token of a
	// sign-in must carry.
	Nonce string

	// NoNonce is set by a flow that has no request which could carry a nonce, such
	// as that of RFC 8628. The ID token must then have none either.
	NoNonce bool

	checked *checked // by the Client that obtained it
}

// Claims returns the claims of the ID token. Those of a token that a [Client] obtained
// have been checked, others have not.
func (t *Token) Claims() (Claims, error) {
	if k := t.checked; k != nil && k.idToken == t.IDToken {
		return k.claims, nil
	}
	return ParseClaims(t.IDToken)
}

// checked are the claims of a token whose checks are done, so that nobody need
// parse it again.
type checked struct {
	idToken  Secret
	nonce    string
	resolver *resolver
	claims   Claims
}
