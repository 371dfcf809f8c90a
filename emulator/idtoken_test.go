package emulator_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/tokentoss/tokentoss/emulator"
)

// fetchKeys reads a JWK set.
func fetchKeys(t *testing.T, where string) jose.JSONWebKeySet {
	t.Helper()
	a := call(t, "GET", where, "")
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(a.body), &set); err != nil || a.status != 200 || len(set.Keys) == 0 {
		t.Fatalf("key set %s: %d, %v", where, a.status, err)
	}
	if !strings.Contains(a.header.Get("Cache-Control"), "max-age=") {
		t.Error("the key set has no max-age")
	}
	for _, k := range set.Keys {
		if !k.IsPublic() {
			t.Fatal("the key set has a private key")
		}
	}
	return set
}

// verify checks a token with go-jose and returns all its claims.
func verify(t *testing.T, token string, alg jose.SignatureAlgorithm, keys jose.JSONWebKeySet) map[string]any {
	t.Helper()
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{alg})
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := parsed.Claims(keys, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestIDToken(t *testing.T) {
	t.Parallel()
	clock := newClock()
	e := start(t, emulator.Options{Now: clock.Now, Accounts: []emulator.Account{
		{Email: "ada@corp.example", HostedDomain: "corp.example", Name: "Ada"}, {Email: user, Unverified: true}}})
	q := authQuery(e)
	q.Set("scope", "openid email profile")
	a := post(t, e.GoogleURL()+"/token", codeForm(e, newCode(t, e, q, "ada@corp.example").Get("code")))
	claims := verify(t, a.str("id_token"), jose.RS256, fetchKeys(t, e.GoogleURL()+"/oauth2/v3/certs"))
	id := e.Clients()[0].ID
	for name, want := range map[string]any{
		"iss": e.Issuer(), "aud": id, "azp": id, "email": "ada@corp.example", "email_verified": true, "hd": "corp.example",
		"name": "Ada", "nonce": "the-nonce", "at_hash": halfHash(a.str("access_token")),
		"iat": float64(clock.Now().Unix()), "exp": float64(clock.Now().Unix() + 3600),
	} {
		if claims[name] != want {
			t.Errorf("%s = %v, want %v", name, claims[name], want)
		}
	}
	if sub, _ := claims["sub"].(string); !regexp.MustCompile(`^[0-9]{21}$`).MatchString(sub) {
		t.Errorf("sub %q is not 21 digits", sub)
	}
	if a.json["expires_in"] != 3599.0 || a.json["token_type"] != "Bearer" || !strings.HasPrefix(a.str("access_token"), "ya29.") ||
		!strings.HasPrefix(a.str("refresh_token"), "1//") {
		t.Errorf("token answer %v", a.json["expires_in"])
	}
	if a.str("scope") != "openid https://www.googleapis.com/auth/userinfo.email https://www.googleapis.com/auth/userinfo.profile" {
		t.Errorf("scope %q", a.str("scope"))
	}

	plain := claimsOf(t, signIn(t, e, user).str("id_token"))
	for _, absent := range []string{"hd", "name"} {
		if _, ok := plain[absent]; ok {
			t.Errorf("a consumer account without profile scope has %s", absent)
		}
	}
	if plain["email_verified"] != false {
		t.Error("the unverified address is verified")
	}
	q = authQuery(e)
	q.Set("scope", "openid")
	a = post(t, e.GoogleURL()+"/token", codeForm(e, newCode(t, e, q, user).Get("code")))
	if _, ok := claimsOf(t, a.str("id_token"))["email"]; ok {
		t.Error("an e-mail address without the scope email")
	}
}

func TestUserInfo(t *testing.T) {
	t.Parallel()
	clock := newClock()
	e := start(t, emulator.Options{Now: clock.Now})
	e.SetTokenLifetime(20 * time.Second)
	tokens := signIn(t, e, user)
	a := userInfo(t, e, tokens.str("access_token"))
	if a.status != 200 || a.str("email") != user || a.str("sub") != claimsOf(t, tokens.str("id_token"))["sub"] {
		t.Errorf("%d %s", a.status, a.body)
	}
	clock.Advance(20 * time.Second)
	if a := userInfo(t, e, tokens.str("access_token")); a.status != 401 || a.header.Get("WWW-Authenticate") == "" {
		t.Errorf("expired access token: %d", a.status)
	}
}

// Tests of a client's claim checks get every wrong token that they need.
func TestSetIDTokenClaims(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	refreshToken := signIn(t, e, user).str("refresh_token")
	mint := func(change func(header, claims map[string]any)) string {
		e.SetIDTokenClaims(change)
		return refresh(t, e, refreshToken).str("id_token")
	}
	got := claimsOf(t, mint(func(_, c map[string]any) {
		c["aud"] = []string{"a", "b"}
		c["exp"] = 1
		delete(c, "email")
	}))
	if got["exp"] != 1.0 || got["email"] != nil || len(got["aud"].([]any)) != 2 {
		t.Errorf("claims %v", got)
	}
	none := mint(func(h, _ map[string]any) { h["alg"] = "none" })
	if !strings.HasSuffix(none, ".") {
		t.Error("alg none has a signature")
	}
	hs := func(h, _ map[string]any) { h["alg"] = "HS256" }
	check := func(token string, key []byte) {
		t.Helper()
		parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.HS256})
		if err != nil {
			t.Fatal(err)
		}
		if err := parsed.Claims(key, &map[string]any{}); err != nil {
			t.Error(err)
		}
	}
	check(mint(hs), []byte(e.Clients()[0].Secret))
	e.SetHMACKey([]byte("another key, of 32 bytes or more"))
	check(mint(hs), []byte("another key, of 32 bytes or more"))
	es := mint(func(h, _ map[string]any) { h["alg"] = "ES256" })
	iap := fetchKeys(t, e.AssertionKeysURL())
	iap.Keys[0].KeyID = fetchKeys(t, e.GoogleURL()+"/oauth2/v3/certs").Keys[0].KeyID
	verify(t, es, jose.ES256, iap)
	for _, token := range []string{none, es, mint(hs)} {
		if a := iapGet(t, e, "/whoami", "Authorization", "Bearer "+token); a.status != 401 {
			t.Errorf("IAP took a token with another alg: %d", a.status)
		}
	}
	e.SetIDTokenClaims(func(h, _ map[string]any) { h["alg"] = "RS1" })
	wantError(t, refresh(t, e, refreshToken), 500, "server_error")
	e.SetIDTokenClaims(nil)
	if a := iapGet(t, e, "/whoami", "Authorization", "Bearer "+refresh(t, e, refreshToken).str("id_token")); a.status != 200 {
		t.Errorf("after healing: %d", a.status)
	}
}

// After a rotation only the new key is published, and old tokens are refused.
func TestRotateKeys(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	before := fetchKeys(t, e.GoogleURL()+"/oauth2/v3/certs")
	iapBefore := fetchKeys(t, e.AssertionKeysURL())
	old := signIn(t, e, user)
	if err := e.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	after := fetchKeys(t, e.GoogleURL()+"/oauth2/v3/certs")
	iapAfter := fetchKeys(t, e.AssertionKeysURL())
	if len(after.Key(before.Keys[0].KeyID)) != 0 || len(iapAfter.Key(iapBefore.Keys[0].KeyID)) != 0 {
		t.Error("an old key is still published")
	}
	if a := iapGet(t, e, "/whoami", "Authorization", "Bearer "+old.str("id_token")); a.status != 401 {
		t.Errorf("token of the old key: %d", a.status)
	}
	fresh := refresh(t, e, old.str("refresh_token")).str("id_token")
	verify(t, fresh, jose.RS256, after)
	if a := iapGet(t, e, "/whoami", "Authorization", "Bearer "+fresh); a.status != 200 {
		t.Errorf("token of the new key: %d", a.status)
	}
}

// The clock of tokens is the clock of the Date header.
func TestClockOffset(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	e.SetClockOffset(-10 * time.Minute)
	tokens := signIn(t, e, user)
	date, err := http.ParseTime(tokens.header.Get("Date"))
	if err != nil {
		t.Fatal(err)
	}
	iat := time.Unix(int64(claimsOf(t, tokens.str("id_token"))["iat"].(float64)), 0)
	for what, at := range map[string]time.Time{"Date": date, "iat": iat} {
		if off := time.Since(at); off < 9*time.Minute || off > 11*time.Minute {
			t.Errorf("%s is off by %v, want 10 minutes", what, off)
		}
	}
	if got := tokens.header.Values("Date"); len(got) != 1 {
		t.Errorf("Date came %d times", len(got))
	}
}

func TestDiscoveryAndClientSecrets(t *testing.T) {
	t.Parallel()
	e := start(t, emulator.Options{})
	d := call(t, "GET", e.GoogleURL()+"/.well-known/openid-configuration", "")
	var file struct {
		Installed map[string]any `json:"installed"`
	}
	if err := json.Unmarshal(e.ClientSecrets(), &file); err != nil {
		t.Fatal(err)
	}
	if d.str("issuer") != e.Issuer() || e.Issuer() != e.GoogleURL() {
		t.Errorf("issuer %q, want %q", d.str("issuer"), e.Issuer())
	}
	c := file.Installed
	if c["auth_uri"] != d.json["authorization_endpoint"] || c["token_uri"] != d.json["token_endpoint"] ||
		c["client_id"] != e.Clients()[0].ID || c["client_secret"] != e.Clients()[0].Secret {
		t.Errorf("client secrets %v do not fit %s", c, d.body)
	}
	fetchKeys(t, d.str("jwks_uri"))
	for _, name := range []string{"authorization_endpoint", "token_endpoint", "revocation_endpoint", "userinfo_endpoint",
		"device_authorization_endpoint"} {
		if a := call(t, "GET", d.str(name), ""); a.status == 404 {
			t.Errorf("%s %q is not there", name, d.str(name))
		}
	}
}
