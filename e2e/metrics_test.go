//go:build linux

package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tokentoss/tokentoss/emulator"
)

// All that stays gives health and metrics at an address of its own, to who has the word.
// There is no name or secret in them, and nothing there leads to a token.
func TestAllThatStaysGivesMetrics(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		args   []string
		config string
	}{
		{name: "serve", args: []string{"serve", "--no-browser"}},
		{name: "proxy", args: []string{"proxy", "http://127.0.0.1:1"}},
		{name: "metadata", args: []string{"metadata"}},
		{name: "hub", args: []string{"hub", "--public-url", "https://hub.example.com/services/tokentoss/"}},
		{name: "agent", config: encryptedStore},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir, err := os.MkdirTemp("", "m") // short enough for a socket
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			socket, word := filepath.Join(dir, "s"), "the-word-of-the-scraper"
			bearer := filepath.Join(dir, "word")
			writeFile(t, bearer, []byte(word+"\n"))
			config := tt.config
			if tt.args == nil {
				config = fmt.Sprintf("agent_metrics_listen = \"unix:%s\"\nagent_metrics_bearer_file = %q\n", socket, bearer) + config
			}
			m := withStore(t, emulator.Options{}, config)
			m.signIn(t, ada)
			if tt.args == nil {
				m.run(t, "token").wantCode(t, 0) // which starts the agent
			} else {
				c := m.command(append(tt.args, "--metrics-listen", "unix:"+socket, "--metrics-bearer-file", bearer)...)
				if tt.name == "hub" {
					m.beHub(t, c)
				}
				start(t, c)
			}
			wantMetrics(t, socket, word)
		})
	}
}

// beHub makes the machine's client the one of a hub, and c a service of that.
func (m *machine) beHub(t *testing.T, c *exec.Cmd) {
	t.Helper()
	writeFile(t, filepath.Join(m.dir, "client_secrets.json"), []byte(`{"web": {"client_id": "1-hub.apps.googleusercontent.com", "client_secret": "GOCSPX-hub",
		"auth_uri": "https://accounts.google.com/o/oauth2/auth", "token_uri": "https://oauth2.googleapis.com/token",
		"redirect_uris": ["https://hub.example.com/services/tokentoss/callback"]}}`))
	c.Env = append(c.Env, "JUPYTERHUB_SERVICE_URL=http://127.0.0.1:0", "JUPYTERHUB_SERVICE_PREFIX=/services/tokentoss/", "JUPYTERHUB_API_URL=http://127.0.0.1:1/hub/api",
		"JUPYTERHUB_API_TOKEN=token-of-the-service")
}

// wantMetrics asks for all that there is at a socket.
func wantMetrics(t *testing.T, socket, word string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	ask := func(path, word string) (status int, body string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if word != "" {
			req.Header.Set("Authorization", "Bearer "+word)
		}
		res, err := client.Do(req)
		if err != nil {
			return 0, err.Error()
		}
		defer res.Body.Close()
		data, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(data)
	}
	poll(t, "health is told", func() bool { status, _ := ask("/healthz", ""); return status == http.StatusOK })
	for _, tt := range []struct {
		path, word string
		want       int
	}{
		{"/readyz", "", 200}, {"/metrics", "", 401}, {"/metrics", word + "x", 401}, {"/metrics", word, 200},
		{"/", word, 404}, {"/token", word, 404}, {"/api/token", word, 404}, {"/computeMetadata/v1/", word, 404},
	} {
		status, body := ask(tt.path, tt.word)
		if status != tt.want {
			t.Errorf("%s with the word %q: %d %s", tt.path, tt.word, status, body)
		}
		if strings.Contains(body, "ada@") || strings.Contains(body, "eyJ") || strings.Contains(body, word) || strings.Contains(body, "GOCSPX") {
			t.Errorf("%s tells too much: %s", tt.path, body)
		}
		if tt.want == 200 && tt.path == "/metrics" {
			for _, name := range []string{"tokentoss_requests", "tokentoss_tokens_total", "tokentoss_refreshes_total", `tokentoss_failures_total{kind="offline"}`, "tokentoss_token_age_seconds"} {
				if !strings.Contains(body, name) {
					t.Errorf("there is no %s in %s", name, body)
				}
			}
		}
	}
}
