package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/core/oidc"
)

// hubTimeout bounds a request to the hub.
const hubTimeout = 15 * time.Second

// errNotAllowed: the hub knows nobody by the token who may use the service.
var errNotAllowed = errors.New("the hub knows nobody by this token who may use the service")

// whose asks the hub whose a token is, and whether it lets them use the service.
func (s *Service) whose(ctx context.Context, token oidc.Secret) (user string, err error) {
	var model struct {
		Kind   string   `json:"kind"`
		Name   string   `json:"name"`
		Scopes []string `json:"scopes"`
	}
	status, err := s.askHub(ctx, http.MethodGet, "/user", token, nil, &model)
	switch {
	case err != nil:
		return "", err
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		return "", errNotAllowed
	case status != http.StatusOK:
		return "", fmt.Errorf("the hub answered %d", status)
	case model.Kind != "user" || model.Name == "" || !slices.ContainsFunc(model.Scopes, func(scope string) bool { return slices.Contains(s.Scopes, scope) }):
		return "", errNotAllowed
	}
	return model.Name, nil
}

// tokenFor exchanges the hub's authorization code for a token of whose browser it is.
func (s *Service) tokenFor(ctx context.Context, code, verifier string) (oidc.Secret, error) {
	var answer struct {
		AccessToken oidc.Secret `json:"access_token"`
	}
	status, err := s.askHub(ctx, http.MethodPost, "/oauth2/token", "", url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "code_verifier": {verifier}, "redirect_uri": {s.Returns},
		"client_id": {s.ClientID}, "client_secret": {s.Token.Reveal()},
	}, &answer)
	if err == nil && (status != http.StatusOK || answer.AccessToken == "") {
		err = fmt.Errorf("the hub answered %d", status)
	}
	return answer.AccessToken, err
}

// askHub makes a request to the hub's API.
func (s *Service) askHub(ctx context.Context, method, path string, token oidc.Secret, form url.Values, into any) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, hubTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.API+path, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, errors.New("the address of the hub's API is no URL")
	}
	if token != "" {
		req.Header.Set("Authorization", "token "+token.Reveal())
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := s.hub.RoundTrip(req) // which follows no redirect
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err == nil && res.StatusCode == http.StatusOK && json.Unmarshal(body, into) != nil {
		err = errors.New("the hub's answer is not JSON")
	}
	return res.StatusCode, err
}
