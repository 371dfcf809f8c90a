//go:build linux

package hosts_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tokentoss/tokentoss/e2e/internal/browser"
	"github.com/tokentoss/tokentoss/emulator"
)

// hubConfig is what docs/administrators.md has, with a spawner and an authenticator for
// tests.
const hubConfig = `
import os
c.JupyterHub.public_url = "%[1]s"
c.JupyterHub.services = [
    {
        "name": "tokentoss",
        "url": "http://127.0.0.1:%[3]s",
        "command": ["tokentoss", "--verbose", "hub"],
        "environment": {"TOKENTOSS_CONFIG_DIR": "%[2]s/config", "TOKENTOSS_INSECURE_LOOPBACK": "1"},
        "oauth_no_confirm": True,
        "display": False,
    },
    {"name": "tests", "api_token": "token-of-the-tests"},
]
c.JupyterHub.load_roles = [
    {"name": "user", "scopes": ["self", "access:services!service=tokentoss"]},
    {"name": "server", "scopes": ["users:activity!user", "access:servers!server", "access:services!service=tokentoss"]},
    {"name": "tests", "scopes": ["tokens", "admin:users", "admin:servers"], "services": ["tests"]},
]
c.JupyterHub.bind_url = "%[1]s"
c.JupyterHub.hub_port = %[4]s
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:%[5]s"
c.ConfigurableHTTPProxy.command = ["%[6]s"]
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "%[2]s/home/{username}"
c.Spawner.args = ["--allow-root", "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None"]
c.Spawner.environment = {"TOKENTOSS_INSECURE_LOOPBACK": "1"}
c.Spawner.default_url = "/lab"
c.Spawner.start_timeout = c.Spawner.http_timeout = 180
`

// A hub is a JupyterHub with the service.
type hub struct {
	*place
	url string
}

func startHub(t *testing.T) *hub {
	t.Helper()
	_ = environment(t, today) // or this is skipped
	at := "http://127.0.0.1:" + freePort(t) + "/"
	client := emulator.Client{ID: "hub.apps.googleusercontent.com", Secret: "GOCSPX-of-the-hub", Type: emulator.Web, RedirectURIs: []string{at + "services/tokentoss/callback"}}
	p := newPlace(t, today, client)
	p.write("config/client_secrets.json", string(p.provider.ClientSecretsOf(client)))
	for _, user := range []string{"ada", "mallory"} {
		p.write("home/"+user+"/notebook.ipynb", notebookOf("import tokentoss; widget = tokentoss.GoogleAuthWidget(); display(widget)",
			fmt.Sprintf(`import os; widget.wait(); print("It says", tokentoss.IAPClient(base_url=%q).get_json("/api/data")["value"], tokentoss.CREDENTIALS.refresh_token)`, p.provider.IAPURL())))
	}
	p.write("jupyterhub_config.py", fmt.Sprintf(hubConfig, at, p.dir, freePort(t), freePort(t), freePort(t), filepath.Join(packages(t), ".bin", "configurable-http-proxy")))
	c := p.command("jupyterhub", "-f", "jupyterhub_config.py")
	for i, e := range c.Env { // what users have comes from their own homes
		if strings.HasPrefix(e, "TOKENTOSS_CONFIG_DIR=") {
			c.Env[i] = "CONFIGPROXY_AUTH_TOKEN=token-of-the-proxy"
		}
	}
	p.serve(at+"hub/login", c)
	return &hub{p, at}
}

// notebook opens a user's notebook, in a browser of theirs in which they sign in to the
// hub, and runs it.
func (h *hub) notebook(user string) *visit {
	h.t.Helper()
	v := h.visits(browser.Open(h.t), h.url+"hub/login?next="+url.QueryEscape("/hub/user-redirect/lab/tree/notebook.ipynb"))
	v.Do("signing in to the hub", chromedp.WaitVisible("#username_input", chromedp.ByQuery), chromedp.SendKeys("#username_input", user, chromedp.ByQuery),
		chromedp.SendKeys("#password_input", "x\r", chromedp.ByQuery))
	v.until("JupyterLab", `window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === "idle"`)
	v.Do("running the notebook", chromedp.Evaluate(`void window.jupyterapp.commands.execute("notebook:run-all-cells")`, nil))
	return v
}

// TestJupyterHub: a click, consent, done: no paste, no port, and no file of the user. One
// user of the hub gets nothing of another.
func TestJupyterHub(t *testing.T) {
	h := startHub(t)
	hers, mallorys := h.notebook("ada"), h.notebook("mallory")
	address := hers.href()
	if !strings.Contains(address, url.QueryEscape(h.url+"services/tokentoss/callback")) {
		t.Fatalf("the browser is to come back to %s", address)
	}
	// Mallory lures ada to agree to what mallory's kernel began.
	lure, err := h.provider.Authorize(t.Context(), mallorys.href(), ada)
	if err != nil {
		t.Fatal(err)
	}
	other := h.tab(hers)
	other.Do("being lured", chromedp.Navigate(lure))
	other.Sees("Not you")
	// The right state, and one that is forged.
	redirect, err := h.provider.Authorize(t.Context(), address, ada)
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(redirect)
	q := u.Query()
	q.Set("state", "forged")
	other.Do("forging", chromedp.Navigate(h.url+"services/tokentoss/callback?"+q.Encode()))
	other.Sees("Not this sign-in")
	hers.signIn(ada)
	hers.sees("It says 42 None")
	other.Do("replaying", chromedp.Navigate(redirect))
	other.Sees("Not this sign-in")
	mallorys.sees("Sign in with Google")
	for scope, want := range map[string]int{"access:servers!user=mallory": http.StatusForbidden, "access:services!service=tokentoss": http.StatusNotFound} {
		form := url.Values{"state": {q.Get("state")}}
		if got := h.post("services/tokentoss/api/response", h.token("mallory", scope), "application/x-www-form-urlencoded", form.Encode(), nil); got != want {
			t.Errorf("a token with %s is answered %d, want %d", scope, got, want)
		}
	}
	mallorys.signIn(alan)
	mallorys.sees("It says 42 None")
	hers.press("Sign out")
	hers.sees("Sign in with Google")
	if n := strings.Count(h.said.String(), "Traceback"); n > 0 {
		t.Errorf("the hub says %d tracebacks", n)
	}
}

// tab opens another tab of the same person's browser.
func (p *place) tab(v *visit) *browser.Tab {
	p.t.Helper()
	return v.Opens(func() {
		v.Do("opening a tab", chromedp.Evaluate(`void window.open("about:blank", "_blank")`, nil, userGesture))
	})
}

// token makes a token of the hub for a user.
func (h *hub) token(user, scope string) string {
	h.t.Helper()
	var made struct{ Token string }
	if status := h.post("hub/api/users/"+user+"/tokens", "token-of-the-tests", "application/json", fmt.Sprintf(`{"scopes": [%q]}`, scope), &made); status != http.StatusCreated {
		h.t.Fatalf("the hub gives no token: %d", status)
	}
	return made.Token
}

// post posts to the hub, and returns the status.
func (h *hub) post(path, token, kind, body string, answer any) int {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.url+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "token "+token)
	r.Header.Set("Content-Type", kind)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: browser.Patience}
	res, err := client.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	data, _ := io.ReadAll(res.Body)
	if answer != nil && len(data) > 0 {
		if err := json.Unmarshal(data, answer); err != nil {
			h.t.Fatal(err)
		}
	}
	return res.StatusCode
}
