package control_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/emulator/control"
	"github.com/tokentoss/tokentoss/emulator/emulatortest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const key = "the-key"

// api is the control API of an emulator.
type api struct {
	*emulator.Emulator
	url string
}

func start(t *testing.T, o emulator.Options) api {
	t.Helper()
	e := emulatortest.Start(t, o)
	s := httptest.NewServer(control.Handler(e, key))
	t.Cleanup(s.Close)
	return api{e, s.URL}
}

// send returns the status, the result and the error of a request.
func (a api) send(t *testing.T, method, path, body, authorization string) (status int, result any, problem string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, a.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", authorization)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Result any    `json:"result"`
		Error  string `json:"error"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatalf("%s: %d and no JSON: %v", path, resp.StatusCode, err)
	}
	return resp.StatusCode, answer.Result, answer.Error
}

// do calls an operation that must work.
func (a api) do(t *testing.T, name, body string) any {
	t.Helper()
	status, result, problem := a.send(t, "POST", "/v1/"+name, body, "Bearer "+key)
	if status != 200 {
		t.Fatalf("%s %s: %d %s", name, body, status, problem)
	}
	return result
}

// get asks IAP's side with an ID token of an account.
func (a api) get(t *testing.T, path, token string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", a.IAPURL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// Whatever a method of the emulator does, the API does, but for ending the process that has both.
func TestAPIHasEveryMethod(t *testing.T) {
	t.Parallel()
	var methods, operations []string
	for m := range reflect.TypeFor[*emulator.Emulator]().Methods() {
		if m.Name != "Close" {
			methods = append(methods, m.Name)
		}
	}
	for _, o := range control.Operations() {
		operations = append(operations, o.Method)
	}
	slices.Sort(operations)
	if !slices.Equal(methods, operations) {
		t.Errorf("methods are\n%q\nthe API has\n%q", methods, operations)
	}
}

// Every operation takes the parameters that it names, and a wrong one is told.
func TestEveryOperationTakesItsParametersAndNoOthers(t *testing.T) {
	t.Parallel()
	a := start(t, emulator.Options{ServiceAccounts: []emulator.ServiceAccount{{Email: "robot@example.com"}}})
	for _, o := range control.Operations() {
		if status, _, problem := a.send(t, "POST", "/v1/"+o.Name, `{"nonsense":1}`, "Bearer "+key); status != 400 || !strings.Contains(problem, "nonsense") {
			t.Errorf("%s with nonsense: %d %s", o.Name, status, problem)
		}
		if status, _, problem := a.send(t, "POST", "/v1/"+o.Name, "", "Bearer "+key); status != 200 && status != 400 {
			t.Errorf("%s without parameters: %d %s", o.Name, status, problem)
		}
	}
}

func TestKeyIsWanted(t *testing.T) {
	t.Parallel()
	a := start(t, emulator.Options{})
	for _, given := range []string{"", "Bearer", "Bearer ", "Bearer the-ke", "Bearer the-keys", "Basic " + key, key} {
		if status, _, _ := a.send(t, "POST", "/v1/reset", "", given); status != 401 {
			t.Errorf("with %q: %d", given, status)
		}
	}
	open := httptest.NewServer(control.Handler(a.Emulator, ""))
	defer open.Close()
	if status, _, _ := (api{a.Emulator, open.URL}).send(t, "POST", "/v1/reset", "", "Bearer "); status != 401 {
		t.Errorf("an empty key lets in: %d", status)
	}
}

func TestBadInputIsTold(t *testing.T) {
	t.Parallel()
	a := start(t, emulator.Options{})
	for _, c := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"GET", "/v1/calls", "", 405, "wants POST"},
		{"POST", "/v1/explode", "", 404, "set_fault"},
		{"POST", "/", "", 404, "not an operation"},
		{"POST", "/v1/calls", `{"endpoint":"tokens"}`, 400, `"tokens" is not an endpoint: [discovery`},
		{"POST", "/v1/calls", `{`, 400, "not what is expected"},
		{"POST", "/v1/calls", `{"endpoint":"token"} {}`, 400, "text after"},
		{"POST", "/v1/set_fault", `{"endpoint":"token","fault":{"status":99}}`, 400, "from 200 to 599"},
		{"POST", "/v1/set_fault", `{"endpoint":"token","fault":{"delay":5}}`, 400, `such as "90s"`},
		{"POST", "/v1/set_fault", `{"endpoint":"token","fault":{"header":{"A":1}}}`, 400, "header A"},
		{"POST", "/v1/set_fault", `{"fault":{"status":503}}`, 400, "not an endpoint"},
		{"POST", "/v1/set_relay_fault", `{"fault":{"status":1}}`, 400, "from 200 to 599"},
		{"POST", "/v1/set_relay_fault", `{"fault":{"close":1}}`, 400, "from 1000"},
		{"POST", "/v1/set_iap_policy", `{"rules":[{"path":"/x"}]}`, 400, "rule 1: status"},
		{"POST", "/v1/set_auto_consent", `{"email":"nobody@example.com"}`, 400, `no account "nobody@example.com"`},
		{"POST", "/v1/add_account", `{"account":{"email":"ada"}}`, 400, "not an e-mail address"},
		{"POST", "/v1/set_token_lifetime", `{}`, 400, "above 0"},
		{"POST", "/v1/set_provider", `{"provider":{"signing_alg":"none"}}`, 400, "not an algorithm"},
		{"POST", "/v1/authorize", `{"url":"http://169.254.169.254/x","email":"user@example.com"}`, 400, "url is not one of"},
		{"POST", "/v1/client_secrets_of", `{"id":"x"}`, 400, `no client "x"`},
		{"POST", "/v1/add_account", `{"account":{"email":"` + strings.Repeat("a", 1<<20) + `"}}`, 400, "too long"},
	} {
		if status, _, problem := a.send(t, c.method, c.path, c.body, "Bearer "+key); status != c.status || !strings.Contains(problem, c.says) {
			t.Errorf("%s %.60s: %d %q, want %d %q", c.path, c.body, status, problem, c.status, c.says)
		}
	}
}

func TestFaultsAndCounts(t *testing.T) {
	t.Parallel()
	a := start(t, emulator.Options{})
	a.do(t, "set_fault", `{"endpoint":"jwks","fault":{"status":503,"header":{"Retry-After":"7"},"json":{"error":"busy"},"times":1}}`)
	for _, want := range []int{503, 200} {
		resp, err := http.Get(a.GoogleURL() + "/oauth2/v3/certs")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || want == 503 && (resp.Header.Get("Retry-After") != "7" || string(body) != `{"error":"busy"}`) {
			t.Errorf("%d %v %s, want %d", resp.StatusCode, resp.Header, body, want)
		}
	}
	if n := a.do(t, "calls", `{"endpoint":"jwks"}`); n != 2.0 {
		t.Errorf("calls: %v", n)
	}
	requests := a.do(t, "requests", `{"endpoints":["jwks"]}`).([]any)
	if len(requests) != 2 || requests[0].(map[string]any)["path"] != "/oauth2/v3/certs" {
		t.Errorf("requests: %v", requests)
	}
	a.do(t, "set_fault", `{"endpoint":"jwks","fault":{"hang":true}}`)
	a.do(t, "reset", "")
	if n := a.do(t, "calls", `{"endpoint":"jwks"}`); n != 0.0 {
		t.Errorf("calls after the reset: %v", n)
	}
	resp, err := http.Get(a.GoogleURL() + "/oauth2/v3/certs")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
}

func TestPolicyRules(t *testing.T) {
	t.Parallel()
	a := start(t, emulator.Options{})
	token := a.do(t, "id_token", `{"email":"user@example.com"}`).(string)
	a.do(t, "set_iap_policy", `{"rules":[
		{"path":"/protected","email":"USER@example.com","status":403,"text":"Not you."},
		{"path":"/w*","every":2,"status":401},
		{"issued_before":"2001-01-01T00:00:00Z","status":401}]}`)
	for i, want := range []int{401, 200, 401, 200} {
		if status, _ := a.get(t, "/whoami", token); status != want {
			t.Errorf("request %d: %d, want %d", i+1, status, want)
		}
	}
	if status, body := a.get(t, "/protected", token); status != 403 || !strings.HasPrefix(body, "Not you.") {
		t.Errorf("%d %s", status, body)
	}
	a.do(t, "set_iap_policy", `{}`)
	if status, _ := a.get(t, "/protected", token); status != 200 {
		t.Errorf("without rules: %d", status)
	}
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	a := start(t, emulator.Options{})
	a.do(t, "add_account", `{"account":{"email":"eve@example.com","hosted_domain":"example.com"}}`)
	token := a.do(t, "id_token", `{"email":"eve@example.com"}`).(string)
	if status, body := a.get(t, "/whoami", token); status != 200 || !strings.Contains(body, "eve@example.com") {
		t.Errorf("%d %s", status, body)
	}
	a.do(t, "set_allowed_emails", `{"emails":["user@example.com"]}`)
	if status, _ := a.get(t, "/whoami", token); status != 403 {
		t.Errorf("who is not allowed: %d", status)
	}
	a.do(t, "set_allowed_emails", `{"emails":null}`)
	if status, _ := a.get(t, "/whoami", token); status != 200 {
		t.Errorf("everybody: %d", status)
	}
	access := a.do(t, "access_token", `{"email":"eve@example.com","scopes":["openid"]}`).(string)
	a.do(t, "remove_account", `{"email":"eve@example.com"}`)
	if status, _ := a.get(t, "/whoami", token); status != 403 {
		t.Errorf("who is removed: %d", status)
	}
	req, _ := http.NewRequestWithContext(t.Context(), "GET", a.GoogleURL()+"/v1/userinfo", nil)
	req.Header.Set("Authorization", "Bearer "+access)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 401 {
		t.Errorf("an access token outlived its account: %d", resp.StatusCode)
	}
}

func TestClockAndClaims(t *testing.T) {
	t.Parallel()
	a := start(t, emulator.Options{})
	a.do(t, "set_token_lifetime", `{"lifetime":"10m"}`)
	token := a.do(t, "id_token", `{"email":"user@example.com"}`).(string)
	a.do(t, "set_clock_offset", `{"offset":"11m"}`)
	if status, body := a.get(t, "/whoami", token); status != 401 || !strings.Contains(body, "Expired JWT") {
		t.Errorf("after the token's end: %d %s", status, body)
	}
	a.do(t, "set_clock_offset", `{"offset":"0s"}`)
	a.do(t, "set_id_token_claims", `{"claims":{"email":null,"extra":{"a":[1]}}}`)
	token = a.do(t, "id_token", `{"email":"user@example.com"}`).(string)
	if status, _ := a.get(t, "/whoami", token); status != 401 {
		t.Errorf("a token without an address: %d", status)
	}
	a.do(t, "set_id_token_claims", `{}`)
	token = a.do(t, "id_token", `{"email":"user@example.com"}`).(string)
	if status, _ := a.get(t, "/whoami", token); status != 200 {
		t.Errorf("without the change: %d", status)
	}
}

func TestAuthorize(t *testing.T) {
	t.Parallel()
	a := start(t, emulator.Options{})
	q := url.Values{
		"client_id": {a.Clients()[0].ID}, "redirect_uri": {"http://127.0.0.1:1/cb"}, "response_type": {"code"}, "scope": {"openid"},
		"code_challenge": {strings.Repeat("a", 43)}, "code_challenge_method": {"S256"},
	}
	where, _ := json.Marshal(a.GoogleURL() + "/o/oauth2/v2/auth?" + q.Encode())
	if to := a.do(t, "authorize", `{"email":"user@example.com","url":`+string(where)+`}`).(string); !strings.HasPrefix(to, "http://127.0.0.1:1/cb?") || !strings.Contains(to, "code=") {
		t.Errorf("redirect %s", to)
	}
	if to := a.do(t, "deny", `{"url":`+string(where)+`}`).(string); !strings.Contains(to, "error=access_denied") {
		t.Errorf("redirect %s", to)
	}
}
