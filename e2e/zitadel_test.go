//go:build unix

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// A foreignProvider is the example server of Zitadel's OpenID Connect library: a
// certified provider that was not written with tokentoss in mind. It rotates
// refresh tokens, knows public clients only by PKCE, and gives refresh tokens
// for offline_access only.
type foreignProvider struct {
	url string

	mu    sync.Mutex
	forms []url.Values // of the token endpoint
}

// plainStorage is the example's storage with one client of its own. Where inline
// is set, that client is one whose ID tokens have the e-mail address, which
// OpenID Connect Core section 5.4 leaves to the userinfo endpoint.
type plainStorage struct {
	*storage.Storage
	inline bool
}

type inlineClient struct{ op.Client }

func (inlineClient) IDTokenUserinfoClaimsAssertion() bool { return true }

func (s plainStorage) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	c, err := s.Storage.GetClientByClientID(ctx, id)
	if err == nil && s.inline {
		c = inlineClient{c}
	}
	return c, err
}

// newForeignProvider starts the provider. The address that its native client may
// be redirected to is registered without a port, as RFC 8252 section 7.3 has it.
func newForeignProvider(t *testing.T, inline bool) *foreignProvider {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &foreignProvider{url: "http://" + l.Addr().String()}
	clients := map[string]*storage.Client{"native": storage.NativeClient("native", "http://127.0.0.1/callback")}
	store := plainStorage{storage.NewStorageWithClients(storage.NewUserStore(p.url), clients), inline}
	router := exampleop.SetupServer(p.url, store, slog.New(slog.DiscardHandler), false)
	server := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.note(r)
		router.ServeHTTP(w, r)
	})}}
	server.Start()
	t.Cleanup(server.Close)
	return p
}

// note keeps the forms that the token endpoint gets.
func (p *foreignProvider) note(r *http.Request) {
	if r.URL.Path != "/oauth/token" {
		return
	}
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.ParseQuery(string(body))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forms = append(p.forms, form)
}

// grants returns the forms of one grant type.
func (p *foreignProvider) grants(kind string) []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.forms), func(f url.Values) bool { return f.Get("grant_type") != kind })
}

// machine returns a machine that is configured for the provider.
func (p *foreignProvider) machine(t *testing.T) *machine {
	t.Helper()
	m := &machine{dir: filepath.Join(t.TempDir(), "tokentoss")}
	// A public client has no secret.
	m.run(t, "configure", "--client-id", "native", "--issuer", p.url, "--client-secret-file", "/dev/null").wantCode(t, 0)
	return m
}

var formID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// logIn does in a browser what the provider's only user does, and returns the
// last page.
func (p *foreignProvider) logIn(t *testing.T, authURL string) string {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	page := read(t)(browser.Get(authURL))
	id := formID.FindStringSubmatch(page)
	if id == nil {
		t.Fatalf("the provider shows no login form:\n%s", page)
	}
	return read(t)(browser.PostForm(p.url+"/login/username", url.Values{
		"id": {html.UnescapeString(id[1])}, "username": {"test-user@127.0.0.1"}, "password": {"verysecure"},
	}))
}

// read returns the body of a page.
func read(t *testing.T) func(*http.Response, error) string {
	return func(res *http.Response, err error) string {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
}

// A whole life with a provider that nobody here wrote: sign in, use, refresh from
// many processes at once, sign out.
func TestForeignProvider(t *testing.T) {
	const email = "test-user@zitadel.ch"
	p := newForeignProvider(t, true)
	m := p.machine(t)
	l := m.pendingLogin(t)
	if page := p.logIn(t, l.url); !strings.Contains(page, email) {
		t.Errorf("the last page does not name the account:\n%s", page)
	}
	l.wait(t).wantCode(t, 0)
	if status := m.run(t, "status").wantCode(t, 0).stdout; !strings.Contains(status, email) || !strings.Contains(status, p.url) {
		t.Errorf("status does not name the account and the provider:\n%s", status)
	}
	var token struct{ Email, Sub, Issuer, Audience string }
	if err := json.Unmarshal([]byte(m.run(t, "token", "--format", "json").wantCode(t, 0).stdout), &token); err != nil {
		t.Fatal(err)
	}
	if token.Email != email || token.Sub != "id1" || token.Issuer != p.url || token.Audience != "native" {
		t.Errorf("the token is %+v", token)
	}
	if n := len(p.grants("refresh_token")); n != 0 {
		t.Fatalf("%d refreshes of a token that is valid", n)
	}

	last := m.session(t)["refresh_token"]
	for i := range 5 {
		age(t, m.tokens(), -time.Minute)
		wantAll(t, m.together(t, 8, "token"), 0)
		if n := len(p.grants("refresh_token")); n != i+1 {
			t.Fatalf("%d refreshes at %d expiries", n, i+1)
		}
		now := m.session(t)["refresh_token"]
		if now == last {
			t.Fatal("the rotated refresh token was not saved")
		}
		last = now
	}
	p.wantForms(t)

	m.run(t, "logout").wantCode(t, 0)
	m.run(t, "token").wantCode(t, 3)
	res, err := http.PostForm(p.url+"/oauth/token", url.Values{
		"grant_type": {"refresh_token"}, "client_id": {"native"}, "refresh_token": {last.(string)},
	})
	if body := read(t)(res, err); res.StatusCode != http.StatusBadRequest || !strings.Contains(body, "invalid_grant") {
		t.Errorf("the refresh token outlived the logout: status %d", res.StatusCode)
	}
}

// wantForms checks what was sent to the token endpoint for a public client.
func (p *foreignProvider) wantForms(t *testing.T) {
	t.Helper()
	codes := p.grants("authorization_code")
	if len(codes) != 1 || codes[0].Get("code_verifier") == "" {
		t.Errorf("%d codes were exchanged, expected one with a verifier", len(codes))
	}
	for _, f := range append(codes, p.grants("refresh_token")...) {
		if f.Get("client_id") != "native" || f.Has("client_secret") {
			t.Errorf("a public client authenticated otherwise than by its ID")
		}
	}
}

// A provider whose ID tokens hold no e-mail address calls the person what it does, over
// refreshes, too. Where a setting demands an address, it is refused with the reason: the
// code is spent, and nothing is stored.
func TestForeignProviderWithoutEmailInTheIDToken(t *testing.T) {
	p := newForeignProvider(t, false)
	m := p.machine(t)
	l := m.pendingLogin(t)
	p.logIn(t, l.url)
	l.wait(t).wantCode(t, 0)
	for range 2 {
		if out := m.run(t, "status").wantCode(t, 0).stdout; !strings.Contains(out, "signed in as id1") {
			t.Errorf("status says\n%s", out)
		}
		age(t, m.tokens(), -time.Minute)
		m.run(t, "token").wantCode(t, 0)
	}
	if n := len(p.grants("refresh_token")); n != 2 {
		t.Errorf("%d refreshes, want 2", n)
	}

	m.run(t, "logout").wantCode(t, 0)
	config := filepath.Join(m.dir, "config.toml")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, append([]byte("require_verified_email = true\n"), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	l = m.pendingLogin(t)
	p.logIn(t, l.url)
	if r := l.wait(t).wantCode(t, 1); !strings.Contains(r.stderr, "email is missing") {
		t.Errorf("it says %q, expected the reason", r.stderr)
	}
	m.run(t, "token").wantCode(t, 3)
	if n := len(p.grants("authorization_code")); n != 2 {
		t.Errorf("%d codes were exchanged, want 2", n)
	}
}
