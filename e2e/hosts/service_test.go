//go:build linux

package hosts_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/core/jupyterhub"
	"github.com/tokentoss/tokentoss/e2e/internal/browser"
)

// A hubUser is somebody who has signed in to the hub in a browser that is a program, and
// has a server there, of which the environment is what counts.
type hubUser struct {
	h      *hub
	name   string
	client *http.Client
}

// user signs somebody in to the hub.
func (h *hub) user(name string) *hubUser {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	u := &hubUser{h, name, &http.Client{Jar: jar, Timeout: browser.Patience}}
	u.open(h.url + "hub/login")
	at, _ := url.Parse(h.url + "hub/login")
	form := url.Values{"username": {name}, "password": {"x"}}
	for _, c := range jar.Cookies(at) {
		if c.Name == "_xsrf" {
			form.Set("_xsrf", c.Value)
		}
	}
	res, err := u.client.PostForm(h.url+"hub/login?next=%2Fhub%2Ftoken", form)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || !strings.Contains(res.Request.URL.Path, "/hub/token") {
		h.t.Fatalf("%s cannot sign in to the hub: %s, %s", name, res.Status, res.Request.URL)
	}
	return u
}

// open opens an address as a browser does, and returns the page.
func (u *hubUser) open(address string) string {
	u.h.t.Helper()
	res, err := u.client.Get(address)
	if err != nil {
		u.h.t.Fatal(err)
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return string(body)
}

// server is a command in the environment of the user's server.
func (u *hubUser) server(scope string, args ...string) *exec.Cmd {
	u.h.t.Helper()
	c := u.h.command("tokentoss", args...)
	c.Env = append(c.Env, "TOKENTOSS_CONFIG_DIR="+u.h.dir+"/home/"+u.name+"/tokentoss", "JUPYTERHUB_USER="+u.name,
		"JUPYTERHUB_API_TOKEN="+u.h.token(u.name, scope), "JUPYTERHUB_PUBLIC_HUB_URL="+u.h.url+"hub/")
	return c
}

// A login is one that has begun on the user's server.
type login struct {
	address string
	ends    chan string
}

const mayUse = "access:services!service=" + jupyterhub.Name

var loginAddress = regexp.MustCompile(`http\S+/auth\?\S+`)

func (u *hubUser) login() *login {
	u.h.t.Helper()
	c := u.server(mayUse, "login", "--no-browser")
	out, err := c.StderrPipe()
	if err != nil {
		u.h.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		u.h.t.Fatal(err)
	}
	l := &login{ends: make(chan string, 1)}
	began := make(chan string, 1)
	go func() {
		var all strings.Builder
		for lines := bufio.NewScanner(out); lines.Scan(); {
			all.WriteString(lines.Text() + "\n")
			if m := loginAddress.FindString(lines.Text()); m != "" {
				select {
				case began <- m:
				default:
				}
			}
		}
		_ = c.Wait()
		close(began)
		l.ends <- all.String()
	}()
	if l.address = <-began; l.address == "" {
		u.h.t.Fatalf("no sign-in begins: %s", <-l.ends)
	}
	return l
}

// TestJupyterHubService: a real hub says whose tokens and browsers are. One user gets
// nothing of another; forged and replayed redirects, and tokens of another scope, get
// nothing at all.
func TestJupyterHubService(t *testing.T) {
	h := startHub(t)
	hers, mallorys := h.user("ada"), h.user("mallory")
	lure := mallorys.login()
	redirect, err := h.provider.Authorize(t.Context(), lure.address, ada)
	if err != nil {
		t.Fatal(err)
	}
	if page := hers.open(redirect); !strings.Contains(page, "Not you") {
		t.Errorf("ada's browser brings mallory's sign-in: %s", page)
	}
	mine := hers.login()
	redirect, err = h.provider.Authorize(t.Context(), mine.address, ada)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(redirect)
	q := u.Query()
	state := q.Get("state")
	for scope, want := range map[string]int{"access:servers!user=mallory": http.StatusForbidden, mayUse: http.StatusNotFound} {
		form := url.Values{"state": {state}}.Encode()
		if got := h.post("services/tokentoss/api/response", h.token("mallory", scope), "application/x-www-form-urlencoded", form, nil); got != want {
			t.Errorf("a token of mallory's with %s is answered %d, want %d", scope, got, want)
		}
	}
	q.Set("state", "forged")
	if page := hers.open(h.url + "services/tokentoss/callback?" + q.Encode()); !strings.Contains(page, "Not this sign-in") {
		t.Errorf("a forged state: %s", page)
	}
	if page := hers.open(redirect); !strings.Contains(page, "You can close this window") {
		t.Errorf("ada's browser comes back: %s", page)
	}
	if said := <-mine.ends; !strings.Contains(said, ada) {
		t.Errorf("her sign-in ends with %s", said)
	}
	if page := hers.open(redirect); !strings.Contains(page, "Not this sign-in") {
		t.Errorf("the same again: %s", page)
	}
	if out, err := hers.server(mayUse, "get", h.provider.IAPURL()+"/api/data").Output(); err != nil || !strings.Contains(string(out), "42") {
		t.Errorf("her request: %s, %v", out, err)
	}
	if out, err := hers.server(mayUse, "logout").CombinedOutput(); err != nil {
		t.Errorf("%s, %v", out, err)
	}
	if out, err := hers.server("access:servers!user=ada", "login", "--no-browser").CombinedOutput(); err == nil || !strings.Contains(string(out), mayUse) {
		t.Errorf("without the scope: %s, %v", out, err)
	}
	if page := mallorys.open(mustAuthorize(t, h, lure.address)); !strings.Contains(page, "You can close this window") {
		t.Errorf("mallory's own browser: %s", page)
	}
	if said := <-lure.ends; !strings.Contains(said, alan) {
		t.Errorf("mallory's sign-in ends with %s", said)
	}
}

func mustAuthorize(t *testing.T, h *hub, address string) string {
	t.Helper()
	to, err := h.provider.Authorize(t.Context(), address, alan)
	if err != nil {
		t.Fatal(err)
	}
	return to
}
