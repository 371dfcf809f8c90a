package machine

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
)

// iamEndpoint is the IAM Service Account Credentials API
// (https://docs.cloud.google.com/iam/docs/reference/credentials/rest).
const iamEndpoint = "https://iamcredentials.googleapis.com"

// generateIDToken has Google sign an ID token of the service account to become.
func (c *call) generateIDToken(ctx context.Context) (core.Secret, error) {
	var answer struct {
		Token string `json:"token"`
	}
	body := map[string]any{"audience": c.Audience, "includeEmail": true}
	err := c.iam(ctx, "generateIdToken", "roles/iam.serviceAccountOpenIdTokenCreator", c.Account, body, &answer)
	return core.Secret(answer.Token), err
}

// signJWT has Google sign a JWT of a service account: the one to become, or the
// machine's own.
func (c *call) signJWT(ctx context.Context) (core.Secret, error) {
	if err := c.become(); err != nil {
		return "", err
	}
	account := c.Account
	if account == "" {
		var err error
		if account, err = c.metadataEmail(ctx); err != nil {
			return "", err
		}
	}
	claims, err := c.claims(account)
	if err != nil {
		return "", err
	}
	var answer struct {
		SignedJWT string `json:"signedJwt"`
	}
	err = c.iam(ctx, "signJwt", "roles/iam.serviceAccountTokenCreator", account, map[string]any{"payload": string(claims)}, &answer)
	return core.Secret(answer.SignedJWT), err
}

// iam calls a method of the API for account, which needs a role there.
func (c *call) iam(ctx context.Context, method, role, account string, body map[string]any, answer any) error {
	token, err := c.accessToken(ctx, c.key)
	if err != nil {
		return err
	}
	if len(c.Delegates) > 0 {
		var names []string
		for _, d := range c.Delegates {
			names = append(names, "projects/-/serviceAccounts/"+d)
		}
		body["delegates"] = names
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	base := iamEndpoint
	if c.Issuer != oidc.GoogleIssuer {
		base = c.Issuer // an emulator has all in one place
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v1/projects/-/serviceAccounts/"+account+":"+method, bytes.NewReader(data))
	if err != nil {
		return &OptionError{"issuer", "it is not a URL"}
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	req.Header.Set("Content-Type", "application/json")
	res, err := c.transport.Client(method).Do(req)
	if err != nil {
		pe := failed(c.transport, method, "no answer", err)
		if pe.Status == http.StatusForbidden {
			pe.Next = fault.Say("gcloud iam service-accounts add-iam-policy-binding %s --role %s --member WHO-ACTS-FOR-IT; or the API is off: gcloud services enable iamcredentials.googleapis.com", account, role)
		}
		return pe
	}
	defer res.Body.Close()
	if json.NewDecoder(res.Body).Decode(answer) != nil {
		return &oidc.ProviderError{Endpoint: method, Host: req.URL.Host, Status: res.StatusCode, Problem: "answered with something that is not JSON"}
	}
	return nil
}
