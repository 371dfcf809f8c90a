package hub_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tokentoss/tokentoss/core"
	"github.com/tokentoss/tokentoss/core/authcode"
	"github.com/tokentoss/tokentoss/core/jupyterhub"
	"github.com/tokentoss/tokentoss/core/oidc"
	"github.com/tokentoss/tokentoss/emulator"
	"github.com/tokentoss/tokentoss/frontends/http/hub"
	"github.com/tokentoss/tokentoss/stores/memory"
)

func TestMain(m *testing.M) {
	code := m.Run()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// patience bounds what is meant to happen soon.
const patience = 30 * time.Second

const (
	prefix = "/services/tokentoss/"
	access = "access:services!service=tokentoss"
)

// A world is a hub, its service, and the provider.
type world struct {
	t      *testing.T
	google *emulator.Emulator
	hub    *standIn
	public *httptest.Server // the hub's proxy, with the service behind it
}

// A standIn does what the service asks a JupyterHub for; the tests of package
// e2e/jupyter ask a real one.
type standIn struct {
	mu     sync.Mutex
	tokens map[string]string   // whose they are
	scopes map[string][]string // of tokens
	codes  map[string]url.Values
	down   bool
}

func (h *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = r.ParseForm()
	switch strings.TrimPrefix(r.URL.Path, "/hub/api") {
	case "/user":
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "token ")
		user, ok := h.tokens[token]
		switch {
		case h.down:
			http.Error(w, "down", http.StatusBadGateway)
		case !ok:
			http.Error(w, "forbidden", http.StatusForbidden)
		default:
			kind, name, _ := strings.Cut(user, ":")
			_ = json.NewEncoder(w).Encode(map[string]any{"kind": kind, "name": name, "scopes": h.scopes[token]})
		}
	case "/oauth2/authorize":
		c, err := r.Cookie("hub-user")
		if err != nil || r.Form.Get("client_id") != "service-tokentoss" || r.Form.Get("code_challenge_method") != "S256" {
			http.Error(w, "sign in to the hub", http.StatusForbidden)
			return
		}
		code := fmt.Sprint("hub-code-", len(h.codes))
		h.codes[code] = url.Values{"user": {c.Value}, "challenge": {r.Form.Get("code_challenge")}, "to": {r.Form.Get("redirect_uri")}}
		http.Redirect(w, r, r.Form.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {r.Form.Get("state")}}.Encode(), http.StatusFound)
	case "/oauth2/token":
		made := h.codes[r.PostForm.Get("code")]
		delete(h.codes, r.PostForm.Get("code"))
		if made == nil || jupyterhub.Hash(r.PostForm.Get("code_verifier")) != made.Get("challenge") || r.PostForm.Get("client_secret") != "service-token" {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		token := fmt.Sprint("oauth-", len(h.tokens))
		h.tokens[token], h.scopes[token] = "user:"+made.Get("user"), []string{access}
		_ = json.NewEncoder(w).Encode(map[string]string{"access_token": token})
	default:
		http.NotFound(w, r)
	}
}

// token makes a token of the hub.
func (h *standIn) token(owner string, scopes ...string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	token := fmt.Sprint("token-", len(h.tokens))
	h.tokens[token], h.scopes[token] = owner, scopes
	return token
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, hub: &standIn{tokens: map[string]string{}, scopes: map[string][]string{}, codes: map[string]url.Values{}}}
	mux := http.NewServeMux()
	w.public = httptest.NewServer(mux)
	t.Cleanup(w.public.Close)
	client := emulator.Client{ID: "hub.apps.googleusercontent.com", Secret: "GOCSPX-of-the-hub", Type: emulator.Web, RedirectURIs: []string{w.public.URL + prefix + "callback"}}
	var err error
	w.google, err = emulator.Start(t.Context(), emulator.Options{
		Accounts: []emulator.Account{{Email: "ada@example.com"}, {Email: "grace@example.com"}}, Clients: []emulator.Client{client},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.google.Close() })
	w.serve(mux, client)
	return w
}

func (w *world) serve(mux *http.ServeMux, client emulator.Client) {
	w.t.Helper()
	env := map[string]string{
		"JUPYTERHUB_SERVICE_URL": "http://127.0.0.1:1", "JUPYTERHUB_SERVICE_PREFIX": prefix, "JUPYTERHUB_API_URL": w.public.URL + "/hub/api",
		"JUPYTERHUB_API_TOKEN": "service-token", "JUPYTERHUB_PUBLIC_URL": w.public.URL + prefix, "JUPYTERHUB_BASE_URL": "/",
		"JUPYTERHUB_OAUTH_ACCESS_SCOPES": `["access:services", "` + access + `"]`,
	}
	config, err := hub.FromEnvironment(func(name string) string { return env[name] }, "")
	if err != nil {
		w.t.Fatal(err)
	}
	secrets, err := oidc.ParseClientSecrets(w.google.ClientSecretsOf(client))
	if err != nil {
		w.t.Fatal(err)
	}
	oauth, err := oidc.NewClient(secrets, oidc.ProviderOptions{Issuer: w.google.Issuer(), InsecureLoopback: true})
	if err != nil {
		w.t.Fatal(err)
	}
	s, err := hub.New(hub.Options{Config: config, Client: oauth})
	if err != nil {
		w.t.Fatal(err)
	}
	mux.Handle("/hub/", w.hub)
	mux.Handle(prefix, s)
}

// A kernel is one of a user, with a session.
type kernel struct {
	*core.Session
	world   *world
	service *jupyterhub.Service
	ends    chan error
}

// kernel starts one with a token of the hub.
func (w *world) kernel(token string) *kernel {
	w.t.Helper()
	k := &kernel{world: w, service: w.service(token), ends: make(chan error, 1)}
	var err error
	if k.service.Client, err = k.service.Ask(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	client, err := k.service.OAuthClient(oidc.ProviderOptions{InsecureLoopback: true})
	if err != nil {
		w.t.Fatal(err)
	}
	k.Session, err = core.NewSession(core.SessionOptions{Store: memory.New(), Client: client, Flow: authcode.New(authcode.Options{Receiver: k.service, Timeout: patience})})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = k.Close() })
	return k
}

// service returns the service as a kernel with that token finds it.
func (w *world) service(token string) *jupyterhub.Service {
	w.t.Helper()
	env := map[string]string{"JUPYTERHUB_API_TOKEN": token, "JUPYTERHUB_USER": "x", "JUPYTERHUB_PUBLIC_HUB_URL": w.public.URL + "/hub/"}
	s, err := jupyterhub.Find(func(name string) string { return env[name] })
	if err != nil || s == nil {
		w.t.Fatal(s, err)
	}
	return s
}

// begin starts a sign-in, and returns where its person is to go.
func (k *kernel) begin() string {
	k.world.t.Helper()
	prompts := make(chan core.Prompt, 1)
	ctx, cancel := context.WithCancel(k.world.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, err := k.SignIn(ctx, core.PrompterFunc(func(ctx context.Context, p core.Prompt) (string, error) {
			prompts <- p
			<-ctx.Done()
			return "", nil
		}))
		k.ends <- err
	}()
	k.world.t.Cleanup(func() { cancel(); <-done })
	select {
	case p := <-prompts:
		return p.URL
	case err := <-k.ends:
		k.world.t.Fatal("no sign-in begins: ", err)
		return ""
	}
}

// consent returns where the provider sends the browser of a person who agrees.
func (w *world) consent(address, email string) string {
	w.t.Helper()
	to, err := w.google.Authorize(w.t.Context(), address, email)
	if err != nil {
		w.t.Fatal(err)
	}
	return to
}

// A browser follows redirects, and keeps cookies.
type browser struct {
	t      *testing.T
	client *http.Client
}

// browser returns one that is signed in to the hub as user, or as nobody.
func (w *world) browser(user string) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if u, _ := url.Parse(w.public.URL); user != "" {
		jar.SetCookies(u, []*http.Cookie{{Name: "hub-user", Value: user, Path: "/"}})
	}
	return &browser{w.t, &http.Client{Jar: jar, Timeout: patience}}
}

// open opens an address and returns the status and the page.
func (b *browser) open(address string) (int, string) {
	b.t.Helper()
	res, err := b.client.Get(address)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(body)
}

// post makes a kernel's request by hand.
func (w *world) post(token, path string, form url.Values) (int, string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.public.URL+prefix+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "token "+token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(body)
}

// signedIn waits for the end of a sign-in, which must be a good one.
func (k *kernel) signedIn(email string) {
	k.world.t.Helper()
	select {
	case err := <-k.ends:
		if err != nil {
			k.world.t.Fatal(err)
		}
	case <-time.After(patience):
		k.world.t.Fatal("the sign-in does not end")
	}
	if st, err := k.Status(k.world.t.Context()); err != nil || st.Email != email {
		k.world.t.Fatalf("%+v, %v", st, err)
	}
}

// waits fails where a sign-in has ended.
func (k *kernel) waits() {
	k.world.t.Helper()
	select {
	case err := <-k.ends:
		k.world.t.Fatal("the sign-in ended: ", err)
	default:
	}
}

func query(t *testing.T, address string) url.Values {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}
