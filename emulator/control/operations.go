package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
)

// Parameters that several operations have.
type (
	account struct {
		Email string `json:"email"`
	}
	byEmail struct {
		Email  string   `json:"email"`
		Scopes []string `json:"scopes"`
	}
	endpoint struct {
		Endpoint emulator.Endpoint `json:"endpoint"`
	}
	list struct {
		Emails []string `json:"emails"`
	}
	consent struct {
		URL   string `json:"url"`
		Email string `json:"email"`
	}
	device struct {
		UserCode string `json:"user_code"`
		Email    string `json:"email"`
	}
)

// Operations returns all that the API can do.
func Operations() []Operation {
	return slices.Concat(facts(), counts(), failures(), people(), tokens(), programs(), clock())
}

// facts are what does not change.
func facts() []Operation {
	return []Operation{
		read("GoogleURL", "returns the base URL of Google's side", (*emulator.Emulator).GoogleURL),
		read("IAPURL", "returns the base URL of IAP's side", (*emulator.Emulator).IAPURL),
		read("RelayURL", "returns where the relay of TCP forwarding is", (*emulator.Emulator).RelayURL),
		read("CA", "returns the certificate to trust as PEM, empty without TLS", func(e *emulator.Emulator) string { return string(e.CA()) }),
		read("Issuer", "returns the iss of ID tokens", (*emulator.Emulator).Issuer),
		read("AssertionAudience", "returns the aud of IAP's signed header", (*emulator.Emulator).AssertionAudience),
		read("AssertionKeysURL", "returns where the keys of IAP's signed header are", (*emulator.Emulator).AssertionKeysURL),
		read("Clients", "returns the OAuth clients; the first is the one to sign in with", (*emulator.Emulator).Clients),
		read("ClientSecrets", "returns that client as client_secrets.json", func(e *emulator.Emulator) string { return string(e.ClientSecrets()) }),
		operation("ClientSecretsOf", "returns another client as client_secrets.json", func(_ context.Context, e *emulator.Emulator, in struct {
			ID string `json:"id"`
		}) (string, error) {
			clients := e.Clients()
			i := slices.IndexFunc(clients, func(c emulator.Client) bool { return c.ID == in.ID })
			if i < 0 {
				return "", fmt.Errorf("there is no client %q", in.ID)
			}
			return string(e.ClientSecretsOf(clients[i])), nil
		}),
	}
}

// counts are what was asked of the emulator.
func counts() []Operation {
	return []Operation{
		operation("Calls", "returns how often an endpoint was called", func(_ context.Context, e *emulator.Emulator, in endpoint) (int, error) {
			return e.Calls(in.Endpoint), known(in.Endpoint)
		}),
		operation("TokenCalls", "returns how often the token endpoint was asked for a grant", func(_ context.Context, e *emulator.Emulator, in struct {
			GrantType string `json:"grant_type"`
		}) (int, error) {
			return e.TokenCalls(in.GrantType), nil
		}),
		operation("Requests", "returns the last calls as they came, of these endpoints or of all", func(_ context.Context, e *emulator.Emulator, in struct {
			Endpoints []emulator.Endpoint `json:"endpoints"`
		}) ([]emulator.Request, error) {
			return e.Requests(in.Endpoints...), known(in.Endpoints...)
		}),
		read("RelayResumptions", "returns how often a broken connection of the relay was resumed", (*emulator.Emulator).RelayResumptions),
		change("ResetCalls", "sets every count to zero and forgets the calls", func(e *emulator.Emulator, _ none) error { e.ResetCalls(); return nil }),
		change("Reset", "takes back every change since the start; what was given out stays good", func(e *emulator.Emulator, _ none) error { e.Reset(); return nil }),
	}
}

// failures are what goes wrong.
func failures() []Operation {
	return []Operation{
		change("SetFault", "makes an endpoint fail; without fault, heals it", func(e *emulator.Emulator, in struct {
			Endpoint emulator.Endpoint `json:"endpoint"`
			Fault    *Fault            `json:"fault"`
		}) error {
			f, err := in.Fault.fault()
			if err = errors.Join(known(in.Endpoint), err); err == nil {
				e.SetFault(in.Endpoint, f)
			}
			return err
		}),
		change("SetRelayFault", "makes the relay fail; without fault, heals it", func(e *emulator.Emulator, in struct {
			Fault RelayFault `json:"fault"`
		}) error {
			f, err := in.Fault.fault()
			if err == nil {
				e.SetRelayFault(f)
			}
			return err
		}),
		change("SetIAPPolicy", "decides by the first of these rules that fits a request; without rules, as ever", func(e *emulator.Emulator, in struct {
			Rules []Rule `json:"rules"`
		}) error {
			policy, err := policyOf(in.Rules)
			if err == nil {
				e.SetIAPPolicy(policy)
			}
			return err
		}),
		change("SetIDTokenClaims", "merges patches into the header and the claims of ID tokens to come", func(e *emulator.Emulator, in struct {
			Header map[string]any `json:"header"`
			Claims map[string]any `json:"claims"`
		}) error {
			if in.Header == nil && in.Claims == nil {
				e.SetIDTokenClaims(nil)
				return nil
			}
			e.SetIDTokenClaims(func(header, claims map[string]any) { merge(header, in.Header); merge(claims, in.Claims) })
			return nil
		}),
		change("SetTokenAnswer", "merges a patch into answers of the token endpoint, of one grant_type or of all", func(e *emulator.Emulator, in struct {
			GrantType string         `json:"grant_type"`
			Answer    map[string]any `json:"answer"`
		}) error {
			if in.Answer == nil {
				e.SetTokenAnswer(nil)
				return nil
			}
			e.SetTokenAnswer(func(grantType string, answer map[string]any) {
				if in.GrantType == "" || in.GrantType == grantType {
					merge(answer, in.Answer)
				}
			})
			return nil
		}),
		change("SetHMACKey", "sets the key of ID tokens whose alg was changed to HS256; empty is the client's secret", func(e *emulator.Emulator, in struct {
			Key string `json:"key"`
		}) error {
			var key []byte
			if in.Key != "" {
				key = []byte(in.Key)
			}
			e.SetHMACKey(key)
			return nil
		}),
		change("RequireReauth", "makes refreshes fail as a session policy does: invalid_rapt or rapt_required; empty lifts it", func(e *emulator.Emulator, in struct {
			Subtype string `json:"subtype"`
		}) error {
			e.RequireReauth(in.Subtype)
			return nil
		}),
		change("RevokeAll", "ends every grant given so far", func(e *emulator.Emulator, _ none) error { e.RevokeAll(); return nil }),
		change("RotateKeys", "replaces every signing key", func(e *emulator.Emulator, _ none) error { return e.RotateKeys() }),
		change("SetProvider", "answers as another OpenID provider", func(e *emulator.Emulator, in struct {
			Provider emulator.Provider `json:"provider"`
		}) error {
			return e.SetProvider(in.Provider)
		}),
	}
}

// people are who signs in, and who may pass.
func people() []Operation {
	return []Operation{
		read("Accounts", "returns the people who can sign in", (*emulator.Emulator).Accounts),
		change("AddAccount", "adds an account, or replaces the one with its address", func(e *emulator.Emulator, in struct {
			Account emulator.Account `json:"account"`
		}) error {
			return e.AddAccount(in.Account)
		}),
		change("RemoveAccount", "removes an account; its tokens end", func(e *emulator.Emulator, in account) error { e.RemoveAccount(in.Email); return nil }),
		change("SetAutoConsent", "lets an account sign in without a page; empty shows the page", func(e *emulator.Emulator, in account) error {
			err := isAccount(e, in.Email)
			if err == nil {
				e.SetAutoConsent(in.Email)
			}
			return err
		}),
		change("SetDeviceConsent", "lets an account agree to device codes at once; empty waits for a person", func(e *emulator.Emulator, in account) error {
			err := isAccount(e, in.Email)
			if err == nil {
				e.SetDeviceConsent(in.Email)
			}
			return err
		}),
		change("SetAllowedEmails", "says who may pass IAP; null is everybody, [] nobody", func(e *emulator.Emulator, in list) error { e.SetAllowedEmails(in.Emails); return nil }),
		change("SetTunnelUsers", "says who may use the relay; null is everybody, [] nobody", func(e *emulator.Emulator, in list) error { e.SetTunnelUsers(in.Emails); return nil }),
		change("SetAllowedClients", "says which clients' tokens IAP takes; null is all, [] none", func(e *emulator.Emulator, in struct {
			IDs []string `json:"ids"`
		}) error {
			e.SetAllowedClients(in.IDs)
			return nil
		}),
		operation("Authorize", "does at an authorization URL what a person does in a browser, and returns the redirect", func(ctx context.Context, e *emulator.Emulator, in consent) (string, error) {
			if err := own(e, in.URL); err != nil {
				return "", err
			}
			return e.Authorize(ctx, in.URL, in.Email)
		}),
		operation("Deny", "says no there, and returns the redirect", func(ctx context.Context, e *emulator.Emulator, in struct {
			URL string `json:"url"`
		}) (string, error) {
			if err := own(e, in.URL); err != nil {
				return "", err
			}
			return e.Deny(ctx, in.URL)
		}),
		operation("ApproveDevice", "types a code in at the device page and agrees", func(ctx context.Context, e *emulator.Emulator, in device) (any, error) {
			return nil, e.ApproveDevice(ctx, in.UserCode, in.Email)
		}),
		operation("DenyDevice", "types it in and says no", func(ctx context.Context, e *emulator.Emulator, in struct {
			UserCode string `json:"user_code"`
		}) (any, error) {
			return nil, e.DenyDevice(ctx, in.UserCode)
		}),
	}
}

// tokens are what a test takes without signing in.
func tokens() []Operation {
	return []Operation{
		operation("IDToken", "returns an ID token of an account", func(_ context.Context, e *emulator.Emulator, in account) (string, error) { return e.IDToken(in.Email) }),
		operation("AccessToken", "returns an access token of an account or a service account", func(_ context.Context, e *emulator.Emulator, in byEmail) (string, error) {
			return e.AccessToken(in.Email, in.Scopes...)
		}),
		operation("AuthorizedUser", "returns what gcloud keeps of a person's sign-in", func(_ context.Context, e *emulator.Emulator, in account) (string, error) {
			return text(e.AuthorizedUser(in.Email))
		}),
	}
}

// programs are service accounts and workloads.
func programs() []Operation {
	return []Operation{
		operation("ServiceAccountKey", "makes a key of a service account and returns its file", func(_ context.Context, e *emulator.Emulator, in account) (string, error) {
			return text(e.ServiceAccountKey(in.Email))
		}),
		change("DeleteServiceAccountKeys", "deletes the keys of a service account", func(e *emulator.Emulator, in account) error { e.DeleteServiceAccountKeys(in.Email); return nil }),
		operation("ImpersonatedServiceAccount", "returns credentials by which source acts for an account", func(_ context.Context, e *emulator.Emulator, in struct {
			Source    string   `json:"source"`
			Account   string   `json:"account"`
			Delegates []string `json:"delegates"`
		}) (string, error) {
			return text(e.ImpersonatedServiceAccount([]byte(in.Source), in.Account, in.Delegates...))
		}),
		operation("WorkloadToken", "returns what a workload is given by its own provider", func(_ context.Context, e *emulator.Emulator, in struct {
			Subject string `json:"subject"`
		}) (string, error) {
			return e.WorkloadToken(in.Subject)
		}),
		operation("ExternalAccount", "returns the configuration of workload identity federation", func(_ context.Context, e *emulator.Emulator, in struct {
			ServiceAccount string `json:"service_account"`
			TokenFile      string `json:"token_file"`
		}) (string, error) {
			return string(e.ExternalAccount(in.ServiceAccount, in.TokenFile)), nil
		}),
	}
}

// clock is about time.
func clock() []Operation {
	return []Operation{
		change("SetClockOffset", "moves the clock by that much from the real one", func(e *emulator.Emulator, in struct {
			Offset Duration `json:"offset"`
		}) error {
			e.SetClockOffset(time.Duration(in.Offset))
			return nil
		}),
		change("SetTokenLifetime", "says how long tokens to come live", func(e *emulator.Emulator, in struct {
			Lifetime Duration `json:"lifetime"`
		}) error {
			if in.Lifetime <= 0 {
				return errors.New("lifetime is a duration above 0, such as 90s")
			}
			e.SetTokenLifetime(time.Duration(in.Lifetime))
			return nil
		}),
		change("SetRotateRefreshTokens", "gives a new refresh token with every refresh, or not", func(e *emulator.Emulator, in struct {
			Rotate bool `json:"rotate"`
		}) error {
			e.SetRotateRefreshTokens(in.Rotate)
			return nil
		}),
	}
}

func known(endpoints ...emulator.Endpoint) error {
	all := emulator.Endpoints()
	for _, e := range endpoints {
		if !slices.Contains(all, e) {
			return fmt.Errorf("%q is not an endpoint: %v", e, all)
		}
	}
	return nil
}

// own refuses URLs of others, which the emulator would visit.
func own(e *emulator.Emulator, url string) error {
	if !strings.HasPrefix(url, e.GoogleURL()+"/") {
		return fmt.Errorf("url is not one of %s", e.GoogleURL())
	}
	return nil
}

func isAccount(e *emulator.Emulator, email string) error {
	if email != "" && !slices.ContainsFunc(e.Accounts(), func(a emulator.Account) bool { return strings.EqualFold(a.Email, email) }) {
		return fmt.Errorf("there is no account %q", email)
	}
	return nil
}

func text(b []byte, err error) (string, error) { return string(b), err }
