package emulator

import (
	"net/url"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// jwtBearerGrant is RFC 7523, with which a service account's key becomes a token.
// https://developers.google.com/identity/protocols/oauth2/service-account
const jwtBearerGrant = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// longestAssertion and assertionSkew bound a JWT that a service account signs.
const (
	longestAssertion = time.Hour
	assertionSkew    = time.Minute
)

const textTimeframe = "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. " +
	"Check your iat and exp values in the JWT claim."

// serviceClaims are those of a JWT that a service account signed itself.
type serviceClaims struct {
	jwt.Claims
	Scope          string `json:"scope"`
	TargetAudience string `json:"target_audience"`
}

// serviceJWT verifies a JWT that a service account signed. Its text is Google's, when it is refused.
func (e *Emulator) serviceJWT(token string) (ServiceAccount, serviceClaims, string) {
	var claims serviceClaims
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil || len(parsed.Headers) != 1 {
		return ServiceAccount{}, claims, "Invalid JWT: Failed to parse."
	}
	k, ok := e.serviceKeys.find(parsed.Headers[0].KeyID)
	if !ok || parsed.Claims(&k.key.PublicKey, &claims) != nil {
		return ServiceAccount{}, claims, "Invalid JWT Signature."
	}
	now := e.now()
	switch {
	case claims.Issuer != k.account.Email:
		return ServiceAccount{}, claims, "Invalid JWT: iss is not the account of the key."
	case claims.IssuedAt == nil || claims.Expiry == nil,
		claims.IssuedAt.Time().After(now.Add(assertionSkew)), !claims.Expiry.Time().After(now.Add(-assertionSkew)),
		claims.Expiry.Time().Sub(claims.IssuedAt.Time()) > longestAssertion:
		return ServiceAccount{}, claims, textTimeframe
	}
	return k.account, claims, ""
}

func (e *Emulator) exchangeAssertion(form url.Values) (map[string]any, *refusal) {
	if form.Get("assertion") == "" {
		return nil, refuse(400, "invalid_request", "Missing required parameter: assertion")
	}
	a, claims, problem := e.serviceJWT(form.Get("assertion"))
	switch {
	case problem != "":
		return nil, refuse(400, "invalid_grant", problem)
	case !slices.Equal(claims.Audience, jwt.Audience{e.google.url + pathToken}):
		return nil, refuse(400, "invalid_grant", "Failed audience check. The right audience is "+e.google.url+pathToken)
	case (claims.Scope == "") == (claims.TargetAudience == ""):
		return nil, refuse(400, "invalid_scope", "Invalid OAuth scope or ID token audience provided.")
	}
	now := e.now()
	if claims.TargetAudience != "" {
		id, err := e.machineToken(a, claims.TargetAudience, true, now)
		if err != nil {
			return nil, refuse(500, "server_error", err.Error())
		}
		return map[string]any{"id_token": id}, nil
	}
	return e.machineAccess(Account{Email: a.Email, Sub: a.Sub}, claims.Scope, now), nil
}

// machineAccess makes the answer with an access token of a machine.
func (e *Emulator) machineAccess(who Account, scope string, now time.Time) map[string]any {
	lifetime := setting(e, func(s *settings) time.Duration { return s.lifetime })
	g := &grant{account: who, scopes: parseScopes(scope)}
	return map[string]any{
		"access_token": e.grants.addAccess(g, now, lifetime),
		"expires_in":   max(1, int(lifetime/time.Second)-1),
		"token_type":   "Bearer",
	}
}
