package emulator_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/emulator/emulatortest"
)

const (
	robot  = "robot@project.iam.gserviceaccount.com"
	deploy = "deploy@project.iam.gserviceaccount.com"
	bearer = "urn:ietf:params:oauth:grant-type:jwt-bearer"
	cloud  = "https://www.googleapis.com/auth/cloud-platform"
)

func startWithRobots(t *testing.T) (*emulator.Emulator, *emulatortest.Clock) {
	t.Helper()
	c := newClock()
	return start(t, emulator.Options{Now: c.Now, ServiceAccounts: []emulator.ServiceAccount{
		{Email: robot}, {Email: deploy, Impersonators: []string{robot, "the job"}},
	}}), c
}

// A serviceKey is a key file.
type serviceKey struct {
	ID       string `json:"private_key_id"`
	PEM      string `json:"private_key"`
	Email    string `json:"client_email"`
	TokenURI string `json:"token_uri"`
}

func keyOf(t *testing.T, e *emulator.Emulator, email string) serviceKey {
	t.Helper()
	data, err := e.ServiceAccountKey(email)
	if err != nil {
		t.Fatal(err)
	}
	var k serviceKey
	if err := json.Unmarshal(data, &k); err != nil {
		t.Fatal(err)
	}
	return k
}

// sign makes a JWT as a service account does.
func (k serviceKey) sign(t *testing.T, claims map[string]any) string {
	t.Helper()
	block, _ := pem.Decode([]byte(k.PEM))
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	input := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT","kid":"`+k.ID+`"}`)) + "." + base64.RawURLEncoding.EncodeToString(payload)
	digest := sha256.Sum256([]byte(input))
	sig, err := rsa.SignPKCS1v15(nil, key.(*rsa.PrivateKey), crypto.SHA256, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(sig)
}

// claims are good ones for the token endpoint, with more in their place.
func (k serviceKey) claims(c *emulatortest.Clock, more map[string]any) map[string]any {
	all := map[string]any{"iss": k.Email, "aud": k.TokenURI, "iat": c.Now().Unix(), "exp": c.Now().Add(time.Hour).Unix(), "target_audience": "the-audience"}
	for name, v := range more {
		if all[name] = v; v == nil {
			delete(all, name)
		}
	}
	return all
}

// accessTokenOf gets an access token by a key.
func accessTokenOf(t *testing.T, e *emulator.Emulator, c *emulatortest.Clock, email, scope string) string {
	t.Helper()
	k := keyOf(t, e, email)
	a := post(t, k.TokenURI, url.Values{"grant_type": {bearer}, "assertion": {k.sign(t, k.claims(c, map[string]any{"target_audience": nil, "scope": scope}))}})
	if a.status != 200 || a.str("id_token") != "" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	return a.str("access_token")
}

// A service account's JWT becomes an ID token for its target; what is not a JWT of
// its, for this endpoint and now, does not.
func TestJWTBearer(t *testing.T) {
	t.Parallel()
	e, c := startWithRobots(t)
	k, other := keyOf(t, e, robot), keyOf(t, e, deploy)
	ask := func(assertion string) answer {
		return post(t, k.TokenURI, url.Values{"grant_type": {bearer}, "assertion": {assertion}})
	}
	a := ask(k.sign(t, k.claims(c, nil)))
	claims := verify(t, a.str("id_token"), jose.RS256, fetchKeys(t, e.GoogleURL()+"/oauth2/v3/certs"))
	if claims["aud"] != "the-audience" || claims["email"] != robot || claims["email_verified"] != true || claims["azp"] != claims["sub"] {
		t.Errorf("%v", claims)
	}
	if e.TokenCalls(bearer) != 1 {
		t.Error("not counted")
	}
	now := c.Now().Unix()
	for name, more := range map[string]map[string]any{
		"another's name": {"iss": deploy}, "another endpoint": {"aud": "https://oauth2.googleapis.com/token"}, "two endpoints": {"aud": []string{k.TokenURI, "x"}},
		"two hours": {"exp": now + 7200}, "of the future": {"iat": now + 600, "exp": now + 1200}, "over": {"iat": now - 3600, "exp": now - 120}, "no exp": {"exp": nil}, "no iat": {"iat": nil},
	} {
		a := ask(k.sign(t, k.claims(c, more)))
		if a.status != 400 || a.str("error") != "invalid_grant" {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	wantError(t, ask(k.sign(t, k.claims(c, map[string]any{"target_audience": nil}))), 400, "invalid_scope")
	wantError(t, ask(k.sign(t, k.claims(c, map[string]any{"scope": cloud}))), 400, "invalid_scope")
	wantError(t, ask(""), 400, "invalid_request")
	wantError(t, ask("x.y.z"), 400, "invalid_grant")
	forged := k
	forged.PEM = other.PEM
	wantError(t, ask(forged.sign(t, k.claims(c, nil))), 400, "invalid_grant")
	e.DeleteServiceAccountKeys(robot)
	wantError(t, ask(k.sign(t, k.claims(c, nil))), 400, "invalid_grant")
	if a := ask(other.sign(t, other.claims(c, nil))); a.status != 200 {
		t.Errorf("another account's key was deleted too: %s", a.body)
	}
}

// The metadata server answers those who know its header.
func TestMetadata(t *testing.T) {
	t.Parallel()
	e, _ := startWithRobots(t)
	base := e.GoogleURL() + "/computeMetadata/v1/instance/service-accounts/"
	flavor := []string{"Metadata-Flavor", "Google"}
	a := call(t, "GET", base+"default/identity?audience=a&format=full", "", flavor...)
	claims := verify(t, a.body, jose.RS256, fetchKeys(t, e.GoogleURL()+"/oauth2/v3/certs"))
	if claims["aud"] != "a" || claims["email"] != robot || a.header.Get("Metadata-Flavor") != "Google" {
		t.Errorf("%v %v", claims, a.header)
	}
	if a := call(t, "GET", base+robot+"/identity?audience=a", "", flavor...); claimsOf(t, a.body)["email"] != nil {
		t.Errorf("%v", claimsOf(t, a.body))
	}
	if a := call(t, "GET", base+"default/email", "", flavor...); a.body != robot {
		t.Errorf("%q", a.body)
	}
	if a := call(t, "GET", base+"default/token", "", flavor...); !strings.HasPrefix(a.str("access_token"), "ya29.") {
		t.Errorf("%s", a.body)
	}
	for _, tt := range []struct {
		path   string
		header []string
		status int
	}{
		{"default/identity?audience=a", nil, 403}, {"default/identity?audience=a", append(flavor, "X-Forwarded-For", "1.2.3.4"), 403},
		{"default/identity", flavor, 400}, {deploy + "/identity?audience=a", flavor, 404}, {"default/other", flavor, 404}, {"default", flavor, 404},
	} {
		if a := call(t, "GET", base+tt.path, "", tt.header...); a.status != tt.status {
			t.Errorf("%s %v: %d, want %d", tt.path, tt.header, a.status, tt.status)
		}
	}
}

// Who may act for an account gets its tokens, and nobody else.
func TestIAMCredentials(t *testing.T) {
	t.Parallel()
	e, c := startWithRobots(t)
	base := e.GoogleURL() + "/v1/projects/-/serviceAccounts/"
	token := accessTokenOf(t, e, c, robot, cloud)
	ask := func(token, what, body string) answer {
		return call(t, "POST", base+what, body, "Authorization", "Bearer "+token, "Content-Type", "application/json")
	}
	a := ask(token, deploy+":generateIdToken", `{"audience":"a","includeEmail":true}`)
	if claims := claimsOf(t, a.str("token")); claims["email"] != deploy || claims["aud"] != "a" {
		t.Errorf("%v", claims)
	}
	a = ask(token, deploy+":signJwt", `{"payload":"{\"aud\":\"x\"}"}`)
	if claims := claimsOf(t, a.str("signedJwt")); claims["aud"] != "x" || a.str("keyId") == "" {
		t.Errorf("%v", claims)
	}
	weak, mine := accessTokenOf(t, e, c, robot, "email"), accessTokenOf(t, e, c, deploy, cloud)
	good := `{"audience":"a"}`
	for name, tt := range map[string]struct {
		token, what, body string
		status            int
	}{
		"no token": {"", deploy + ":generateIdToken", good, 401}, "a weak token": {weak, deploy + ":generateIdToken", good, 403},
		"no role": {token, robot + ":generateIdToken", good, 403}, "no role for itself": {mine, deploy + ":generateIdToken", good, 403},
		"no account": {token, "x@y:generateIdToken", good, 403}, "no method": {token, deploy + ":other", good, 404},
		"no audience": {token, deploy + ":generateIdToken", "{}", 400}, "an unknown field": {token, deploy + ":generateIdToken", `{"audience":"a","x":1}`, 400},
		"no JSON": {token, deploy + ":signJwt", "x", 400}, "no claims": {token, deploy + ":signJwt", `{"payload":"x"}`, 400},
		"too long": {token, deploy + ":signJwt", `{"payload":"{\"exp\":99999999999}"}`, 400},
	} {
		if a := ask(tt.token, tt.what, tt.body); a.status != tt.status {
			t.Errorf("%s: %d %s, want %d", name, a.status, a.body, tt.status)
		}
	}
	if a := call(t, "POST", base+deploy+":generateIdToken", good, "Authorization", "Bearer "+token); a.status != 400 {
		t.Errorf("no content type: %d", a.status)
	}
}

// A workload's own token becomes an access token of its subject, which may act for
// the account.
func TestTokenExchange(t *testing.T) {
	t.Parallel()
	e, c := startWithRobots(t)
	var config struct {
		Audience string `json:"audience"`
		TokenURL string `json:"token_url"`
		Type     string `json:"subject_token_type"`
	}
	if err := json.Unmarshal(e.ExternalAccount(deploy, "/token"), &config); err != nil {
		t.Fatal(err)
	}
	subject, err := e.WorkloadToken("the job")
	if err != nil {
		t.Fatal(err)
	}
	form := func(name, value string) url.Values {
		f := url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "audience": {config.Audience}, "scope": {cloud},
			"requested_token_type": {"urn:ietf:params:oauth:token-type:access_token"}, "subject_token_type": {config.Type}, "subject_token": {subject},
		}
		if name != "" {
			f.Set(name, value)
		}
		return f
	}
	a := post(t, config.TokenURL, form("", ""))
	a = call(t, "POST", e.GoogleURL()+"/v1/projects/-/serviceAccounts/"+deploy+":generateIdToken", `{"audience":"a","includeEmail":true}`,
		"Authorization", "Bearer "+a.str("access_token"), "Content-Type", "application/json")
	if a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, name := range []string{"grant_type", "audience", "scope", "requested_token_type", "subject_token_type"} {
		wantError(t, post(t, config.TokenURL, form(name, "x")), 400, "invalid_request")
	}
	wantError(t, post(t, config.TokenURL, form("subject_token", "x")), 400, "invalid_grant")
	stranger, err := e.IDToken(user)
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, post(t, config.TokenURL, form("subject_token", stranger)), 400, "invalid_grant")
	c.Advance(6 * time.Minute)
	wantError(t, post(t, config.TokenURL, form("", "")), 400, "invalid_grant")
}

// IAP takes a service account's ID token for a client of its list, and its own JWT
// for the URL of the request.
func TestIAPTakesMachines(t *testing.T) {
	t.Parallel()
	e, c := startWithRobots(t)
	k := keyOf(t, e, robot)
	id := func(audience string) string {
		return post(t, k.TokenURI, url.Values{"grant_type": {bearer}, "assertion": {k.sign(t, k.claims(c, map[string]any{"target_audience": audience}))}}).str("id_token")
	}
	jwt := func(audience any, more map[string]any) string {
		claims := k.claims(c, map[string]any{"target_audience": nil, "sub": robot, "aud": audience})
		for name, v := range more {
			claims[name] = v
		}
		return k.sign(t, claims)
	}
	now := c.Now().Unix()
	for name, tt := range map[string]struct {
		token  string
		status int
	}{
		"a client of the list": {id(e.Clients()[0].ID), 200}, "another client": {id("x"), 401},
		"all pages": {jwt(e.IAPURL()+"/*", nil), 200}, "this page": {jwt(e.IAPURL()+"/whoami", nil), 200},
		"another page": {jwt(e.IAPURL()+"/other", nil), 401}, "another host": {jwt("https://x.example/*", nil), 401},
		"the host without a star": {jwt(e.IAPURL()+"/", nil), 401}, "two": {jwt([]string{e.IAPURL() + "/*", "x"}, nil), 401},
		"too long": {jwt(e.IAPURL()+"/*", map[string]any{"exp": now + 7200}), 401}, "over": {jwt(e.IAPURL()+"/*", map[string]any{"iat": now - 3600, "exp": now - 120}), 401},
		"of another": {jwt(e.IAPURL()+"/*", map[string]any{"sub": deploy}), 401},
	} {
		if a := iapGet(t, e, "/whoami", "Authorization", "Bearer "+tt.token); a.status != tt.status {
			t.Errorf("%s: %d %s, want %d", name, a.status, a.body, tt.status)
		}
	}
	e.SetAllowedEmails([]string{user})
	if a := iapGet(t, e, "/whoami", "Authorization", "Bearer "+jwt(e.IAPURL()+"/*", nil)); a.status != 403 {
		t.Errorf("without the role: %d", a.status)
	}
}
