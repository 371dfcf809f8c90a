package oidc

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/internal/jws"
)

const (
	// expirySkew is how long after its exp a token is still taken.
	expirySkew = 30 * time.Second

	// issuedSkew is how far in the future an iat may lie.
	issuedSkew = 5 * time.Minute
)

// Claims are the claims of an ID token that a session looks at (OpenID Connect
// Core sections 2 and 5.1). A claim that the token does not have is empty.
type Claims struct {
	Issuer            string    // iss
	Subject           string    // sub: who it is, for good
	Audience          []string  // aud: the clients that the token is for
	AuthorizedParty   string    // azp: the client that it was issued to
	Email             string    // email
	EmailVerified     *bool     // email_verified; nil when the provider does not say
	PreferredUsername string    // preferred_username: what the person is called at the provider
	HostedDomain      string    // hd: the Google Workspace domain
	Nonce             string    // nonce of the authorization request
	AtHash            string    // at_hash: the left half of the access token's hash, base64url
	IssuedAt          time.Time // iat
	Expiry            time.Time // exp
}

// Account is what a person would call the account: its e-mail address, its user name
// at the provider, or else its subject.
func (c Claims) Account() string {
	switch {
	case c.Email != "":
		return c.Email
	case c.PreferredUsername != "":
		return c.PreferredUsername
	}
	return c.Subject
}

// ParseClaims reads the claims of a compact ID token. It checks neither the
// signature nor the claims.
func ParseClaims(idToken Secret) (Claims, error) {
	_, claims, err := parseIDToken(idToken)
	return claims, err
}

func parseIDToken(idToken Secret) (*jws.Token, Claims, error) {
	if idToken == "" {
		return nil, Claims{}, &ClaimError{Claim: "id_token", Problem: "is missing"}
	}
	t, err := jws.Parse(idToken.Reveal())
	if err != nil {
		return nil, Claims{}, &ClaimError{Claim: "form", Problem: err.Error()}
	}
	claims, err := parsePayload(t.Payload)
	return t, claims, err
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

		PreferredUsername string `json:"preferred_username"`

		Nonce  string          `json:"nonce"`
		AtHash string          `json:"at_hash"`
		Iat    json.RawMessage `json:"iat"`
		Exp    json.RawMessage `json:"exp"`
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		var te *json.UnmarshalTypeError
		if errors.As(err, &te) {
			return Claims{}, &ClaimError{Claim: te.Field, Problem: "is a JSON " + te.Value + ", which does not belong there"}
		}
		return Claims{}, &ClaimError{Claim: "payload", Problem: "cannot be read"}
	}
	claims := Claims{
		Issuer: c.Iss, Subject: c.Sub, Audience: c.Aud, AuthorizedParty: c.Azp,
		Email: c.Email, PreferredUsername: c.PreferredUsername, HostedDomain: c.HD, Nonce: c.Nonce, AtHash: c.AtHash,
	}
	if c.EmailVerified != nil && string(c.EmailVerified) != "null" {
		verified := jws.IsTrue(c.EmailVerified)
		claims.EmailVerified = &verified
	}
	for _, date := range []struct {
		name string
		raw  json.RawMessage
		into *time.Time
	}{{"iat", c.Iat, &claims.IssuedAt}, {"exp", c.Exp, &claims.Expiry}} {
		seconds, ok := jws.Number(date.raw)
		if !ok {
			return Claims{}, &ClaimError{Claim: date.name, Problem: "is not a number"}
		}
		*date.into = jws.NumericDate(seconds)
	}
	return claims, claims.checkText()
}

// checkText refuses claims that would write a line of their own wherever they are
// shown or written.
func (c Claims) checkText() error {
	for claim, value := range map[string]string{
		"iss": c.Issuer, "sub": c.Subject, "azp": c.AuthorizedParty, "email": c.Email, "preferred_username": c.PreferredUsername, "hd": c.HostedDomain,
		"nonce": c.Nonce, "aud": strings.Join(c.Audience, ""),
	} {
		if strings.ContainsFunc(value, unicode.IsControl) {
			return &ClaimError{Claim: claim, Problem: "contains a control character"}
		}
	}
	return nil
}

// expectation is what the claims of a new token are held against.
type expectation struct {
	provider     Provider
	clientID     string
	hostedDomain string   // "" = any
	trusted      []string // audiences that may stand beside the client
	demandEmail  bool     // a verified e-mail address must be there
	accessHash   string   // what at_hash must be; "" when there is no access token

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
	}
	if err := c.checkAudience(want); err != nil {
		return err
	}
	if err := c.CheckTimes(want.now, want.offset); err != nil {
		return err
	}
	if c.AtHash != "" && want.accessHash != "" && subtle.ConstantTimeCompare([]byte(c.AtHash), []byte(want.accessHash)) != 1 {
		return bad("at_hash", "does not match the access token")
	}
	demand := want.demandEmail || want.provider.IsGoogle()
	switch {
	case demand && c.Email == "":
		return bad("email", "is missing; IAP needs it: the scope must contain email")
	case demand && c.EmailVerified == nil, c.EmailVerified != nil && !*c.EmailVerified:
		return bad("email", "is not verified by the provider")
	case want.hostedDomain != "" && c.HostedDomain != want.hostedDomain:
		return bad("hd", fmt.Sprintf("is %q, expected the hosted domain %q", c.HostedDomain, want.hostedDomain))
	}
	return c.checkContinuity(want)
}

// checkAudience wants the client in aud, and no audience that it does not trust
// (OpenID Connect Core section 3.1.3.7, items 3 to 5).
func (c Claims) checkAudience(want expectation) error {
	others := slices.DeleteFunc(slices.Clone(c.Audience), func(a string) bool { return a == want.clientID || slices.Contains(want.trusted, a) })
	switch {
	case !slices.Contains(c.Audience, want.clientID):
		return &ClaimError{Claim: "aud", Problem: fmt.Sprintf("is %q, expected this client's ID %q", c.Audience, want.clientID)}
	case len(others) > 0:
		return &ClaimError{
			Claim: "aud", Problem: fmt.Sprintf("names %q beside this client, which no setting trusts", others),
			Next: fault.CorrectSetting.On("trusted_audiences"),
		}
	case len(c.Audience) > 1 && c.AuthorizedParty == "":
		return &ClaimError{Claim: "azp", Problem: "is missing, and must be this client where there are several audiences"}
	case c.AuthorizedParty != "" && c.AuthorizedParty != want.clientID:
		return &ClaimError{Claim: "azp", Problem: "is another client"}
	}
	return nil
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

// accessHash is what at_hash must be: the left half of the access token's hash by the
// ID token's algorithm (OpenID Connect Core section 3.1.3.6).
func accessHash(t *jws.Token, accessToken Secret) string {
	if accessToken == "" {
		return ""
	}
	sum := t.Hash([]byte(accessToken.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}
