package emulator_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/emulator/emulatortest"
)

const (
	verifier    = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
	challenge   = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
	redirectURI = "http://127.0.0.1:4711/callback"
	user        = "user@example.com"
)

func start(t *testing.T, opts emulator.Options) *emulator.Emulator {
	t.Helper()
	return emulatortest.Start(t, opts)
}

// plain follows no redirect and keeps no connection.
func plain() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type answer struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

func (a answer) str(key string) string { s, _ := a.json[key].(string); return s }

func send(t *testing.T, req *http.Request) answer {
	t.Helper()
	resp, err := plain().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return readAnswer(t, resp)
}

func readAnswer(t *testing.T, resp *http.Response) answer {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(body)}
	_ = json.Unmarshal(body, &a.json)
	return a
}

// call makes a request; headers are name, value, name, value...
func call(t *testing.T, method, where, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, where, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return send(t, req)
}

func post(t *testing.T, where string, form url.Values) answer {
	t.Helper()
	return call(t, "POST", where, form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
}

// authQuery is a good authorization request of the desktop client.
func authQuery(e *emulator.Emulator) url.Values {
	return url.Values{
		"client_id": {e.Clients()[0].ID}, "redirect_uri": {redirectURI}, "response_type": {"code"},
		"scope": {"openid email"}, "state": {"the-state"}, "nonce": {"the-nonce"},
		"code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
}

func authURL(e *emulator.Emulator, q url.Values) string {
	return e.GoogleURL() + "/o/oauth2/v2/auth?" + q.Encode()
}

// newCode signs email in and returns the redirect's query.
func newCode(t *testing.T, e *emulator.Emulator, q url.Values, email string) url.Values {
	t.Helper()
	to, err := e.Authorize(t.Context(), authURL(e, q), email)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// codeForm is a good token request for code.
func codeForm(e *emulator.Emulator, code string) url.Values {
	c := e.Clients()[0]
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier},
		"client_id": {c.ID}, "client_secret": {c.Secret},
	}
}

func refreshForm(e *emulator.Emulator, token string) url.Values {
	c := e.Clients()[0]
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}, "client_id": {c.ID}, "client_secret": {c.Secret}}
}

// signIn runs the whole code flow and returns the token endpoint's answer.
func signIn(t *testing.T, e *emulator.Emulator, email string) answer {
	t.Helper()
	code := newCode(t, e, authQuery(e), email).Get("code")
	a := post(t, e.GoogleURL()+"/token", codeForm(e, code))
	if a.status != 200 {
		t.Fatalf("token endpoint: %d %s", a.status, a.body)
	}
	return a
}

func refresh(t *testing.T, e *emulator.Emulator, token string) answer {
	t.Helper()
	return post(t, e.GoogleURL()+"/token", refreshForm(e, token))
}

// claimsOf reads a token without verifying it.
func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("not a JWT: %q", token)
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(b, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

func halfHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func wantError(t *testing.T, a answer, status int, code string) {
	t.Helper()
	if a.status != status || a.str("error") != code {
		t.Errorf("got %d %q, want %d %q\n%s", a.status, a.str("error"), status, code, a.body)
	}
}

// shortly bounds a wait that should be immediate.
func shortly(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func newRequest(t *testing.T, method, where, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, where, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func userInfo(t *testing.T, e *emulator.Emulator, accessToken string) answer {
	t.Helper()
	return call(t, "GET", e.GoogleURL()+"/v1/userinfo", "", "Authorization", "Bearer "+accessToken)
}

func newClock() *emulatortest.Clock {
	return emulatortest.NewClock(time.Date(2031, 5, 4, 3, 2, 1, 0, time.UTC))
}
