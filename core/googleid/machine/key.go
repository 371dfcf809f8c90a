package machine

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
	"golang.org/x/oauth2/google/externalaccount"
	"google.golang.org/api/idtoken"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// cloudScope is what the access tokens need that impersonation is done with.
const cloudScope = "https://www.googleapis.com/auth/cloud-platform"

// signedLife is how long a JWT lives that a machine signs itself: the longest that
// IAP takes.
const signedLife = time.Hour

// newAuthLib is the variable that has package idtoken make its requests by a client
// of its own, past the one that it is given.
const newAuthLib = "GOOGLE_API_GO_EXPERIMENTAL_ENABLE_NEW_AUTH_LIB"

// keyIDToken exchanges the key of a service account for an ID token (RFC 7523).
func (c *call) keyIDToken(ctx context.Context) (core.Secret, error) {
	if on, err := strconv.ParseBool(os.Getenv(newAuthLib)); err == nil && on {
		return "", &OptionError{newAuthLib, "with this variable, Google's library goes its own way: unset it"}
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, c.transport.Client("token"))
	// WithAuthCredentialsJSON, which shall replace the option, loses the client of ctx.
	// The check of the type that it would bring was made when the file was read.
	source, err := idtoken.NewTokenSource(ctx, c.Audience, idtoken.WithCredentialsJSON(c.key.data)) //nolint:staticcheck // SA1019: see above
	if err != nil {
		return "", c.keyRefused("no ID token was had for the key", err)
	}
	t, err := source.Token()
	if err != nil {
		return "", c.keyRefused("no ID token was had for the key", err)
	}
	return core.Secret(t.AccessToken), nil
}

// accessToken returns a token to act for a service account with: that of k, or of the
// machine where k is nil.
func (c *call) accessToken(ctx context.Context, k *keyFile) (core.Secret, error) {
	if k == nil {
		return c.metadataAccessToken(ctx)
	}
	switch k.Type {
	case typeImpersonated:
		return c.accessToken(ctx, k.SourceCredentials)
	case typeAuthorizedUser:
		return c.userToken(ctx, k)
	case typeServiceAccount:
		config, err := google.JWTConfigFromJSON(k.data, cloudScope)
		if err != nil {
			return "", c.keyRefused("the key cannot be read", err)
		}
		t, err := config.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, c.transport.Client("token"))).Token()
		if err != nil {
			return "", c.keyRefused("no access token was had for the key", err)
		}
		return core.Secret(t.AccessToken), nil
	}
	return c.federatedToken(ctx, k)
}

// keyRefused makes the error of a key that gave no token. Of err, a library's, the
// text is not used: it quotes the answer.
func (c *call) keyRefused(problem string, err error) error {
	pe := failed(c.transport, "token", problem, err)
	if offset := c.transport.ClockOffset(); pe.Code == "invalid_grant" && offset.Abs() > time.Minute {
		return &oidc.ClockError{Claim: "iat", Offset: offset.Round(time.Second)}
	}
	if pe.Code == "invalid_grant" {
		pe.Next = fault.Say("the key was deleted, or its account disabled? gcloud iam service-accounts keys create %s --iam-account %s", c.KeyFile, c.key.ClientEmail)
	}
	return pe
}

// failed returns how the last request failed, or, when it did not, an error of our
// own words. ctx's end is what it is.
func failed(w *oidc.Transport, endpoint, problem string, err error) *oidc.ProviderError {
	var pe *oidc.ProviderError
	if errors.As(w.Err(), &pe) {
		copied := *pe
		return &copied
	}
	pe = &oidc.ProviderError{Endpoint: endpoint, Host: "Google", Problem: problem}
	for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, end) {
			pe.Err = end
		}
	}
	return pe
}

// federatedToken exchanges the workload's own token at Google (RFC 8693).
func (c *call) federatedToken(ctx context.Context, k *keyFile) (core.Secret, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, c.transport.Client("sts"))
	source, err := externalaccount.NewTokenSource(ctx, externalaccount.Config{
		Audience: k.Audience, SubjectTokenType: k.SubjectTokenType, TokenURL: k.TokenURL,
		CredentialSource: k.Source, Scopes: []string{cloudScope},
	})
	if err != nil {
		return "", &KeyFileError{Path: c.KeyFile, Problem: "the configuration of workload identity federation cannot be used"}
	}
	t, err := source.Token()
	if err != nil {
		pe := failed(c.transport, "sts", "the workload's own token was not to be had: see credential_source in "+c.KeyFile, err)
		if pe.Status == 400 {
			pe.Next = fault.Say("check the provider of the workload identity pool, and what credential_source in %s gives", c.KeyFile)
		}
		return "", pe
	}
	return core.Secret(t.AccessToken), nil
}

// signedJWT returns a JWT for the service's URL, signed with the key, or by Google.
func (c *call) signedJWT(ctx context.Context) (core.Secret, error) {
	own := c.key != nil && c.key.Type == typeServiceAccount && (c.Account == "" || c.Account == c.key.ClientEmail)
	if !own {
		return c.signJWT(ctx)
	}
	header, err := json.Marshal(map[string]string{"alg": "RS256", "kid": c.key.PrivateKeyID, "typ": "JWT"})
	if err != nil {
		return "", err
	}
	claims, err := c.claims(c.key.ClientEmail)
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	digest := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(nil, c.key.key, crypto.SHA256, digest[:])
	if err != nil {
		return "", &KeyFileError{Path: c.KeyFile, Problem: "its key cannot sign"}
	}
	return core.Secret(signed + "." + base64.RawURLEncoding.EncodeToString(sig)), nil
}

// claims are what IAP wants of a JWT that a service account signs itself. It has no
// skew: what Google and this machine think of the time may differ by what is taken
// off here.
func (c *call) claims(account string) ([]byte, error) {
	issued := c.Now().Add(-30 * time.Second).Add(-c.clockOffset())
	return json.Marshal(map[string]any{
		"iss": account, "sub": account, "aud": c.Audience, "iat": issued.Unix(), "exp": issued.Add(signedLife).Unix(),
	})
}
