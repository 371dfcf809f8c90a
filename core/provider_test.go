package core_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/fault"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
)

// A discovery document must be the issuer's own, and name safe endpoints.
func TestDiscovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	base := w.emu.Issuer()
	good := func() map[string]any {
		return map[string]any{
			"issuer": base, "authorization_endpoint": base + "/auth", "token_endpoint": base + "/token",
			"revocation_endpoint": base + "/revoke", "jwks_uri": base + "/keys",
			"code_challenge_methods_supported": []string{"plain", "S256"},
		}
	}
	set := func(name string, value any) func(map[string]any) {
		return func(d map[string]any) { d[name] = value }
	}
	for name, tt := range map[string]struct {
		change  func(d map[string]any)
		problem string // empty: it is taken
	}{
		"good":                       {func(map[string]any) {}, ""},
		"only what is needed":        {func(d map[string]any) { delete(d, "revocation_endpoint"); delete(d, "jwks_uri") }, ""},
		"no word about PKCE":         {func(d map[string]any) { delete(d, "code_challenge_methods_supported") }, ""},
		"https endpoints elsewhere":  {set("token_endpoint", "https://op.example/token"), ""},
		"another issuer":             {set("issuer", "https://evil.example"), `is for issuer "https://evil.example"`},
		"issuer with a slash":        {set("issuer", base+"/"), "is for issuer"},
		"no issuer":                  {func(d map[string]any) { delete(d, "issuer") }, "is for issuer"},
		"Google's issuer":            {set("issuer", oidc.GoogleIssuer), "is for issuer"},
		"http token endpoint":        {set("token_endpoint", "http://op.example/token"), "token_endpoint that is not safe"},
		"http authorization":         {set("authorization_endpoint", "http://op.example/"), "authorization_endpoint that is not safe"},
		"http revocation":            {set("revocation_endpoint", "http://op.example/"), "revocation_endpoint that is not safe"},
		"http keys":                  {set("jwks_uri", "http://op.example/"), "jwks_uri that is not safe"},
		"http device endpoint":       {set("device_authorization_endpoint", "http://op.example/"), "device_authorization_endpoint that is not safe"},
		"javascript authorization":   {set("authorization_endpoint", "javascript:alert(1)"), "not safe"},
		"relative token endpoint":    {set("token_endpoint", "/token"), "not safe"},
		"endpoint with a user":       {set("token_endpoint", "https://a:b@op.example/"), "not safe"},
		"no token endpoint":          {func(d map[string]any) { delete(d, "token_endpoint") }, "names no authorization or token endpoint"},
		"no authorization endpoint":  {func(d map[string]any) { delete(d, "authorization_endpoint") }, "names no authorization or token endpoint"},
		"no S256":                    {set("code_challenge_methods_supported", []string{"plain"}), "no PKCE with S256"},
		"an endpoint that is a list": {set("token_endpoint", []string{base}), "is not what OpenID Connect Discovery describes"},
	} {
		t.Run(name, func(t *testing.T) {
			d := good()
			tt.change(d)
			body, err := json.Marshal(d)
			if err != nil {
				t.Fatal(err)
			}
			w.emu.SetFault(emulator.Discovery, &emulator.Fault{Header: jsonHeader(), Body: body})
			p, err := w.client().Provider(w.ctx)
			if tt.problem == "" {
				if err != nil || p.Issuer != base || p.TokenURL != d["token_endpoint"] || p.IsGoogle() {
					t.Errorf("%+v, %v", p, err)
				}
				return
			}
			if pe := wantProvider(t, err); pe.Endpoint != "discovery" || !strings.Contains(pe.Error(), tt.problem) {
				t.Errorf("error %v, want %q", err, tt.problem)
			}
		})
	}
}

// A discovery document is asked for once an hour, and again after a failure.
func TestDiscoveryIsCached(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.client()
	w.emu.SetFault(emulator.Discovery, &emulator.Fault{Status: 500, Times: 1})
	if _, err := c.Provider(w.ctx); err == nil {
		t.Fatal("no error")
	}
	for range 10 {
		if _, err := c.Provider(w.ctx); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.emu.Calls(emulator.Discovery); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	w.clock.advance(time.Hour)
	if _, err := c.Provider(w.ctx); err != nil {
		t.Fatal(err)
	}
	if n := w.emu.Calls(emulator.Discovery); n != 3 {
		t.Errorf("%d requests after an hour, want 3", n)
	}
}

// A client file cannot move the requests away from Google, nor to this
// machine without the setting for emulators.
func TestClientFileCannotMoveEndpoints(t *testing.T) {
	t.Parallel()
	const (
		auth, token = "https://accounts.google.com/o/oauth2/auth", "https://oauth2.googleapis.com/token"
		elsewhere   = "if you trust another provider, set issuer to its URL; its endpoints are then discovered, and those of the file are not used"
		local       = "for an emulator on this machine, set insecure_loopback to true"
	)
	for _, tt := range []struct {
		name, auth, token string
		problem, hint     string // with the strict setting
		issuer            string // with the loose one; empty: refused as before
	}{
		{"Google's", auth, token, "", "", oidc.GoogleIssuer},
		{"none", "", "", "", "", oidc.GoogleIssuer},
		{"Google's of earlier years", "https://accounts.google.com/o/oauth2/v2/auth", "https://www.googleapis.com/oauth2/v4/token", "", "", oidc.GoogleIssuer},
		{"both elsewhere", "https://evil.example/auth", "https://evil.example/token", `auth_uri is "https://evil.example/auth", which is not Google's`, elsewhere, ""},
		{"token_uri elsewhere", auth, "https://evil.example/token", `token_uri is "https://evil.example/token", which is not Google's`, elsewhere, ""},
		{"token_uri elsewhere, no auth_uri", "", "https://evil.example/token", `token_uri is "https://evil.example/token", which is not Google's`, elsewhere, ""},
		{"auth_uri elsewhere", "https://evil.example/auth", token, `auth_uri is "https://evil.example/auth", which is not Google's`, elsewhere, ""},
		{"plain http", "http://accounts.google.com/o/oauth2/auth", "http://oauth2.googleapis.com/token", `auth_uri is "http://accounts.google.com/o/oauth2/auth", which is not Google's`, elsewhere, ""},
		{"looks like Google", auth, "https://oauth2.googleapis.com.evil.example/token", `token_uri is "https://oauth2.googleapis.com.evil.example/token", which is not Google's`, elsewhere, ""},
		{"another path at Google", auth, "https://oauth2.googleapis.com/token/../redirect", `token_uri is "https://oauth2.googleapis.com/token/../redirect", which is not Google's`, elsewhere, ""},
		{"localhost by name", "http://localhost:1/auth", "http://localhost:1/token", `auth_uri is "http://localhost:1/auth", which is not Google's`, elsewhere, ""},
		{"this machine", "http://127.0.0.1:9/auth", "http://127.0.0.1:9/token", `it names "http://127.0.0.1:9/token", a provider on this machine over plain http`, local, "http://127.0.0.1:9"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cs := core.ClientSecrets{ClientID: "x", ClientSecret: "y", AuthURI: tt.auth, TokenURI: tt.token}
			c, err := oidc.NewClient(cs, oidc.ProviderOptions{})
			checkRefusal(t, c, err, tt.problem, tt.hint)
			c, err = oidc.NewClient(cs, oidc.ProviderOptions{InsecureLoopback: true})
			if tt.issuer == "" {
				checkRefusal(t, c, err, tt.problem, tt.hint)
			} else if err != nil || c.Issuer() != tt.issuer {
				t.Errorf("with the loose setting: %v", err)
			}
		})
	}
}

func checkRefusal(t *testing.T, c *oidc.Client, err error, problem, hint string) {
	t.Helper()
	if problem == "" {
		if err != nil || c.Issuer() != oidc.GoogleIssuer {
			t.Errorf("error %v", err)
		}
		return
	}
	var ce *fault.Error
	if !errors.As(err, &ce) || ce.Problem != problem || ce.Hint() != hint {
		t.Errorf("error %#v\nwant %q\nhint %q", err, problem, hint)
	}
}

// With an issuer that the person named, the file's endpoints are not used, and
// for Google the built-in ones are, whatever the file says.
func TestIssuerWinsOverTheFile(t *testing.T) {
	t.Parallel()
	evil := core.ClientSecrets{ClientID: "x", ClientSecret: "y", AuthURI: "https://evil.example/auth", TokenURI: "https://evil.example/token"}
	c, err := oidc.NewClient(evil, oidc.ProviderOptions{Issuer: oidc.GoogleIssuer})
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.Provider(t.Context())
	if err != nil || !p.IsGoogle() || p.TokenURL != oidc.Google().TokenURL {
		t.Errorf("%+v, %v", p, err)
	}
	for _, u := range []string{p.AuthURL, p.TokenURL, p.RevocationURL, p.KeysURL, p.DeviceURL} {
		if parsed, err := url.Parse(u); err != nil || parsed.Scheme != "https" ||
			!strings.HasSuffix(parsed.Host, ".google.com") && !strings.HasSuffix(parsed.Host, ".googleapis.com") {
			t.Errorf("endpoint %s", u)
		}
	}
	w := newWorld(t)
	c, err = oidc.NewClient(evil, oidc.ProviderOptions{Issuer: w.emu.Issuer(), InsecureLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	if p, err = c.Provider(w.ctx); err != nil || p.TokenURL != w.emu.GoogleURL()+"/token" {
		t.Errorf("%+v, %v", p, err)
	}
	// Only Google demands a secret.
	if _, err := oidc.NewClient(core.ClientSecrets{ClientID: "x"}, oidc.ProviderOptions{Issuer: "https://op.example"}); err != nil {
		t.Error(err)
	}
	if _, err := oidc.NewClient(core.ClientSecrets{ClientID: "x"}, oidc.ProviderOptions{}); err == nil {
		t.Error("a Google client without a secret was taken")
	}
}

// A client of Google asks Google's own endpoints, with no discovery.
func TestGoogleIsBuiltIn(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	c := googleClient(t, roundTripper(func(r *http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.Method+" "+r.URL.String())
		return jsonResponse(400, `{"error":"invalid_grant"}`), nil
	}))
	_, err := c.Exchange(t.Context(), "4/0Acode", redirectURI, "verifier", "nonce")
	if pe := wantProvider(t, err); pe.Code != "invalid_grant" || pe.Host != "oauth2.googleapis.com" {
		t.Errorf("error %v", err)
	}
	if len(asked) != 1 || asked[0] != "POST https://oauth2.googleapis.com/token" {
		t.Errorf("requests %q", asked)
	}
}

// The authorization request has PKCE by S256, a state and a nonce, and what the
// security rests on cannot be changed.
func TestAuthCodeURL(t *testing.T) {
	t.Parallel()
	c := googleClient(t, nil)
	r := oidc.AuthRequest{
		RedirectURI: redirectURI, State: "the-state", Nonce: "the-nonce", Verifier: strings.Repeat("v", 43), LoginHint: ada,
		Scopes: []string{"profile"},
		Extra: url.Values{"prompt": {"select_account"}, "code_challenge_method": {"plain"}, "nonce": {"evil"}, "state": {"evil"},
			"redirect_uri": {"https://evil.example"}, "client_id": {"evil"}, "response_type": {"token"}, "response_mode": {"fragment"}, "scope": {"all"}},
	}
	raw := c.AuthCodeURL(oidc.Google(), r)
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"client_id": {c.ID}, "redirect_uri": {redirectURI}, "response_type": {"code"}, "state": {"the-state"}, "nonce": {"the-nonce"},
		"code_challenge_method": {"S256"}, "code_challenge": u.Query()["code_challenge"], "access_type": {"offline"},
		"scope": {"profile openid email"}, "login_hint": {ada}, "prompt": {"select_account"},
	}
	if got := u.Query().Encode(); got != want.Encode() || u.Query().Get("code_challenge") == "" {
		t.Errorf("query\n%s, want\n%s", got, want.Encode())
	}
	if strings.Contains(raw, r.Verifier) || strings.Contains(raw, "GOCSPX") {
		t.Error("the URL holds the verifier or the client secret")
	}
	op := oidc.Provider{AuthURL: "https://op.example/auth?tenant=1", ScopesSupported: []string{"openid", "offline_access"}}
	u, err = url.Parse(c.AuthCodeURL(op, oidc.AuthRequest{}))
	if err != nil || u.Query().Get("scope") != "openid email offline_access" || u.Query().Get("tenant") != "1" {
		t.Errorf("%v, %v", u, err)
	}
}
