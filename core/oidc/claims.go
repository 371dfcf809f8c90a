package oidc

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tokentoss/tokentoss/core/internal/jws"
)

const (
	// expirySkew is how long after its exp a token is still taken.
	expirySkew = 30 * time.Second

	// issuedSkew is how far in the future an iat may lie.
	issuedSkew = 5 * time.Minute
)

// Claims are the claims of an ID token that a session looks at (OpenID Connect
// Core section 2).
type Claims struct {
	Issuer          string
	Subject         string
	Audience        []string
	AuthorizedParty string
	Email           string
	EmailVerified   bool
	HostedDomain    string
	Nonce           string
	AtHash          string
	IssuedAt        time.Time
	Expiry          time.Time
}

// ParseClaims reads the claims of a compact ID token. It checks neither the
// signature nor the claims. The token's algorithm must be RS256 or ES256.
func ParseClaims(idToken Secret) (Claims, error) {
	_, claims, err := parseIDToken(idToken)
	return claims, err
}

func parseIDToken(idToken Secret) (*jws.Token, Claims, error) {
	t, err := jws.Parse(idToken.Reveal())
	if err != nil {
		return nil, Claims{}, &ClaimError{Claim: "form", Problem: err.Error()}
	}
	claims, err := parsePayload(t.Payload)
	return t, claims, err
}

// StoredClaims reads the claims of a token that was parsed before it was stored.
func StoredClaims(idToken Secret) (Claims, error) {
	payload, err := jws.Payload(idToken.Reveal())
	if err != nil {
		return Claims{}, err
	}
	return parsePayload(payload)
}

func parsePayload(payload []byte) (Claims, error) {
	var c struct {
		Iss           string          `json:"iss"`
		Sub           string          `json:"sub"`
		Aud           jws.Audience    `json:"aud"`
		Azp           string          `json:"azp"`
		Email         string          `json:"email"`
		EmailVerified json.RawMessage `json:"email_verified"`
		HD            string          `json:"hd"`
		Nonce         string          `json:"nonce"`
		AtHash        string          `json:"at_hash"`
		Iat           float64         `json:"iat"`
		Exp           float64         `json:"exp"`
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		var te *json.UnmarshalTypeError
		if errors.As(err, &te) {
			return Claims{}, &ClaimError{Claim: te.Field, Problem: "is a JSON " + te.Value + ", which does not belong there"}
		}
		return Claims{}, &ClaimError{Claim: "payload", Problem: "cannot be read"}
	}
	return Claims{
		Issuer: c.Iss, Subject: c.Sub, Audience: c.Aud, AuthorizedParty: c.Azp,
		Email: c.Email, EmailVerified: jws.IsTrue(c.EmailVerified), HostedDomain: c.HD,
		Nonce: c.Nonce, AtHash: c.AtHash, IssuedAt: jws.NumericDate(c.Iat), Expiry: jws.NumericDate(c.Exp),
	}, nil
}

// expectation is what the claims of a new token are held against.
type expectation struct {
	provider     Provider
	clientID     string
	hostedDomain string // "" = any
	accessToken  Secret

	nonce   string  // of a sign-in: must be there
	noNonce bool    // of a sign-in that could ask for none: must not be there
	earlier *Claims // of a refresh: the token before

	now    time.Time     // the clock that counts
	offset time.Duration // this machine's clock minus the provider's, for the hint
}

// check holds claims against want (OpenID Connect Core sections 3.1.3.7, 3.1.3.8
// and 12.2).
func (c Claims) check(want expectation) error {
	bad := func(claim, problem string) error { return &ClaimError{Claim: claim, Problem: problem} }
	switch {
	case !want.provider.Issued(c.Issuer):
		return bad("iss", fmt.Sprintf("is %q, expected %q", c.Issuer, want.provider.Issuer))
	case c.Subject == "":
		return bad("sub", "is missing")
	case !slices.Contains(c.Audience, want.clientID):
		return bad("aud", fmt.Sprintf("is %q, expected this client's ID %q", c.Audience, want.clientID))
	case len(c.Audience) > 1:
		return bad("aud", "names other audiences beside this client")
	case c.AuthorizedParty != "" && c.AuthorizedParty != want.clientID:
		return bad("azp", "is another client")
	}
	if err := c.CheckTimes(want.now, want.offset); err != nil {
		return err
	}
	if c.AtHash != "" && want.accessToken != "" && !hashMatches(c.AtHash, want.accessToken) {
		return bad("at_hash", "does not fit the access token")
	}
	switch {
	case c.Email == "":
		return bad("email", "is missing; IAP needs it: the scope must contain email")
	case !c.EmailVerified:
		return bad("email", "is not verified by the provider")
	case want.hostedDomain != "" && c.HostedDomain != want.hostedDomain:
		return bad("hd", fmt.Sprintf("is %q, expected the hosted domain %q", c.HostedDomain, want.hostedDomain))
	}
	return c.checkContinuity(want)
}

// CheckTimes tells whether a token with these claims is valid at now, by the clock
// that counts. Offset is this machine's clock minus the provider's, for the hint.
//
// It returns a [*ClaimError] or a [*ClockError].
func (c Claims) CheckTimes(now time.Time, offset time.Duration) error {
	switch {
	case c.Expiry.IsZero():
		return &ClaimError{Claim: "exp", Problem: "is missing or no date"}
	case c.IssuedAt.IsZero():
		return &ClaimError{Claim: "iat", Problem: "is missing or no date"}
	case now.After(c.Expiry.Add(expirySkew)):
		return &ClockError{Claim: "exp", Offset: offset}
	case c.IssuedAt.After(now.Add(issuedSkew)):
		return &ClockError{Claim: "iat", Offset: offset}
	}
	return nil
}

// checkContinuity ties the token to the request that asked for it.
func (c Claims) checkContinuity(want expectation) error {
	if want.earlier == nil {
		if want.noNonce && c.Nonce == "" {
			return nil
		}
		if want.nonce == "" || subtle.ConstantTimeCompare([]byte(c.Nonce), []byte(want.nonce)) != 1 {
			return &ClaimError{Claim: "nonce", Problem: "is not the one of this sign-in"}
		}
		return nil
	}
	switch e := want.earlier; {
	case c.Subject != e.Subject:
		return ErrOtherSubject
	case c.IssuedAt.Before(e.IssuedAt):
		return &ClaimError{Claim: "iat", Problem: "is older than that of the token before"}
	case c.Nonce != "" && e.Nonce != "" && c.Nonce != e.Nonce:
		return &ClaimError{Claim: "nonce", Problem: "is not the one of the sign-in"}
	}
	return nil
}

// hashMatches checks at_hash: the left half of the SHA-256 of the access token
// (OpenID Connect Core section 3.1.3.6; both algorithms here use SHA-256).
func hashMatches(atHash string, accessToken Secret) bool {
	sum := sha256.Sum256([]byte(accessToken.Reveal()))
	want := base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	return subtle.ConstantTimeCompare([]byte(atHash), []byte(want)) == 1
}
