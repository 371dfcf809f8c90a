package emulator

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// AuthorizedUser returns what `gcloud auth application-default login` writes for a
// person: a refresh token of one of the desktop clients, with the scope of Google
// Cloud's APIs.
func (e *Emulator) AuthorizedUser(email string) ([]byte, error) {
	a, ok := e.account(email)
	if !ok {
		return nil, fmt.Errorf("emulator: there is no account %q", email)
	}
	c := e.opts.Clients[0]
	token := e.grants.addRefresh(&grant{client: c, account: a, scopes: []string{"openid", "email", scopeCloud}})
	return json.MarshalIndent(map[string]any{
		"type": "authorized_user", "account": "", "universe_domain": "googleapis.com",
		"client_id": c.ID, "client_secret": c.Secret, "refresh_token": token, "quota_project_id": projectID,
	}, "", "  ")
}

// ImpersonatedServiceAccount returns what `gcloud auth application-default login
// --impersonate-service-account` writes: source is credentials such as
// [Emulator.AuthorizedUser]'s, which act for account, through delegates.
func (e *Emulator) ImpersonatedServiceAccount(source []byte, account string, delegates ...string) ([]byte, error) {
	names := []string{}
	for _, d := range delegates {
		names = append(names, "projects/-/serviceAccounts/"+d)
	}
	return json.MarshalIndent(map[string]any{
		"type": "impersonated_service_account", "delegates": names, "source_credentials": json.RawMessage(source),
		"service_account_impersonation_url": e.google.url + pathIAMCredentials + account + ":generateAccessToken",
	}, "", "  ")
}

// AccessToken returns an access token of an account, of a person or a service account,
// with these scopes, for tests of what takes one.
func (e *Emulator) AccessToken(email string, scopes ...string) (string, error) {
	a, ok := e.account(email)
	if s, isService := e.serviceAccount(email); !ok && isService {
		a, ok = Account{Email: s.Email, Sub: s.Sub}, true
	}
	if !ok {
		return "", fmt.Errorf("emulator: there is no account %q", email)
	}
	lifetime := setting(e, func(s *settings) time.Duration { return s.lifetime })
	return e.grants.addAccess(&grant{client: e.opts.Clients[0], account: a, scopes: parseScopes(strings.Join(scopes, " "))}, e.now(), lifetime), nil
}
