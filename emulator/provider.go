package emulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Methods of client authentication, as discovery lists them (OpenID Connect Core section 9).
const (
	authNone  = "none"
	authPost  = "client_secret_post"
	authBasic = "client_secret_basic"
)

// Provider says where Google's side answers as other OpenID providers do. The zero value is Google. Its JSON form, with the
// names below, is what "tokentoss emulator --provider" takes.
type Provider struct {
	// ClientAuth are the methods by which clients authenticate at the token endpoint, and what discovery lists there
	// (OpenID Connect Core section 9). Empty means Google's, client_secret_post and client_secret_basic. With "none", a
	// secret is checked where one is sent.
	ClientAuth []string `json:"client_auth,omitempty"`
	// HideClientAuth leaves that list out of discovery.
	HideClientAuth bool `json:"hide_client_auth,omitempty"`
	// RevocationAuth is ClientAuth for the revocation endpoint, listed as RFC 8414 section 2 says. Empty means that nobody is
	// asked who they are, as with Google.
	RevocationAuth []string `json:"revocation_auth,omitempty"`
	// DeviceAuth is ClientAuth for the device endpoint. With it, clients of every type and every scope may use the device
	// flow, with the names and statuses of RFC 8628 in place of Google's. Discovery has no list for this endpoint.
	DeviceAuth []string `json:"device_auth,omitempty"`

	// IssuerSlash makes the issuer end in a slash.
	IssuerSlash bool `json:"issuer_slash,omitempty"`
	// SigningAlg signs ID tokens: RS, PS and ES with 256, 384 or 512, or EdDSA. Empty means RS256.
	SigningAlg string `json:"signing_alg,omitempty"`
	// Audiences are further audiences of every ID token; azp is the client's (OpenID Connect Core section 2).
	Audiences []string `json:"audiences,omitempty"`
	// NoEmail leaves email and email_verified out of ID tokens and of the user info, NoEmailVerified the latter.
	NoEmail         bool `json:"no_email,omitempty"`
	NoEmailVerified bool `json:"no_email_verified,omitempty"`

	// OfflineAccess gives a refresh token only where the scope offline_access was asked for with prompt=consent (OpenID
	// Connect Core section 11).
	OfflineAccess bool `json:"offline_access,omitempty"`
	// EndedRefresh is the error for a refresh token that is not known, or was ended. Empty means "invalid_grant".
	EndedRefresh string `json:"ended_refresh,omitempty"`
	// NoIDTokenOnRefresh leaves the ID token out of the answer to a refresh.
	NoIDTokenOnRefresh bool `json:"no_id_token_on_refresh,omitempty"`
	// StringExpiresIn makes expires_in of the token endpoint a string.
	StringExpiresIn bool `json:"string_expires_in,omitempty"`
	// RevokeOne makes revocation end the grant of that token alone, and say 200 to a token that is not known, as RFC 7009
	// section 2 has it. Google's ends all that the account gave to the client.
	RevokeOne bool `json:"revoke_one,omitempty"`
}

// ParseProvider reads the JSON form of a [Provider]. An unknown name is an error.
func ParseProvider(text string) (Provider, error) {
	var p Provider
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return Provider{}, fmt.Errorf("emulator: provider: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Provider{}, errors.New("emulator: provider: there is text after the JSON")
	}
	return p, p.check()
}

func (p Provider) check() error {
	if _, ok := algorithms[p.signingAlg()]; !ok {
		return fmt.Errorf("emulator: provider: %q is not an algorithm to sign with", p.SigningAlg)
	}
	return nil
}

// SetProvider is [Options].Provider from now on.
func (e *Emulator) SetProvider(p Provider) error {
	if err := p.check(); err != nil {
		return err
	}
	e.set(func(s *settings) { s.provider = p })
	return nil
}

func (e *Emulator) provider() Provider {
	return setting(e, func(s *settings) Provider { return s.provider })
}

func (p Provider) signingAlg() string {
	if p.SigningAlg == "" {
		return "RS256"
	}
	return p.SigningAlg
}

func (p Provider) clientAuth() []string {
	if len(p.ClientAuth) == 0 {
		return []string{authPost, authBasic}
	}
	return p.ClientAuth
}

// describe changes the discovery document of Google into the provider's.
func (p Provider) describe(document map[string]any) {
	document["token_endpoint_auth_methods_supported"] = p.clientAuth()
	if p.HideClientAuth {
		delete(document, "token_endpoint_auth_methods_supported")
	}
	if len(p.RevocationAuth) > 0 {
		document["revocation_endpoint_auth_methods_supported"] = p.RevocationAuth
	}
	document["id_token_signing_alg_values_supported"] = []string{p.signingAlg()}
	if p.OfflineAccess {
		document["scopes_supported"] = []string{"openid", "email", "profile", "offline_access"}
	}
}

// profile leaves out what the provider does not say about a person.
func (p Provider) profile(claims map[string]any) map[string]any {
	if p.NoEmail {
		delete(claims, "email")
	}
	if p.NoEmail || p.NoEmailVerified {
		delete(claims, "email_verified")
	}
	return claims
}

// mayRefresh tells whether an authorization request ends in a refresh token.
func (p Provider) mayRefresh(a *authRequest, q url.Values) bool {
	if p.OfflineAccess {
		return slices.Contains(a.scopes, "offline_access") && slices.Contains(strings.Fields(a.prompt), "consent")
	}
	// "Refresh tokens are always returned for installed applications."
	return a.client.Type == Desktop || q.Get("access_type") == "offline"
}

// authMethod is how a request says which client it is from (RFC 6749 section 2.3.1), and what it says.
func authMethod(r *http.Request, form url.Values) (method, id, secret string, refused *refusal) {
	id, secret = form.Get("client_id"), form.Get("client_secret")
	user, password, basic := r.BasicAuth()
	switch {
	case basic && form.Has("client_secret"):
		return "", "", "", refuse(400, "invalid_request", "The client authenticated in two ways.")
	case basic:
		user, err := url.QueryUnescape(user)
		password, err2 := url.QueryUnescape(password)
		if err != nil || err2 != nil {
			return "", "", "", refuse(401, "invalid_client", "The ID and the secret must be form-urlencoded, each, before base64.")
		}
		return authBasic, user, password, nil
	case secret != "":
		return authPost, id, secret, nil
	}
	return authNone, id, "", nil
}
