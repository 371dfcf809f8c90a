package oidc

import (
	"fmt"
	"net/url"
	"slices"

	"golang.org/x/oauth2"
)

// An AuthRequest is an authorization request of the code flow (RFC 6749 section
// 4.1.1), to which PKCE (RFC 7636) and a nonce (OpenID Connect Core section
// 3.1.2.1) always belong.
type AuthRequest struct {
	RedirectURI string
	State       string     // unguessable, of this one request
	Nonce       string     // unguessable, of this one request
	Verifier    string     // PKCE code verifier; only its SHA-256 is sent
	Scopes      []string   // empty means openid and email
	LoginHint   string     // the account to suggest
	Extra       url.Values // further parameters; see [CheckAuthParam]
}

// AuthCodeURL returns the URL to send the browser to. The challenge is always by
// the method S256.
func (c *Client) AuthCodeURL(p Provider, r AuthRequest) string {
	config := oauth2.Config{
		ClientID:    c.ID,
		Endpoint:    oauth2.Endpoint{AuthURL: p.AuthURL},
		RedirectURL: r.RedirectURI,
		Scopes:      r.scopes(p),
	}
	var options []oauth2.AuthCodeOption
	set := func(name, value string) {
		if value != "" {
			options = append(options, oauth2.SetAuthURLParam(name, value))
		}
	}
	for name, values := range r.Extra {
		if CheckAuthParam(name) == nil && len(values) > 0 {
			set(name, values[0])
		}
	}
	if c.Consent {
		set("prompt", "consent")
	}
	set("access_type", "offline") // what Google calls "with a refresh token"
	set("hd", c.options.HostedDomain)
	set("login_hint", r.LoginHint)
	set("nonce", r.Nonce)
	options = append(options, oauth2.S256ChallengeOption(r.Verifier))
	return config.AuthCodeURL(r.State, options...)
}

// scopes returns what is asked for. A provider that knows offline_access gives
// a refresh token only with it (OpenID Connect Core section 11); Google does not
// know it.
func (r AuthRequest) scopes(p Provider) []string {
	scopes := slices.Clone(r.Scopes)
	for _, need := range []string{"openid", "email"} {
		if !slices.Contains(scopes, need) && !slices.Contains(scopes, "https://www.googleapis.com/auth/userinfo."+need) {
			scopes = append(scopes, need)
		}
	}
	if slices.Contains(p.ScopesSupported, "offline_access") && !slices.Contains(scopes, "offline_access") {
		scopes = append(scopes, "offline_access")
	}
	return scopes
}

// ownAuthParams are the parameters that no setting may change.
var ownAuthParams = []string{"response_type", "response_mode", "client_id", "client_secret", "redirect_uri", "scope", "state", "nonce",
	"code_challenge", "code_challenge_method", "access_type", "request", "request_uri"}

// CheckAuthParam tells whether name may be set in AuthRequest.Extra. What the
// security of the flow rests on may not.
func CheckAuthParam(name string) error {
	if slices.Contains(ownAuthParams, name) {
		return fmt.Errorf("authorization parameter %q is set by tokentoss itself", name)
	}
	return nil
}
