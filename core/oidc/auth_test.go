package oidc_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tokentoss/tokentoss/core/oidc"
)

// A provider takes client authentication at each endpoint in the ways that it is told to,
// and refuses everything beyond that, so that a request shows how it was authenticated.
type provider struct {
	url      string
	metadata map[string]any
	takes    map[string]string // the method of an endpoint's path

	mu   sync.Mutex
	seen []string // path, method, ID and secret of each request
}

func newProvider(t *testing.T, takes map[string]string, metadata map[string]any) *provider {
	t.Helper()
	p := &provider{takes: takes, metadata: metadata}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
	return p
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.URL.Path == "/.well-known/openid-configuration" {
		document := map[string]any{
			"issuer": p.url, "authorization_endpoint": p.url + "/authorize", "token_endpoint": p.url + "/token",
			"revocation_endpoint": p.url + "/revoke", "device_authorization_endpoint": p.url + "/device", "jwks_uri": p.url + "/keys",
		}
		for name, value := range p.metadata {
			document[name] = value
		}
		_ = json.NewEncoder(w).Encode(document)
		return
	}
	_ = r.ParseForm()
	method, id, secret := "none", r.Form.Get("client_id"), r.Form.Get("client_secret")
	user, password, basic := r.BasicAuth()
	switch {
	case basic && secret != "":
		method = "both"
	case basic:
		method = "client_secret_basic"
		id, _ = url.QueryUnescape(user)
		secret, _ = url.QueryUnescape(password)
	case secret != "":
		method = "client_secret_post"
	}
	p.mu.Lock()
	p.seen = append(p.seen, strings.Join([]string{r.URL.Path, method, id, secret}, " "))
	p.mu.Unlock()
	if want := p.takes[r.URL.Path]; method != want {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"error":"invalid_client"}`))
		return
	}
	switch r.URL.Path {
	case "/token":
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
	case "/device":
		_, _ = w.Write([]byte(`{"device_code":"d","user_code":"ABCD-EFGH","verification_uri":"` + p.url + `/device","expires_in":"600","interval":"7"}`))
	}
}

// requests returns what was seen since the last call.
func (p *provider) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	seen := p.seen
	p.seen = nil
	return seen
}

func (p *provider) client(t *testing.T, id, secret string) *oidc.Client {
	t.Helper()
	c, err := oidc.NewClient(oidc.ClientSecrets{ClientID: id, ClientSecret: oidc.Secret(secret)},
		oidc.ProviderOptions{Issuer: p.url, InsecureLoopback: true})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var pe *oidc.ProviderError
	if !errors.As(err, &pe) || pe.Code != code {
		t.Errorf("error %v, want %s", err, code)
	}
}

const (
	post  = "client_secret_post"
	basic = "client_secret_basic"
)

// A client authenticates as the provider lists it: client_secret_post where that is
// listed, else client_secret_basic (RFC 6749 section 2.3.1). One without a secret says
// who it is.
func TestClientAuthenticationAsListed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, secret string
		list         []string
		want         string
	}{
		{"both", "s", []string{basic, post}, post},
		{"post", "s", []string{post}, post},
		{"basic", "s", []string{basic}, basic},
		{"basic among others", "s", []string{"private_key_jwt", basic, "none"}, basic},
		{"no secret", "", []string{"none"}, "none"},
		{"no secret, none not listed", "", []string{basic}, "none"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newProvider(t, map[string]string{"/token": tt.want}, map[string]any{"token_endpoint_auth_methods_supported": tt.list})
			_, _, err := p.client(t, "id", tt.secret).Refresh(t.Context(), "r", &oidc.Claims{})
			wantCode(t, err, "invalid_grant")
			if got, want := p.requests(), []string{"/token " + tt.want + " id " + tt.secret}; !slices.Equal(got, want) {
				t.Errorf("requests %q, want %q", got, want)
			}
		})
	}
}

// The ID and the secret are encoded as in a form before they are joined: a colon would
// end the ID, and a percent sign or a plus would be read as something else.
func TestBasicAuthenticationOfOddCharacters(t *testing.T) {
	t.Parallel()
	p := newProvider(t, map[string]string{"/token": basic}, map[string]any{"token_endpoint_auth_methods_supported": []string{basic}})
	for _, text := range []string{"a:b", "100%25", "a+b", "a b", "café", `a&b=c"/?#`, "漢字"} {
		_, _, err := p.client(t, "id "+text, text).Refresh(t.Context(), "r", &oidc.Claims{})
		wantCode(t, err, "invalid_grant")
		if got, want := p.requests(), []string{"/token " + basic + " id " + text + " " + text}; !slices.Equal(got, want) {
			t.Errorf("requests %q, want %q", got, want)
		}
	}
	var header string
	c, err := oidc.NewClient(oidc.ClientSecrets{ClientID: "a:b", ClientSecret: "é %+"}, oidc.ProviderOptions{
		Issuer: p.url, InsecureLoopback: true,
		Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			header = r.Header.Get("Authorization")
			return http.DefaultTransport.RoundTrip(r)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _, _ = c.Refresh(t.Context(), "r", &oidc.Claims{})
	if want := "Basic YSUzQWI6JUMzJUE5KyUyNSUyQg=="; header != want { // a%3Ab:%C3%A9+%25%2B
		t.Errorf("header %q, want %q", header, want)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Where a provider does not say how it wants the secret, or takes both, it goes into the
// form; where that is refused, as of a client that is registered for the other, into the
// header, once, and from then on at that endpoint.
func TestClientAuthenticationIsFoundOut(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]map[string]any{"no list": nil, "both": {"token_endpoint_auth_methods_supported": []string{basic, post}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testClientAuthenticationIsFoundOut(t, list)
		})
	}
}

func testClientAuthenticationIsFoundOut(t *testing.T, metadata map[string]any) {
	p := newProvider(t, map[string]string{"/token": basic, "/revoke": post, "/device": basic}, metadata)
	c := p.client(t, "id", "s")
	for _, want := range [][]string{{"/token " + post + " id s", "/token " + basic + " id s"}, {"/token " + basic + " id s"}, {"/token " + basic + " id s"}} {
		_, _, err := c.Refresh(t.Context(), "r", &oidc.Claims{})
		wantCode(t, err, "invalid_grant")
		if got := p.requests(); !slices.Equal(got, want) {
			t.Errorf("requests %q, want %q", got, want)
		}
	}
	if err := c.Revoke(t.Context(), "r"); err != nil {
		t.Error(err)
	}
	if got, want := p.requests(), []string{"/revoke " + post + " id s"}; !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
	grant, err := c.StartDevice(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if grant.Interval.Seconds() != 7 {
		t.Errorf("interval %s, want the 7 seconds that were sent as text", grant.Interval)
	}
	if got, want := p.requests(), []string{"/device " + post + " id s", "/device " + basic + " id s"}; !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
}

// A client that is refused in both ways is told so once, and nothing is remembered.
func TestClientThatIsRefusedInBothWays(t *testing.T) {
	t.Parallel()
	p := newProvider(t, map[string]string{"/token": "neither"}, nil)
	c := p.client(t, "id", "wrong")
	for range 2 {
		_, _, err := c.Refresh(t.Context(), "r", &oidc.Claims{})
		wantCode(t, err, "invalid_client")
		if got, want := p.requests(), []string{"/token " + post + " id wrong", "/token " + basic + " id wrong"}; !slices.Equal(got, want) {
			t.Errorf("requests %q, want %q", got, want)
		}
	}
}

// The revocation endpoint has a list of its own (RFC 8414 section 2), the device
// endpoint has none: a client authenticates there as at the token endpoint (RFC 8628
// section 3.1), or, should that be refused, by Basic.
func TestClientAuthenticationAtOtherEndpoints(t *testing.T) {
	t.Parallel()
	p := newProvider(t, map[string]string{"/revoke": basic, "/device": basic}, map[string]any{
		"token_endpoint_auth_methods_supported":      []string{post},
		"revocation_endpoint_auth_methods_supported": []string{basic},
	})
	c := p.client(t, "id", "s")
	if err := c.Revoke(t.Context(), "r"); err != nil {
		t.Error(err)
	}
	for range 2 {
		if _, err := c.StartDevice(t.Context(), nil); err != nil {
			t.Error(err)
		}
	}
	want := []string{"/revoke " + basic + " id s", "/device " + post + " id s", "/device " + basic + " id s", "/device " + basic + " id s"}
	if got := p.requests(); !slices.Equal(got, want) {
		t.Errorf("requests %q, want %q", got, want)
	}
}

// A provider that takes nothing that this client can do is not asked.
func TestClientAuthenticationThatIsNotPossible(t *testing.T) {
	t.Parallel()
	p := newProvider(t, nil, map[string]any{"token_endpoint_auth_methods_supported": []string{"private_key_jwt", "tls_client_auth"}})
	for _, secret := range []string{"", "s"} {
		_, _, err := p.client(t, "id", secret).Refresh(t.Context(), "r", &oidc.Claims{})
		var pe *oidc.ProviderError
		if !errors.As(err, &pe) || !strings.Contains(err.Error(), "private_key_jwt, tls_client_auth only") || !strings.Contains(err.Error(), post) {
			t.Errorf("error %v", err)
		}
		if got := p.requests(); got != nil {
			t.Errorf("requests %q, want none", got)
		}
	}
}
