package machine

import (
	"context"
	"strings"

	"golang.org/x/oauth2"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// typeAuthorizedUser is what `gcloud auth application-default login` writes: a refresh
// token of a person, with gcloud's own OAuth client. IAP does not take that client's ID
// tokens. Its access token can act for a service account.
//
// typeImpersonated is what the same command writes with --impersonate-service-account:
// the credentials of another kind, and the service account to become.
const (
	typeAuthorizedUser = "authorized_user"
	typeImpersonated   = "impersonated_service_account"
)

// gcloudFields are those of a keyFile that gcloud's own credentials have.
// https://google.aip.dev/auth/4113
type gcloudFields struct {
	ClientID     string      `json:"client_id"`
	ClientSecret core.Secret `json:"client_secret"`
	RefreshToken core.Secret `json:"refresh_token"`

	SourceCredentials *keyFile `json:"source_credentials"`
	Delegates         []string `json:"delegates"`
}

// checkUser says what is wrong with a person's credentials, or nothing.
func (k *keyFile) checkUser() string {
	if k.ClientID == "" || k.ClientSecret == "" || k.RefreshToken == "" {
		return "client_id, client_secret or refresh_token is missing"
	}
	return ""
}

// checkImpersonated says what is wrong with the configuration of an impersonation, or
// nothing.
func (k *keyFile) checkImpersonated(insecureLoopback bool) string {
	if k.SourceCredentials == nil {
		return "source_credentials is missing"
	}
	if !isGoogleAPI(k.ImpersonationURL) && !(insecureLoopback && isLoopback(k.ImpersonationURL)) {
		return "its service_account_impersonation_url is not Google's: what it sends would go elsewhere"
	}
	if k.impersonated() == "" {
		return "its service_account_impersonation_url names no service account"
	}
	for i, d := range k.Delegates {
		// gcloud writes them as projects/-/serviceAccounts/ADDRESS.
		k.Delegates[i] = d[strings.LastIndex(d, "/")+1:]
		if !isAddress(k.Delegates[i]) {
			return "its delegates are not service accounts"
		}
	}
	if k.SourceCredentials.Type == typeImpersonated {
		return "its source_credentials are an impersonation, too"
	}
	if problem := k.SourceCredentials.check(insecureLoopback); problem != "" {
		return "of its source_credentials, " + problem
	}
	return ""
}

// userToken exchanges a person's refresh token for an access token (RFC 6749 section
// 6).
func (c *call) userToken(ctx context.Context, k *keyFile) (core.Secret, error) {
	endpoint := googleTokenURIs[0]
	if c.Issuer != oidc.GoogleIssuer {
		endpoint = c.Issuer + "/token"
	}
	config := oauth2.Config{
		ClientID: k.ClientID, ClientSecret: k.ClientSecret.Reveal(),
		Endpoint: oauth2.Endpoint{TokenURL: endpoint, AuthStyle: oauth2.AuthStyleInParams},
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, c.transport.Client("token"))
	t, err := config.TokenSource(ctx, &oauth2.Token{RefreshToken: k.RefreshToken.Reveal()}).Token()
	if err != nil {
		pe := failed(c.transport, "token", "no access token was had for gcloud's credentials", err)
		if pe.Code == "invalid_grant" {
			pe.Next = fault.Say("they have ended: gcloud auth application-default login")
		}
		return "", pe
	}
	return core.Secret(t.AccessToken), nil
}
