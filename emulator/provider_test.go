package emulator_test

import (
	"net/url"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/tokentoss/tokentoss/emulator"
)

// basic is a form request with the client's ID and secret by HTTP Basic, each form-urlencoded (RFC 6749 section 2.3.1).
func basic(t *testing.T, where string, form url.Values, id, secret string) answer {
	t.Helper()
	form.Del("client_id")
	form.Del("client_secret")
	req := newRequest(t, "POST", where, form.Encode())
	req.Header.Set("Content-Type", formType)
	req.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	return send(t, req)
}

func discovery(t *testing.T, e *emulator.Emulator) answer {
	t.Helper()
	return call(t, "GET", e.GoogleURL()+"/.well-known/openid-configuration", "")
}

func TestProviderTakesListedClientAuthenticationOnly(t *testing.T) {
	t.Parallel()
	const odd = "a:b%c+d e\u00e9"
	tests := []struct {
		methods           []string
		post, basic, none int
	}{
		{nil, 200, 200, 400},
		{[]string{"client_secret_basic"}, 401, 200, 401},
		{[]string{"client_secret_post"}, 200, 401, 400},
		{[]string{"private_key_jwt"}, 401, 401, 401},
		{[]string{"none"}, 200, 401, 200},
	}
	for _, tt := range tests {
		e := start(t, emulator.Options{ClientID: odd, ClientSecret: odd})
		token, where := signIn(t, e, user).str("refresh_token"), e.GoogleURL()+"/token"
		if err := e.SetProvider(emulator.Provider{ClientAuth: tt.methods}); err != nil {
			t.Fatal(err)
		}
		open := refreshForm(e, token)
		open.Del("client_secret")
		for what, got := range map[string][2]int{
			"in the body": {post(t, where, refreshForm(e, token)).status, tt.post},
			"by Basic":    {basic(t, where, refreshForm(e, token), odd, odd).status, tt.basic},
			"no secret":   {post(t, where, open).status, tt.none},
		} {
			if got[0] != got[1] {
				t.Errorf("%v, %s: %d, want %d", tt.methods, what, got[0], got[1])
			}
		}
		listed, _ := discovery(t, e).json["token_endpoint_auth_methods_supported"].([]any)
		if want := len(tt.methods); len(listed) != want && (want > 0 || len(listed) != 2) {
			t.Errorf("discovery lists %v, want %v", listed, tt.methods)
		}
		_ = e.SetProvider(emulator.Provider{HideClientAuth: true})
		if _, listed := discovery(t, e).json["token_endpoint_auth_methods_supported"]; listed {
			t.Error("discovery still lists methods")
		}
	}
}

func TestProviderDeviceEndpointWithBasicOnly(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{Provider: emulator.Provider{DeviceAuth: []string{"client_secret_basic"}}, DeviceConsent: user})
	c, form := e.Clients()[0], func() url.Values {
		return url.Values{"client_id": {e.Clients()[0].ID}, "client_secret": {e.Clients()[0].Secret}, "scope": {"openid email offline_access"}}
	}
	wantError(t, post(t, e.GoogleURL()+"/device/code", form()), 401, "invalid_client")
	a := basic(t, e.GoogleURL()+"/device/code", form(), c.ID, c.Secret)
	if a.status != 200 || a.str("verification_uri") == "" || a.str("verification_url") != "" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	tokens := post(t, e.GoogleURL()+"/token", url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"},
		"device_code": {a.str("device_code")}, "client_id": {c.ID}, "client_secret": {c.Secret}})
	if tokens.status != 200 || tokens.str("refresh_token") == "" {
		t.Errorf("%d %s", tokens.status, tokens.body)
	}
	_ = e.SetProvider(emulator.Provider{})
	wantError(t, basic(t, e.GoogleURL()+"/device/code", form(), c.ID, c.Secret), 401, "invalid_client")
}

func TestProviderSigns(t *testing.T) {
	t.Parallel()
	for _, alg := range []jose.SignatureAlgorithm{"", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"} {
		t.Run(string(alg), func(t *testing.T) {
			t.Parallel()
			e := start(t, emulator.Options{Provider: emulator.Provider{SigningAlg: string(alg)}})
			if alg == "" {
				alg = jose.RS256
			}
			d := discovery(t, e)
			if got := d.json["id_token_signing_alg_values_supported"].([]any); len(got) != 1 || got[0] != string(alg) {
				t.Errorf("discovery says %v", got)
			}
			id := signIn(t, e, user).str("id_token")
			if claims := verify(t, id, alg, fetchKeys(t, d.str("jwks_uri"))); claims["email"] != user {
				t.Errorf("claims %v", claims)
			}
			if a := iapGet(t, e, "/whoami", "Authorization", "Bearer "+id); a.status != 200 {
				t.Errorf("IAP does not take it: %d", a.status)
			}
		})
	}
	if _, err := emulator.Start(t.Context(), emulator.Options{Provider: emulator.Provider{SigningAlg: "none"}}); err == nil {
		t.Error("a provider that does not sign")
	}
}

func TestProviderIssuerWithSlash(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{Provider: emulator.Provider{IssuerSlash: true}})
	id := signIn(t, e, user).str("id_token")
	if want := e.GoogleURL() + "/"; e.Issuer() != want || discovery(t, e).str("issuer") != want || claimsOf(t, id)["iss"] != want {
		t.Errorf("issuer %q, discovery %q, token %v", e.Issuer(), discovery(t, e).str("issuer"), claimsOf(t, id)["iss"])
	}
	if a := iapGet(t, e, "/whoami", "Authorization", "Bearer "+id); a.status != 200 {
		t.Errorf("IAP does not take it: %d", a.status)
	}
}

func TestProviderLeavesClaimsOut(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{Provider: emulator.Provider{NoEmail: true, Audiences: []string{"api"}}})
	claims := claimsOf(t, signIn(t, e, user).str("id_token"))
	if claims["email"] != nil || claims["email_verified"] != nil || claims["azp"] != e.Clients()[0].ID || len(claims["aud"].([]any)) != 2 {
		t.Errorf("claims %v", claims)
	}
	_ = e.SetProvider(emulator.Provider{NoEmailVerified: true})
	if claims = claimsOf(t, signIn(t, e, user).str("id_token")); claims["email"] != user || claims["email_verified"] != nil {
		t.Errorf("claims %v", claims)
	}
}

func TestProviderRefresh(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{Provider: emulator.Provider{EndedRefresh: "invalid_request", NoIDTokenOnRefresh: true, StringExpiresIn: true}})
	tokens := signIn(t, e, user)
	a := refresh(t, e, tokens.str("refresh_token"))
	if tokens.str("id_token") == "" || a.status != 200 || a.str("id_token") != "" || a.str("expires_in") != "3599" {
		t.Errorf("%d %s", a.status, a.body)
	}
	e.RevokeAll()
	wantError(t, refresh(t, e, tokens.str("refresh_token")), 400, "invalid_request")
}

func TestProviderOfflineAccess(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{Provider: emulator.Provider{OfflineAccess: true}})
	for _, tt := range []struct {
		scope, prompt string
		want          bool
	}{
		{"openid email", "consent", false}, {"openid email offline_access", "", false}, {"openid email offline_access", "consent", true},
	} {
		q := authQuery(e)
		q.Set("scope", tt.scope)
		q.Set("prompt", tt.prompt)
		a := post(t, e.GoogleURL()+"/token", codeForm(e, newCode(t, e, q, user).Get("code")))
		if got := a.str("refresh_token") != ""; a.status != 200 || got != tt.want {
			t.Errorf("scope %q, prompt %q: %d, refresh token %v, want %v", tt.scope, tt.prompt, a.status, got, tt.want)
		}
	}
}

// Google ends all that the account gave to the client; RFC 7009 asks for that of the one token.
func TestRevocationEndsOtherSessions(t *testing.T) {
	t.Parallel()
	const eve = "eve@example.com"
	for _, one := range []bool{false, true} {
		e := start(t, emulator.Options{Provider: emulator.Provider{RevokeOne: one}, Accounts: []emulator.Account{{Email: user}, {Email: eve}}})
		here, elsewhere, others := signIn(t, e, user), signIn(t, e, user), signIn(t, e, eve)
		if a := post(t, e.GoogleURL()+"/revoke", url.Values{"token": {here.str("refresh_token")}}); a.status != 200 {
			t.Fatalf("revoke: %d %s", a.status, a.body)
		}
		if a := refresh(t, e, here.str("refresh_token")); a.status != 400 {
			t.Errorf("the revoked token: %d", a.status)
		}
		if a := refresh(t, e, elsewhere.str("refresh_token")); (a.status == 200) != one {
			t.Errorf("RevokeOne %v: the account's other session: %d", one, a.status)
		}
		if a := userInfo(t, e, elsewhere.str("access_token")); (a.status == 200) != one {
			t.Errorf("RevokeOne %v: the other session's access token: %d", one, a.status)
		}
		if a := refresh(t, e, others.str("refresh_token")); a.status != 200 {
			t.Errorf("another account's session: %d", a.status)
		}
		if a := post(t, e.GoogleURL()+"/revoke", url.Values{"token": {"unknown"}}); (a.status == 200) != one {
			t.Errorf("RevokeOne %v: an unknown token: %d", one, a.status)
		}
		if a := signIn(t, e, user); a.status != 200 {
			t.Errorf("sign-in afterwards: %d", a.status)
		}
	}
}

func TestProviderRevocationAuthentication(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{Provider: emulator.Provider{RevocationAuth: []string{"client_secret_basic"}}})
	form := func() url.Values { return url.Values{"token": {signIn(t, e, user).str("refresh_token")}} }
	wantError(t, post(t, e.GoogleURL()+"/revoke", form()), 400, "invalid_request")
	c := e.Clients()[0]
	if a := basic(t, e.GoogleURL()+"/revoke", form(), c.ID, c.Secret); a.status != 200 {
		t.Errorf("by Basic: %d %s", a.status, a.body)
	}
	if got := discovery(t, e).json["revocation_endpoint_auth_methods_supported"]; got == nil {
		t.Error("discovery does not say so")
	}
}

func TestParseProvider(t *testing.T) {
	t.Parallel()
	p, err := emulator.ParseProvider(`{"client_auth": ["client_secret_basic"], "signing_alg": "EdDSA"}`)
	if err != nil || p.SigningAlg != "EdDSA" || len(p.ClientAuth) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	for _, bad := range []string{"", "{", `{"signing_algo": "EdDSA"}`, `{"signing_alg": "HS256"}`, `{} {}`} {
		if _, err := emulator.ParseProvider(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}
